"""Every `LogReader` keeps its promises: the one in memory, and ClickHouse."""

from collections.abc import AsyncIterator, Iterable, Iterator
from uuid import uuid4

import pytest

from query_api.access.auth import Caller
from query_api.clickhouse.connection import ClickHouseConnection
from query_api.clickhouse.reader import ClickHouseLogReader
from schemas.clickhouse_client import connect
from schemas.rows import (
    ACTIVITY_LOG,
    ActivityRow,
    PersonLifetimeRow,
    PersonNameRow,
)
from stream.clients.migrate import migrate
from tests.contract.log_reader.stores import ClickHouse, RecordingConnection, Store
from tests.fakes.reader import InMemoryLogReader
from tests.unit.query_api.api import settings_for


@pytest.fixture(scope="session")
def clickhouse(request: pytest.FixtureRequest) -> Iterator[ClickHouse]:
    url = request.getfixturevalue("clickhouse_url")
    database = f"reader_{uuid4().hex}"
    with connect(url) as client:
        list(migrate(client, database))
        client.command(f"SYSTEM STOP MERGES {database}.{ACTIVITY_LOG}")
        yield ClickHouse(client, settings_for(CLICKHOUSE_URL=url, AUDIT_CLICKHOUSE_DATABASE=database))
        client.command(f"DROP DATABASE {database}")


@pytest.fixture(params=["in memory", "clickhouse"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    caller = Caller(f"space-{uuid4()}", "tester")
    if request.param == "in memory":
        fake = InMemoryLogReader()

        def insert_in_part(
            activities: Iterable[ActivityRow] = (),
            names: Iterable[PersonNameRow] = (),
            lifetimes: Iterable[PersonLifetimeRow] = (),
        ) -> None:
            fake.is_cut_off = True
            fake.insert(activities, names, lifetimes)
            fake.is_cut_off = False

        yield Store(fake, fake.insert, caller, insert_in_part)
        return
    clickhouse: ClickHouse = request.getfixturevalue("clickhouse")
    reader = ClickHouseLogReader(ClickHouseConnection(clickhouse.settings))
    yield Store(reader, clickhouse.insert_whole, caller, clickhouse.insert)
    await reader.close()


@pytest.fixture
async def connection(clickhouse: ClickHouse) -> AsyncIterator[RecordingConnection]:
    connection = RecordingConnection(clickhouse.settings)
    yield connection
    await connection.close()


@pytest.fixture
async def reader(clickhouse: ClickHouse) -> AsyncIterator[ClickHouseLogReader]:
    reader = ClickHouseLogReader(ClickHouseConnection(clickhouse.settings))
    yield reader
    await reader.close()
