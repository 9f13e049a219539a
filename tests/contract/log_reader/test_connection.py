"""The connection to ClickHouse: its schema, its bounds and its errors."""

import pytest

from query_api.access.auth import Caller
from query_api.clickhouse.connection import ClickHouseConnection
from query_api.clickhouse.reader import ClickHouseLogReader
from query_api.errors import OtherSchema, QueryTimeout, StoreUnavailable
from schemas.migrations import MIGRATIONS_TABLE
from schemas.rows import (
    ACTIVITY_LOG,
)
from tests.contract.log_reader.stores import ClickHouse, RecordingConnection, Store, everything
from tests.unit.query_api.api import settings_for


async def test_a_database_of_this_version_has_no_difference(store: Store) -> None:
    assert await store.reader.schema_difference() is None


async def test_another_version_of_the_schema_is_refused_until_it_is_this_one(
    clickhouse: ClickHouse, reader: ClickHouseLogReader
) -> None:
    client, table = clickhouse.client, f"{clickhouse.database}.{MIGRATIONS_TABLE}"
    caller = Caller("acme", "tester")
    assert await reader.schema_difference() is None

    client.command(f"INSERT INTO {table} VALUES (9999, 'newer', 'x', now64(6))")
    assert await reader.schema_difference() == "migration 9999 is newer than this version"
    with pytest.raises(OtherSchema):
        await reader.lines(caller, everything())

    client.command(f"DELETE FROM {table} WHERE number = 9999")
    assert await reader.schema_difference() is None
    assert await reader.lines(caller, everything()) == []


async def test_a_database_without_tables_asks_for_the_migration(clickhouse: ClickHouse) -> None:
    settings = clickhouse.settings.model_copy(update={"clickhouse_database": "nowhere"})
    reader = ClickHouseLogReader(ClickHouseConnection(settings))

    difference = await reader.schema_difference()

    assert difference is not None
    assert "audit-stream migrate" in difference
    await reader.close()


async def test_an_unreachable_store_is_unavailable_and_names_no_secret() -> None:
    reader = ClickHouseLogReader(ClickHouseConnection(settings_for(CLICKHOUSE_URL="http://me:hush@127.0.0.1:9")))

    with pytest.raises(StoreUnavailable) as caught:
        await reader.lines(Caller("acme", "tester"), everything())

    assert "hush" not in repr(caught.value)
    assert caught.value.__cause__ is None
    await reader.close()


async def test_a_query_that_takes_too_long_is_a_timeout(connection: RecordingConnection) -> None:
    with pytest.raises(QueryTimeout):
        await connection.query(
            "SELECT sleepEachRow(0.1) FROM numbers(100) SETTINGS max_execution_time = 0.3, max_block_size = 1", {}
        )


async def test_the_reader_can_change_nothing(connection: RecordingConnection) -> None:
    for statement in (f"DROP TABLE {{database}}.{ACTIVITY_LOG}", f"TRUNCATE TABLE {{database}}.{ACTIVITY_LOG}"):
        with pytest.raises(StoreUnavailable) as caught:
            await connection.query(statement, {})
        assert caught.value.code == 164  # READONLY
