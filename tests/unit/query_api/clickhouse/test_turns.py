import asyncio
from contextlib import AsyncExitStack

import pytest

from query_api.clickhouse import turns
from query_api.clickhouse.connection import POOL_SIZE
from query_api.clickhouse.turns import QUERIES_AT_ONCE, Turns
from query_api.errors import QueryTimeout


async def test_one_client_space_holds_up_itself_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0)
    queues = Turns()
    async with AsyncExitStack() as held:
        for _ in range(QUERIES_AT_ONCE):
            await held.enter_async_context(queues.turn("acme"))
        with pytest.raises(QueryTimeout):
            await held.enter_async_context(queues.turn("acme"))
        async with queues.turn("globex"):
            pass
    assert QUERIES_AT_ONCE < POOL_SIZE


async def test_a_place_that_is_left_is_taken_by_who_waits() -> None:
    queues = Turns()
    most = running = 0

    async def query() -> None:
        nonlocal most, running
        async with queues.turn("acme"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(query() for _ in range(50)))

    assert most == QUERIES_AT_ONCE
