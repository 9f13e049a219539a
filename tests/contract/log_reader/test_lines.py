"""`LogReader.lines`: pages in order, each line once, whatever copies are stored."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from query_api.access.auth import Caller
from query_api.clickhouse.reader import ClickHouseLogReader
from query_api.log.filters import Order, Position, Span
from query_api.log.reader import Line
from tests.builders import NOW
from tests.contract.log_reader.stores import (
    ADMIN,
    BY_TIME,
    LONG_AGO,
    OTHER_ADMIN,
    USER,
    ClickHouse,
    RecordingConnection,
    Store,
    a_row,
    everything,
    found,
    walk,
)


@pytest.mark.parametrize("order", BY_TIME)
@pytest.mark.parametrize(("count", "page_size"), [(50, 1), (500, 7), (500, 499)])
async def test_lines_of_one_time_are_met_exactly_once(store: Store, order: Order, count: int, page_size: int) -> None:
    rows = [a_row(store.caller) for _ in range(count)]
    store.insert(rows)

    met = await walk(store, everything(page_size, order=order))

    assert sorted(line.event_id for line in met) == sorted(row.event_id for row in rows)


async def test_the_two_orders_are_each_others_reverse_where_times_are_equal_too(store: Store) -> None:
    store.insert([a_row(store.caller, occurred_at=NOW + timedelta(seconds=number // 10)) for number in range(50)])

    newest_first = await walk(store, everything(7))

    assert newest_first == list(reversed(await walk(store, everything(7, order=Order.ASC))))
    assert [line.occurred_at for line in newest_first] == sorted(
        (line.occurred_at for line in newest_first), reverse=True
    )


@pytest.mark.parametrize("order", BY_TIME)
@pytest.mark.parametrize("filtered", [False, True])
async def test_five_unmerged_copies_of_every_line_are_met_once(store: Store, order: Order, *, filtered: bool) -> None:
    rows = [a_row(store.caller, occurred_at=NOW + timedelta(seconds=number // 30)) for number in range(120)]
    for copy in range(5):
        store.insert(row._replace(precedence=1_000 - copy, kafka_offset=copy) for row in rows)

    selection = everything(7, order=order, channels=frozenset({"ui"}) if filtered else frozenset())
    met = await walk(store, selection)

    assert sorted(line.event_id for line in met) == sorted(row.event_id for row in rows)
    assert {line.precedence for line in met} == {1_000}


async def test_a_page_is_full_however_many_copies_lie_before_its_end(store: Store) -> None:
    often = a_row(store.caller, occurred_at=NOW + timedelta(seconds=1))
    store.insert(often._replace(precedence=precedence) for precedence in range(200))
    store.insert(a_row(store.caller) for _ in range(3))

    assert len(await store.reader.lines(store.caller, everything(4))) == 4


@pytest.mark.parametrize("filtered", [False, True])
async def test_the_first_copy_counts_wherever_it_lies_among_many(store: Store, *, filtered: bool) -> None:
    """More copies than one read brings, and the first one in the middle."""
    event_id = uuid4()
    copies = [a_row(store.caller, event_id=event_id, precedence=number, kafka_offset=number) for number in range(1_200)]
    middle = len(copies) // 2
    for part in copies[middle:], copies[:middle]:
        store.insert(part)
    neighbors = [a_row(store.caller) for _ in range(3)]
    store.insert(neighbors)

    met = await walk(store, everything(2, channels=frozenset({"ui"}) if filtered else frozenset()))

    assert sorted(line.event_id for line in met) == sorted([event_id, *(row.event_id for row in neighbors)])
    assert {line.precedence for line in met} == {1_199, 1_000}


@pytest.mark.parametrize("order", BY_TIME)
@pytest.mark.parametrize("page_size", [1, 3, 50])
async def test_a_walk_crosses_months_with_few_lines_and_with_none(store: Store, order: Order, page_size: int) -> None:
    days = [0, 1, 30, 31, 32, 100, 101, 250, 359]
    rows = [a_row(store.caller, occurred_at=NOW - timedelta(days=number)) for number in days for _ in range(2)]
    store.insert(rows)
    store.insert(rows[::3])

    for fields in ({}, {"until": NOW - timedelta(days=31)}, {"since": NOW - timedelta(days=120)}):
        selection = everything(page_size, order=order, **fields)
        expected = [
            row.event_id
            for row in rows
            if selection.since <= row.occurred_at < (selection.until or datetime.max.replace(tzinfo=UTC))
        ]
        met = await walk(store, selection)

        assert sorted(line.event_id for line in met) == sorted(expected)
        assert [line.occurred_at for line in met] == sorted(
            (line.occurred_at for line in met), reverse=order is Order.DESC
        )


async def test_a_line_is_whole(store: Store) -> None:
    row = a_row(
        store.caller,
        occurred_at=NOW.replace(microsecond=1),
        new_license="Data Steward",
        admin_rights_granted=True,
        request_id="r\t1\n'\\é\U0001f600",
        import_id=uuid4(),
        import_row_number=2**31 - 1,
        precedence=2**64 - 1,
    )
    store.insert([row])

    (line,) = await store.reader.lines(store.caller, everything())

    assert line == Line(*(getattr(row, name) for name in Line._fields))
    assert line.occurred_at.tzinfo is not None
    assert await store.reader.line(store.caller, row.event_id, LONG_AGO) == line


async def test_of_copies_that_differ_only_the_first_is_shown(store: Store) -> None:
    event_id = uuid4()
    first = a_row(store.caller, event_id=event_id, admin_ref=ADMIN, precedence=2)
    later = a_row(store.caller, event_id=event_id, admin_ref=OTHER_ADMIN, channel="api", precedence=1)
    store.insert([later])
    store.insert([first])

    (line,) = await store.reader.lines(store.caller, everything())

    assert line.admin_ref == ADMIN
    assert await store.reader.line(store.caller, event_id, LONG_AGO) == line
    assert await found(store, everything(admins={ADMIN: Span()})) == {event_id}
    assert await found(store, everything(admins={OTHER_ADMIN: Span()})) == set()
    assert await found(store, everything(channels=frozenset({"api"}))) == set()


@pytest.mark.parametrize(("order", "read"), [(Order.DESC, "InReverseOrder"), (Order.ASC, "InOrder")])
async def test_a_page_is_read_in_key_order_and_not_sorted(
    clickhouse: ClickHouse, connection: RecordingConnection, order: Order, read: str
) -> None:
    caller = Caller(f"plan-{uuid4()}", "tester")
    clickhouse.insert(a_row(caller) for _ in range(10))
    selection = everything(order=order, after=Position(NOW, USER))

    await ClickHouseLogReader(connection).lines(caller, selection)

    statement, parameters = connection.asked
    plan = await connection.query(f"EXPLAIN PLAN actions = 1 {statement}", parameters)
    text = "\n".join(row[0] for row in plan)
    assert f"Read type: {read}" in text
    # A longer order than the key's would make every part give whole blocks: five times the time.
    assert re.findall(r"Prefix sort description: (.*)", text) == re.findall(r"Result sort description: (.*)", text)
