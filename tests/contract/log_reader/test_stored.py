"""`LogReader.stored`: rows as they were stored, for machines."""

from datetime import timedelta
from typing import Any

from tests.builders import NOW
from tests.contract.log_reader.stores import MICROSECOND, Store, a_row, everything


async def test_rows_are_read_by_partition_and_offset_beyond_those_that_were_met(store: Store) -> None:
    rows = {
        (partition, offset): a_row(store.caller, kafka_partition=partition, kafka_offset=offset)
        for partition in (0, 1, 300)
        for offset in (0, 1, 2**40)
    }
    store.insert(rows.values())
    later = NOW + MICROSECOND

    async def places(offsets: dict[int, int], limit: int = 100, **fields: Any) -> list[tuple[int, int]]:
        stored, has_more, is_complete = await store.reader.stored(
            store.caller, everything(limit, **fields), offsets, later
        )
        assert (has_more, is_complete) == (len(stored) == limit, True)
        assert {rows[row.kafka_partition, row.kafka_offset].event_id for row in stored} == {
            row.line.event_id for row in stored
        }
        return [(row.kafka_partition, row.kafka_offset) for row in stored]

    assert await places({}) == sorted(rows)
    assert await places({}, limit=4) == sorted(rows)[:4]
    assert await places({0: 1, 1: 2**40, 7: 9}) == [(0, 2**40), (300, 0), (300, 1), (300, 2**40)]
    assert await places({}, channels=frozenset({"api"})) == []


async def test_no_row_is_given_that_lies_behind_one_that_is_held_back(store: Store) -> None:
    """A broker's clock may step back: the later record then bears the earlier time."""
    times = {0: NOW, 1: NOW + timedelta(minutes=5), 2: NOW + MICROSECOND}
    rows = [
        a_row(store.caller, kafka_offset=offset, recorded_at=at, channel="api" if offset == 1 else "ui")
        for offset, at in times.items()
    ]
    store.insert(rows)

    for channels in (frozenset[str](), frozenset({"ui"})):
        selection = everything(channels=channels)
        stored, has_more, is_complete = await store.reader.stored(
            store.caller, selection, {}, NOW + timedelta(minutes=1)
        )

        assert [row.kafka_offset for row in stored] == [0]
        assert (has_more, is_complete) == (False, False)


async def test_rows_of_an_insert_that_is_not_whole_are_held_back(store: Store) -> None:
    month = timedelta(days=31)
    first, second, third, elsewhere = (
        a_row(store.caller, kafka_offset=offset, kafka_partition=partition, occurred_at=at)
        for offset, partition, at in ((1, 0, NOW), (3, 0, NOW - month), (5, 0, NOW), (9, 1, NOW))
    )

    async def offsets() -> tuple[list[int], bool]:
        page = await store.reader.stored(store.caller, everything(), {}, NOW + timedelta(minutes=1))
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
    under_way = [a_row(store.caller, kafka_offset=offset) for offset in range(3)]
    store.insert_in_part(under_way)
    store.insert([a_row(store.caller, kafka_offset=7, kafka_partition=1)])
    # The broker's clock stepped back.
    late, behind = NOW + timedelta(minutes=5), NOW - timedelta(minutes=5)
    store.insert([a_row(store.caller, kafka_offset=0, kafka_partition=2, recorded_at=late)])
    store.insert([a_row(store.caller, kafka_offset=n, kafka_partition=2, recorded_at=behind) for n in (1, 2, 3)])
    store.insert([a_row(store.caller, kafka_offset=8, kafka_partition=3)])

    async def page(offsets: dict[int, int]) -> tuple[list[tuple[int, int]], bool, bool]:
        stored = await store.reader.stored(store.caller, everything(2), offsets, NOW + timedelta(minutes=1))
        return [(row.kafka_partition, row.kafka_offset) for row in stored.rows], stored.has_more, stored.is_complete

    assert await page({}) == ([(1, 7), (3, 8)], True, False)
    assert await page({1: 7, 3: 8}) == ([], False, False)
