"""Who waits for whom at ClickHouse."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, cast

import pytest

from query_api.access.auth import Caller
from query_api.clickhouse import turns
from query_api.clickhouse.connection import POOL_SIZE, ClickHouseConnection
from query_api.clickhouse.reader import ClickHouseLogReader
from query_api.clickhouse.turns import COSTLY_AT_ONCE, COSTLY_ROWS, QUERIES_AT_ONCE, Turns
from query_api.errors import QueryTimeout
from query_api.http.export import BATCH_LINES
from query_api.http.query_strings import MAX_LIMIT
from query_api.log.filters import Selection
from query_api.log.reader import Role
from tests.builders import NOW, a_uuid

LONG_AGO = NOW - timedelta(days=300)
REFS = [a_uuid(number) for number in range(COSTLY_ROWS + 1)]


class HeldConnection:
    """Answers nothing before it is told to, and knows what waits for an answer: who asked, and whether at a cost."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.may_answer = asyncio.Event()

    async def query(
        self, _statement: str, parameters: Mapping[str, Any], *, is_costly: bool = False
    ) -> Sequence[tuple[Any, ...]]:
        self.asked.append((parameters["client_space_id"], is_costly))
        await self.may_answer.wait()
        self.asked.remove((parameters["client_space_id"], is_costly))
        return []


def reader_over(connection: HeldConnection) -> ClickHouseLogReader:
    return ClickHouseLogReader(cast("ClickHouseConnection", connection))


async def everything_ready_has_run() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_counts_and_exports_of_one_client_space_wait_for_each_other_and_no_page_for_them() -> None:
    connection = HeldConnection()
    reader, noisy, quiet = reader_over(connection), Caller("noisy", "a"), Caller("quiet", "b")
    year = Selection(since=LONG_AGO, limit=50)
    async with asyncio.TaskGroup() as asking:
        asking.create_task(reader.lines(noisy, Selection(since=LONG_AGO, limit=BATCH_LINES)))
        for _ in range(5):
            asking.create_task(reader.counts(noisy, year, [LONG_AGO]))
            asking.create_task(reader.value_counts(noisy, year))
            asking.create_task(reader.mentions(noisy, Role.ADMIN, None, LONG_AGO, None, 10, with_deleted=True))
            asking.create_task(reader.known_persons(noisy, REFS))
        await everything_ready_has_run()
        assert connection.asked == [("noisy", True)]

        for caller in (noisy, quiet):
            asking.create_task(reader.lines(caller, year))
            asking.create_task(reader.known_persons(caller, REFS[:100]))
        asking.create_task(reader.counts(quiet, year, [LONG_AGO]))
        await everything_ready_has_run()
        assert sorted(connection.asked) == [
            *[("noisy", False)] * 2,
            ("noisy", True),
            *[("quiet", False)] * 2,
            ("quiet", True),
        ]
        connection.may_answer.set()


def test_the_longest_page_is_not_costly_and_a_batch_of_an_export_is() -> None:
    assert 2 * MAX_LIMIT <= COSTLY_ROWS < BATCH_LINES


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
    assert QUERIES_AT_ONCE + COSTLY_AT_ONCE < POOL_SIZE


async def test_costly_queries_of_all_client_spaces_are_bounded_and_no_page_waits_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0)
    queues = Turns()
    async with AsyncExitStack() as held:
        for number in range(COSTLY_AT_ONCE):
            await held.enter_async_context(queues.turn(f"space-{number}", is_costly=True))
        with pytest.raises(QueryTimeout):
            await held.enter_async_context(queues.turn("one more", is_costly=True))
        async with queues.turn("one more"):
            pass
    async with queues.turn("one more", is_costly=True):
        pass


async def test_a_client_space_that_asks_much_is_not_served_before_one_that_asks_once() -> None:
    queues, served = Turns(), list[str]()

    async def count(space: str) -> None:
        async with queues.turn(space, is_costly=True):
            served.append(space)
            await asyncio.sleep(0)

    async with AsyncExitStack() as held:
        for number in range(COSTLY_AT_ONCE):
            await held.enter_async_context(queues.turn(f"space-{number}", is_costly=True))
        waiting = [asyncio.create_task(count("noisy")) for _ in range(20)]
        await everything_ready_has_run()
        waiting.append(asyncio.create_task(count("quiet")))
        await everything_ready_has_run()
    await asyncio.gather(*waiting)

    assert served.index("quiet") == 1


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
