"""The compiled writer, held to fastavro's bytes and to the bounds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from schemas.compiled_writer import write_event
from schemas.errors import InvalidEvent
from schemas.events import (
    AdminRightsUpdate,
    Channel,
    Event,
    Person,
    Source,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)
from schemas.fields import to_fields, to_micros
from schemas.limits import check_event
from tests.builders import NOW, an_event
from tests.encoding import by_fastavro
from tests.unit.schemas.strategies import events

RECORDED = to_micros(NOW)
TEXTS: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", " ", "\u2003", "a", "\ud800", 7, b"a", *("é" * n for n in (63, 64, 128, 129, 256, 257, 320, 321))]
)
PERSONS = st.builds(Person, TEXTS, TEXTS, TEXTS) | st.builds(Person, st.just("u"), TEXTS, TEXTS)
SUSPECTS: dict[str, st.SearchStrategy[Any]] = {
    "event_id": st.sampled_from([uuid4(), str(uuid4()), None]),
    "occurred_at": st.sampled_from(
        [
            NOW + timedelta(hours=24),
            NOW + timedelta(hours=24, microseconds=1),
            datetime(1999, 12, 31, tzinfo=UTC),
            NOW.replace(tzinfo=None),
            NOW.isoformat(),
        ]
    ),
    "client_space_id": TEXTS,
    "channel": st.sampled_from([*Channel, "ui", None]),
    "admin": PERSONS,
    "affected_user": PERSONS,
    "activity": st.sampled_from([UserCreation(), UserDeletion(), "user_creation", None])
    | st.builds(UserLicenseUpdate, TEXTS, TEXTS)
    | st.builds(AdminRightsUpdate, st.sampled_from([True, False, 0, 1, None, "yes"])),
    "source": st.builds(
        Source,
        st.just("s") | TEXTS,
        st.none() | TEXTS,
        st.sampled_from([None, uuid4(), str(uuid4())]),
        st.sampled_from([None, b"", b"x" * 32, "x" * 32, bytearray(32), memoryview(b"x" * 32)]),
        st.sampled_from([None, 0, 1, 63, 64, 2**31 - 1, 2**31, "1", 1.0]),
    ),
}


@given(events())
def test_both_write_every_event_alike(event: Event) -> None:
    assert write_event(event, recorded_at=RECORDED) == by_fastavro(to_fields(event))


def test_both_write_every_time_alike() -> None:
    for year in (2000, 2026, 2041, 9999):
        event = an_event(occurred_at=datetime(year, 1, 1, microsecond=1, tzinfo=UTC))
        assert write_event(event, recorded_at=2**62) == by_fastavro(to_fields(event))


@given(events(), st.lists(st.sampled_from(sorted(SUSPECTS)), min_size=1, max_size=2), st.data())
def test_what_breaks_a_bound_is_not_written(event: Event, names: list[str], data: st.DataObject) -> None:
    suspect = replace(event, **{name: data.draw(SUSPECTS[name]) for name in names})
    try:
        check_event(suspect, recorded_at=NOW, publishing=True)
    except InvalidEvent:
        assert write_event(suspect, recorded_at=RECORDED) is None
    else:
        assert write_event(suspect, recorded_at=RECORDED) == by_fastavro(to_fields(suspect))


def test_what_was_written_before_vouches_for_no_value_of_another_type() -> None:
    good = an_event(source=Source("s", file_sha256=b"x" * 32))
    assert write_event(good, recorded_at=RECORDED) is not None
    # Both equal what they replace.
    for equal in ({"channel": "ui"}, {"source": Source("s", file_sha256=memoryview(b"x" * 32))}):  # type: ignore[arg-type]
        assert write_event(replace(good, **equal), recorded_at=RECORDED) is None
