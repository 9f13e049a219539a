"""What the connection tells of itself."""

import asyncio

import pytest

from query_api.clickhouse.connection import ClickHouseConnection
from query_api.errors import StoreUnavailable
from tests.unit.query_api.api import settings_for


class HangingClient:
    """Answers no query before it is told to fail."""

    def __init__(self) -> None:
        self.server_settings: dict[str, object] = {}
        self.asked, self.fails = asyncio.Event(), asyncio.Event()

    async def query(self, *_: object, **__: object) -> None:
        self.asked.set()
        await self.fails.wait()
        raise OSError


async def test_a_request_is_under_way_until_it_is_answered_or_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, client = ClickHouseConnection(settings_for()), HangingClient()

    async def opened() -> HangingClient:
        return client

    monkeypatch.setattr(connection, "_client", opened)
    asking = asyncio.create_task(connection.query("SELECT 1", {}))
    await client.asked.wait()
    assert connection.under_way == 1
    client.fails.set()
    with pytest.raises(StoreUnavailable):
        await asking
    assert connection.under_way == 0
