"""What the connection tells of itself."""

import asyncio
import threading
from types import SimpleNamespace

import pytest
from clickhouse_connect.driver.query import QueryContext

from query_api.clickhouse.connection import LARGE_BYTES, ClickHouseConnection
from query_api.errors import StoreUnavailable
from tests.unit.query_api.api import settings_for


class HangingClient:
    """Answers no query before it is told to fail."""

    def __init__(self) -> None:
        self.server_settings: dict[str, object] = {}
        self.asked, self.fails = asyncio.Event(), asyncio.Event()

    async def raw_query(self, *_: object, **__: object) -> None:
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
    """Answers *answer*, and notes the settings that it was sent and who decodes."""

    def __init__(self, *fixed: str) -> None:
        self.server_settings = {name: SimpleNamespace(readonly=1) for name in fixed}
        self.settings: dict[str, int] = {}
        self.answer = b""
        self.decoding_threads: list[threading.Thread] = []

    async def raw_query(self, *_: object, settings: dict[str, int], **__: object) -> bytes:
        self.settings = settings
        return self.answer

    def create_query_context(self, query: str) -> QueryContext:
        self.decoding_threads.append(threading.current_thread())
        return QueryContext(query)


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


async def test_a_large_answer_is_decoded_in_a_thread_and_a_page_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, client = ClickHouseConnection(settings_for()), NotingClient()

    async def opened() -> NotingClient:
        return client

    monkeypatch.setattr(connection, "_client", opened)
    for rows in (100, LARGE_BYTES):
        # One block of a column `x`: how many columns, how many rows in two or three groups of seven bits, name, type.
        count = [rows & 127 | 128, rows >> 7 & 127 | 128, rows >> 14]
        client.answer = bytes([1, *count, 1]) + b"x" + bytes([5]) + b"UInt8" + b"\x07" * rows
        assert await connection.query("SELECT x", {}) == [(7,)] * rows

    page, large = client.decoding_threads
    assert page is threading.main_thread()
    assert large is not page
