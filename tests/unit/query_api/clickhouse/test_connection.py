"""What the connection tells of itself."""

import asyncio
from types import SimpleNamespace

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


class NotingClient:
    """Answers nothing, and notes the settings that it was sent."""

    def __init__(self, *fixed: str) -> None:
        self.server_settings = {name: SimpleNamespace(readonly=1) for name in fixed}
        self.settings: dict[str, int] = {}

    async def query(self, *_: object, settings: dict[str, int], **__: object) -> SimpleNamespace:
        self.settings = settings
        return SimpleNamespace(result_rows=[])


@pytest.mark.parametrize(("is_costly", "niceness"), [(True, 15), (False, None)])
async def test_only_a_costly_query_leaves_the_processors_to_others(
    monkeypatch: pytest.MonkeyPatch, *, is_costly: bool, niceness: int | None
) -> None:
    connection, client = ClickHouseConnection(settings_for()), NotingClient("max_result_rows")

    async def opened() -> NotingClient:
        return client

    monkeypatch.setattr(connection, "_client", opened)
    await connection.query("SELECT 1", {}, is_costly=is_costly)

    assert client.settings.get("os_thread_priority") == niceness
    assert client.settings["readonly"] == 2
    assert "max_result_rows" not in client.settings
