"""The bounds as columns see them: never laxer than one event at a time, and as a rule as good."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InvalidEvent
from schemas.events import UserDeletion
from schemas.fields import EventFields, to_fields, to_micros
from schemas.limits import are_surely_within_bounds, check_fields
from tests.builders import NOW, an_event

RECORDED = to_micros(NOW)
GOOD = to_fields(an_event())
DELETION = to_fields(an_event(UserDeletion()))
SUSPECTS: dict[str, st.SearchStrategy[Any]] = {
    "occurred_at": st.sampled_from([0, -1, RECORDED, RECORDED + 86_400_000_000, RECORDED + 86_400_000_001, 2**62]),
    "file_sha256": st.sampled_from([None, b"", b"x" * 31, b"x" * 32, b"x" * 33]),
    "row_number": st.sampled_from([None, 0, 1, 2**31 - 1, 2**31]),
    **dict.fromkeys(
        [name for name in EventFields._fields if name.endswith(("_id", "name", "license")) or name == "service"],
        st.none() | st.text(" \u2003a", max_size=3) | st.integers(120, 330).map(lambda length: "é" * length),
    ),
}
SUSPECTS["event_id"] = st.sampled_from(["", "x", GOOD.event_id.replace(GOOD.event_id[0], "Z"), GOOD.event_id + "\n"])
SUSPECTS["import_id"] = st.sampled_from([None, "", GOOD.event_id, GOOD.event_id + "0"])


@st.composite
def events(draw: st.DrawFn) -> EventFields:
    """An event with one field that may break its bound."""
    name = draw(st.sampled_from(sorted(SUSPECTS)))
    return draw(st.sampled_from([GOOD, DELETION]))._replace(**{name: draw(SUSPECTS[name])})


def is_within_bounds(fields: EventFields) -> bool:
    try:
        check_fields(fields, recorded_at=RECORDED)
    except InvalidEvent:
        return False
    return True


@given(st.lists(events(), min_size=1, max_size=4))
def test_columns_take_only_what_each_event_would_pass(some: list[EventFields]) -> None:
    together = are_surely_within_bounds(some, recorded_at=[RECORDED] * len(some))
    # All were recorded at one time, so there is nothing to be in doubt about.
    assert together is all(map(is_within_bounds, some))


def test_of_events_that_were_recorded_at_different_times_the_earliest_bounds_all() -> None:
    ahead = GOOD._replace(occurred_at=RECORDED + 86_400_000_000)
    assert are_surely_within_bounds([ahead], recorded_at=[RECORDED])
    assert not are_surely_within_bounds([ahead, GOOD], recorded_at=[RECORDED, RECORDED - 1000])
