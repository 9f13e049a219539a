"""Windows of time over the log: none overlaps another, and together they are the whole selection."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from query_api.clickhouse.windows import FIRST, SHORTEST, Windows, beyond, kind_of, nearest, start_of
from query_api.log.filters import Order, Position, Selection

NOW = datetime(2026, 11, 25, tzinfo=UTC)
EVENT = UUID(int=1)
MICROSECOND = timedelta(microseconds=1)

instants = st.integers(-500, 20).map(lambda day: NOW + timedelta(days=day))
learned = st.none() | st.timedeltas(timedelta(0), timedelta(days=400))


def holds(selection: Selection, at: datetime) -> bool:
    """Whether a line of the time *at* lies in *selection*, as its SQL says."""
    in_range = selection.since <= at and (selection.until is None or at < selection.until)
    if selection.after is None:
        return in_range
    is_beyond = at < selection.after.occurred_at if selection.order is Order.DESC else at > selection.after.occurred_at
    return in_range and is_beyond


def parts_of(selection: Selection, windows: Windows) -> list[Selection]:
    parts, rest = [], selection
    for span in windows.spans("kind"):
        parts.append(nearest(rest, span, NOW))
        if parts[-1] is rest:
            return parts
        rest = beyond(rest, parts[-1])
    raise AssertionError("the last window is not the rest")


@given(
    order=st.sampled_from([Order.DESC, Order.ASC]),
    since=instants,
    until=st.none() | instants,
    after=st.none() | instants,
    taken=learned,
)
def test_each_line_of_a_selection_lies_in_exactly_one_window(
    order: Order, since: datetime, until: datetime | None, after: datetime | None, taken: timedelta | None
) -> None:
    selection = Selection(
        since=since, until=until, order=order, limit=1, after=None if after is None else Position(after, EVENT)
    )
    windows = Windows()
    if taken is not None:
        windows.learn("kind", taken)

    parts = parts_of(selection, windows)

    bounds = {bound for part in parts for bound in (part.since, part.until) if bound is not None}
    for at in (NOW - timedelta(days=days) for days in range(-20, 501)):
        assert sum(holds(part, at) for part in parts) == holds(selection, at)
    for at in (bound + step for bound in bounds for step in (-MICROSECOND, timedelta(0), MICROSECOND)):
        assert sum(holds(part, at) for part in parts) == holds(selection, at)


@given(order=st.sampled_from([Order.DESC, Order.ASC]), since=instants, taken=learned)
def test_windows_come_in_the_order_of_the_walk(order: Order, since: datetime, taken: timedelta | None) -> None:
    windows = Windows()
    if taken is not None:
        windows.learn("kind", taken)

    parts = parts_of(Selection(since=since, order=order, limit=1), windows)

    bounds = [part.since for part in parts]
    assert bounds == sorted(bounds, reverse=order is Order.DESC)


def test_the_next_walk_begins_with_what_the_last_page_took() -> None:
    windows = Windows()
    assert next(windows.spans("kind")) == FIRST

    windows.learn("kind", timedelta(days=20))
    windows.learn("other", timedelta(minutes=1))

    assert next(windows.spans("kind")) == timedelta(days=40)
    assert next(windows.spans("other")) == SHORTEST


def test_a_walk_that_took_most_of_a_year_is_made_in_one_step() -> None:
    windows = Windows()
    windows.learn("kind", timedelta(days=300))

    assert list(windows.spans("kind")) == [None]


def test_client_spaces_and_filters_are_of_different_kinds_and_pages_of_one() -> None:
    selection = Selection(since=NOW, limit=50)
    other = Selection(since=NOW, limit=50, channels=frozenset({"ui"}))
    later = Selection(since=NOW, limit=50, after=Position(NOW, EVENT))

    assert len({kind_of("a", selection), kind_of("b", selection), kind_of("a", other)}) == 3
    assert kind_of("a", later) == kind_of("a", selection)


def test_a_walk_starts_behind_the_line_that_it_goes_on_from() -> None:
    selection = Selection(since=NOW - timedelta(days=9), limit=1, after=Position(NOW - timedelta(days=3), EVENT))

    assert start_of(selection, NOW) == NOW - timedelta(days=3)


@given(
    order=st.sampled_from([Order.DESC, Order.ASC]),
    since=st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - given a zone
    until=st.none() | st.datetimes(timezones=st.just(UTC)),
    now=instants,
)
@example(order=Order.ASC, since=datetime.max.replace(tzinfo=UTC), until=None, now=NOW)
def test_no_range_is_too_much_for_a_window(
    order: Order, since: datetime, until: datetime | None, now: datetime
) -> None:
    rest = Selection(since=since, until=until, order=order, limit=1)

    for span in Windows().spans("kind"):
        part = nearest(rest, span, now)
        if part is rest:
            return
        rest = beyond(rest, part)
    raise AssertionError("the last window is not the rest")
