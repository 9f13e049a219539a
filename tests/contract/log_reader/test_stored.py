"""`LogReader.stored`: rows in the order `recorded`, for machines."""

import random
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from query_api.log.reader import StoredPage
from query_api.log.recorded import advanced
from schemas.rows import ActivityRow, row_offset
from tests.builders import NOW
from tests.contract.log_reader.stores import MICROSECOND, Store, a_row, everything

MINUTE = timedelta(minutes=1)


async def read(store: Store, met: Mapping[int, int], limit: int = 100, **fields: Any) -> StoredPage:
    return await store.reader.stored(store.caller, everything(limit, **fields), met, NOW + MINUTE)


async def visit(store: Store, met: Mapping[int, int], limit: int) -> tuple[list[UUID], dict[int, int]]:
    """Every row that is given from *met* on, page by page, and what has been met then."""
    found: list[UUID] = []
    while True:
        page = await read(store, met, limit)
        found += [row.line.event_id for row in page.rows]
        met = advanced(met, page.rows)
        if not page.has_more:
            return found, dict(met)


def at(seconds: int, store: Store, offset: int, partition: int = 0) -> ActivityRow:
    """A row that the broker took so many seconds before `NOW`."""
    recorded_at = NOW - timedelta(seconds=seconds)
    return a_row(store.caller, kafka_offset=offset, kafka_partition=partition, recorded_at=recorded_at)


async def test_rows_are_read_by_partition_and_offset_beyond_those_that_were_met(store: Store) -> None:
    rows = {
        (partition, offset): a_row(store.caller, kafka_partition=partition, kafka_offset=offset)
        for partition in (0, 1, 300)
        for offset in (0, 1, 2**40)
    }
    store.insert(rows.values())

    async def places(met: dict[int, int], limit: int = 100, **fields: Any) -> list[tuple[int, int]]:
        page = await read(store, met, limit, **fields)
        assert (page.has_more, page.is_complete) == (len(page.rows) == limit, True)
        assert {rows[row.kafka_partition, row.kafka_offset].event_id for row in page.rows} == {
            row.line.event_id for row in page.rows
        }
        return [(row.kafka_partition, row.kafka_offset) for row in page.rows]

    assert await places({}) == sorted(rows)
    assert await places({}, limit=4) == sorted(rows)[:4]
    assert await places({0: 1, 1: 2**40, 7: 9}) == [(0, 2**40), (300, 0), (300, 1), (300, 2**40)]
    assert await places({}, channels=frozenset({"api"})) == []


async def test_a_page_is_complete_unless_a_row_of_the_time_is_held_back(store: Store) -> None:
    late = a_row(store.caller, kafka_offset=2, recorded_at=NOW + MINUTE)
    in_time = a_row(store.caller, kafka_offset=1, recorded_at=NOW + MINUTE - MICROSECOND)
    store.insert_in_part([late])
    assert (await read(store, {})).is_complete

    store.insert_in_part([in_time])
    assert not (await read(store, {})).is_complete

    store.insert([in_time])
    page = await read(store, {})
    assert ({row.line.event_id for row in page.rows}, page.is_complete) == ({in_time.event_id}, True)


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_a_topic_that_was_made_anew_is_met_whole(store: Store, limit: int) -> None:
    """Its offsets begin at 0 again, and are kept above those of the topic before."""
    before = [at(600 - offset, store, offset) for offset in range(6)]
    store.insert(before)
    first, met = await visit(store, {}, limit)
    after = [at(300, store, row_offset(1, offset)) for offset in range(9)]
    store.insert(after)

    from_cursor, met = await visit(store, met, limit)
    anew, _ = await visit(store, {}, limit)

    assert first == [row.event_id for row in before]
    assert from_cursor == [row.event_id for row in after]
    assert anew == [row.event_id for row in (*before, *after)]
    assert await visit(store, met, limit) == ([], met)


async def test_the_first_insert_from_a_topic_that_was_made_anew_is_held_back_until_it_is_whole(store: Store) -> None:
    store.insert([at(600, store, 25)])
    _, met = await visit(store, {}, 100)
    first, second = (at(300, store, row_offset(1, offset)) for offset in (0, 1))
    store.insert_in_part([second])

    page = await read(store, met)
    assert (page.rows, page.is_complete) == ([], False)

    store.insert([first, second])
    assert {row.line.event_id for row in (await read(store, met)).rows} == {first.event_id, second.event_id}


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_a_record_that_a_brokers_clock_put_behind_the_walk_is_met(store: Store, limit: int) -> None:
    store.insert([at(100, store, 0), at(50, store, 1)])
    _, met = await visit(store, {}, limit)
    behind = [at(60, store, 2), at(70, store, 3), at(40, store, 4)]
    store.insert(behind)

    found, met = await visit(store, met, limit)

    assert sorted(found) == sorted(row.event_id for row in behind)
    assert await visit(store, met, limit) == ([], met)


async def test_every_row_is_met_once_over_many_visits(store: Store) -> None:
    """Clocks that step back, and topics made anew, in any mixture."""
    seed = secrets.randbelow(2**32)
    chance = random.Random(seed)  # noqa: S311 - test data
    met: dict[int, int] = {}
    found: list[UUID] = []
    stored: list[UUID] = []
    epoch, offset = 0, -1
    for _ in range(12):
        if chance.random() < 0.3:
            epoch, offset = epoch + 1, -1
        rows = []
        for _ in range(chance.randrange(1, 60)):
            offset += chance.choice((1, 1, 7))
            rows.append(at(chance.randrange(-30, 10_000), store, row_offset(epoch, offset)))
        store.insert(rows)
        stored += [row.event_id for row in rows]
        if chance.random() < 0.7:
            page, met = await visit(store, met, chance.choice((19, 100)))
            found += page
    page, _ = await visit(store, met, 100)

    assert [*found, *page] == stored, f"seed {seed}"


async def test_rows_of_an_insert_that_is_not_whole_are_held_back(store: Store) -> None:
    month = timedelta(days=31)
    first, second, third, elsewhere = (
        a_row(store.caller, kafka_offset=offset, kafka_partition=partition, occurred_at=at)
        for offset, partition, at in ((1, 0, NOW), (3, 0, NOW - month), (5, 0, NOW), (9, 1, NOW))
    )

    async def offsets() -> tuple[list[int], bool]:
        page = await read(store, {})
        return sorted({row.kafka_offset for row in page.rows}), page.is_complete

    store.insert_in_part([first])
    assert await offsets() == ([], False)
    store.insert([first])
    store.insert_in_part([third])
    store.insert([elsewhere])
    assert await offsets() == ([1, 9], False)
    store.insert([second, third])
    assert await offsets() == ([1, 3, 5, 9], True)


async def test_rows_that_are_held_back_take_no_room_from_those_of_other_partitions(store: Store) -> None:
    """Else a reader would ask for the next page again and again, and be given nothing."""
    store.insert_in_part([a_row(store.caller, kafka_offset=offset) for offset in range(3)])
    store.insert([a_row(store.caller, kafka_offset=7, kafka_partition=1)])
    store.insert_in_part([a_row(store.caller, kafka_offset=0, kafka_partition=2)])
    store.insert([a_row(store.caller, kafka_offset=8, kafka_partition=3)])

    async def page(met: dict[int, int]) -> tuple[list[tuple[int, int]], bool, bool]:
        stored = await read(store, met, 2)
        return [(row.kafka_partition, row.kafka_offset) for row in stored.rows], stored.has_more, stored.is_complete

    assert await page({}) == ([(1, 7), (3, 8)], True, False)
    assert await page({1: 7, 3: 8}) == ([], False, False)
