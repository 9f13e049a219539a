"""`AccessLog` over ClickHouse."""

from uuid import uuid4

import pytest

from query_api.clickhouse.access_log import ACCESS_LOG, ClickHouseAccessLog
from query_api.clickhouse.connection import ClickHouseConnection
from query_api.errors import StoreUnavailable
from query_api.log.access_log import Access, Action
from tests.builders import NOW
from tests.contract.log_reader.stores import USER, ClickHouse, RecordingConnection
from tests.unit.query_api.api import settings_for


async def test_an_access_is_stored_once_however_often_it_is_inserted(
    clickhouse: ClickHouse, connection: RecordingConnection
) -> None:
    access = Access("acme", NOW, uuid4(), USER, Action.LIST, '{"channel": ["ui"]}', "r-1")
    log = ClickHouseAccessLog(connection)

    for _ in range(2):
        await log.record([access])

    table = f"{clickhouse.database}.{ACCESS_LOG}"
    assert clickhouse.client.query(f"SELECT {', '.join(Access._fields)} FROM {table} FINAL").result_rows == [access]


async def test_an_access_that_cannot_be_stored_is_an_error(connection: RecordingConnection) -> None:
    settings = settings_for(CLICKHOUSE_URL="http://127.0.0.1:9")
    access = Access("acme", NOW, uuid4(), USER, Action.LIST, "{}", "r-1")

    with pytest.raises(StoreUnavailable):
        await ClickHouseAccessLog(ClickHouseConnection(settings)).record([access])
    with pytest.raises(StoreUnavailable):
        await connection.insert("no_such_table", [access], Access._fields)
