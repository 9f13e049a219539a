"""Events to bytes and back."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.avro_schemas import current_event_schema, current_event_schema_text, parse_event_schema
from schemas.codec import encode
from schemas.errors import InvalidEvent, Reason
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
from schemas.limits import check_event
from tests.builders import NOW, USER, an_event
from tests.decoding import decode
from tests.unit.schemas.strategies import events


def decoded(datum: bytes, recorded_at: datetime = NOW) -> Event:
    return decode(datum, writer_schema=current_event_schema(), recorded_at=recorded_at)


@given(events())
def test_every_event_comes_back_as_it_was(event: Event) -> None:
    assert decoded(encode(event, now=NOW)) == event


@given(events(), st.data())
def test_no_changed_byte_is_read_as_the_same_event(event: Event, data: st.DataObject) -> None:
    datum = encode(event, now=NOW)
    position = data.draw(st.integers(0, len(datum) - 1))
    changed = bytearray(datum)
    changed[position] = data.draw(st.integers(0, 255).filter(lambda b: b != datum[position]))
    try:
        other = decoded(bytes(changed))
    except InvalidEvent:
        return
    assert other != event
    # What is read from other bytes is another event, written with exactly those bytes.
    if other.channel is not Channel.UNKNOWN:
        assert encode(other, now=NOW) == bytes(changed)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_or_canonical(datum: bytes) -> None:
    try:
        event = decoded(datum)
    except InvalidEvent:
        return
    assert encode(event, now=NOW) == datum


def test_a_time_in_another_zone_is_stored_as_the_same_instant() -> None:
    in_paris = NOW.astimezone(timezone(timedelta(hours=1)))
    assert decoded(encode(an_event(occurred_at=in_paris), now=NOW)).occurred_at == NOW


def test_bytes_after_the_datum_are_refused() -> None:
    assert refusal(encode(an_event(), now=NOW) + b"\0") == (Reason.TRAILING_BYTES, "")


def test_a_truncated_datum_is_refused_at_every_length() -> None:
    datum = encode(an_event(), now=NOW)
    assert {refusal(datum[:length])[0] for length in range(len(datum))} == {Reason.MALFORMED}


def test_a_negative_or_too_large_enum_index_is_refused() -> None:
    event = an_event(channel=Channel.FILE_IMPORT)
    datum = encode(event, now=NOW)
    at = datum.index(b"acme") + len(b"acme")
    assert datum[at] == 6  # the zigzag code of symbol 3
    for index in (b"\x01", b"\x08", b"\xc6\x01"):  # -1, which fastavro takes for the last symbol; 4; -99
        assert refusal(datum[:at] + index + datum[at + 1 :])[0] is Reason.MALFORMED


def test_a_negative_or_too_large_union_index_is_refused() -> None:
    event = an_event(activity=AdminRightsUpdate(granted=True), source=None)
    datum = encode(event, now=NOW)
    assert datum[-3:] == b"\x06\x01\x00"  # branch 3, true, no source
    for index in (b"\x01", b"\x08", b"\x07"):  # -1, which fastavro takes for the last branch; 4; -4
        assert refusal(datum[:-3] + index + datum[-2:])[0] is Reason.MALFORMED


def test_a_boolean_other_than_zero_or_one_is_refused() -> None:
    datum = encode(an_event(activity=AdminRightsUpdate(granted=True), source=None), now=NOW)
    assert refusal(datum[:-2] + b"\x02" + datum[-1:])[0] is Reason.MALFORMED


def test_a_number_spelled_longer_than_needed_is_refused() -> None:
    datum = encode(an_event(activity=UserCreation(), source=None), now=NOW)
    assert refusal(datum[:-1] + b"\x80\x00")[0] is Reason.MALFORMED


def test_an_event_id_in_another_spelling_of_a_uuid_is_refused() -> None:
    event_id = UUID("abcdefab-cdef-4abc-8def-abcdefabcdef")
    datum = encode(an_event(event_id=event_id), now=NOW)
    spelled_otherwise = datum.replace(str(event_id).encode(), str(event_id).upper().encode())
    assert refusal(spelled_otherwise) == (Reason.INVALID_VALUE, "event_id")


@pytest.mark.parametrize("micros", [2**62, -(2**62), 2**63 - 1])
def test_a_time_beyond_every_calendar_is_out_of_range(micros: int) -> None:
    datum = encode(an_event(), now=NOW)
    start = 1 + 36
    end = start
    while datum[end] & 0x80:
        end += 1
    assert refusal(datum[:start] + zigzag(micros) + datum[end + 1 :]) == (Reason.OUT_OF_RANGE, "occurred_at")


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"occurred_at": datetime(2026, 1, 1)}, Reason.NAIVE_DATETIME, "occurred_at"),  # noqa: DTZ001
        ({"occurred_at": "2026-01-01T00:00:00Z"}, Reason.WRONG_TYPE, "occurred_at"),
        ({"occurred_at": datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)}, Reason.OUT_OF_RANGE, "occurred_at"),
        ({"occurred_at": NOW + timedelta(hours=24, microseconds=1)}, Reason.OUT_OF_RANGE, "occurred_at"),
        ({"client_space_id": ""}, Reason.BLANK, "client_space_id"),
        ({"client_space_id": "x" * 129}, Reason.TOO_LONG, "client_space_id"),
        ({"admin": Person(" ")}, Reason.BLANK, "admin.id"),
        ({"admin": Person("x" * 257)}, Reason.TOO_LONG, "admin.id"),
        ({"affected_user": Person("")}, Reason.BLANK, "affected_user.id"),
        ({"affected_user": Person("u", username="")}, Reason.BLANK, "affected_user.username"),
        ({"affected_user": Person("u", username="x" * 321)}, Reason.TOO_LONG, "affected_user.username"),
        ({"affected_user": Person("u", display_name="x" * 257)}, Reason.TOO_LONG, "affected_user.display_name"),
        ({"affected_user": Person(12)}, Reason.WRONG_TYPE, "affected_user.id"),  # type: ignore[arg-type]
        ({"activity": UserLicenseUpdate("x" * 129, None)}, Reason.TOO_LONG, "activity.previous_license"),
        ({"activity": UserLicenseUpdate(None, "")}, Reason.BLANK, "activity.new_license"),
        ({"activity": AdminRightsUpdate(granted=1)}, Reason.WRONG_TYPE, "activity.granted"),  # type: ignore[arg-type]
        ({"activity": AdminRightsUpdate(granted=None)}, Reason.WRONG_TYPE, "activity.granted"),  # type: ignore[arg-type]
        ({"activity": "user_creation"}, Reason.WRONG_TYPE, "activity"),
        ({"activity": UserDeletion(), "affected_user": USER}, Reason.FORBIDDEN_NAME, "affected_user.username"),
        (
            {"activity": UserDeletion(), "affected_user": Person("u", display_name="Ada")},
            Reason.FORBIDDEN_NAME,
            "affected_user.display_name",
        ),
        ({"channel": Channel.UNKNOWN}, Reason.INVALID_VALUE, "channel"),
        ({"source": Source("")}, Reason.BLANK, "source.service"),
        ({"source": Source("s", file_sha256=b"short")}, Reason.INVALID_VALUE, "source.file_sha256"),
        ({"source": Source("s", row_number=0)}, Reason.OUT_OF_RANGE, "source.row_number"),
        ({"source": Source("s", row_number=2**31)}, Reason.OUT_OF_RANGE, "source.row_number"),
        ({"event_id": "not-a-uuid"}, Reason.WRONG_TYPE, "event_id"),
        ({"channel": "ui"}, Reason.WRONG_TYPE, "channel"),
        ({"source": Source("s", row_number="3")}, Reason.WRONG_TYPE, "source.row_number"),  # type: ignore[arg-type]
    ],
)
def test_what_breaks_a_bound_is_not_encoded(fields: dict[str, Any], reason: Reason, field: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        encode(an_event(**fields), now=NOW)
    assert (refused.value.reason, refused.value.field) == (reason, field)


def test_bounds_are_inclusive() -> None:
    for at in (datetime(2000, 1, 1, tzinfo=UTC), NOW + timedelta(hours=24)):
        assert decoded(encode(an_event(occurred_at=at), now=NOW)).occurred_at == at


def test_the_append_time_decides_what_is_too_far_ahead_not_the_clock() -> None:
    at = datetime(2090, 1, 1, tzinfo=UTC)
    datum = encode(an_event(occurred_at=at), now=at)
    assert decoded(datum, recorded_at=at).occurred_at == at
    assert refusal(datum, recorded_at=NOW) == (Reason.OUT_OF_RANGE, "occurred_at")


def test_a_refusal_quotes_no_value_of_the_event() -> None:
    with pytest.raises(InvalidEvent) as refused:
        encode(an_event(affected_user=Person("u", username="ada-secret@example.com" * 20)), now=NOW)
    assert "secret" not in str(refused.value)


def test_one_schema_in_any_spelling_needs_no_resolution() -> None:
    spelled_otherwise = json.dumps(dict(reversed(json.loads(current_event_schema_text()).items())))
    assert parse_event_schema(spelled_otherwise) is current_event_schema()


@pytest.mark.parametrize("text", ['"string"', '{"type": "record", "name": "Other", "fields": []}', "[]"])
def test_the_schema_of_something_else_is_no_event_schema(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a schema of user_management\.UserManagementEvent"):
        parse_event_schema(text)


def refusal(datum: bytes, recorded_at: datetime = NOW) -> tuple[Reason, str]:
    with pytest.raises(InvalidEvent) as refused:
        decoded(datum, recorded_at)
    return refused.value.reason, refused.value.field


def zigzag(value: int) -> bytes:
    code = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while code > 0x7F:
        encoded.append((code & 0x7F) | 0x80)
        code >>= 7
    encoded.append(code)
    return bytes(encoded)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"client_space_id": "ac\ud800me"}, "client_space_id"),
        ({"admin": Person("a\udfff")}, "admin.id"),
        ({"admin": Person("a", "g\ud83d@example.com")}, "admin.username"),
        ({"admin": Person("a", None, "Grace \ude00")}, "admin.display_name"),
        ({"affected_user": Person("secret\ud800")}, "affected_user.id"),
        ({"affected_user": Person("u", "secret\ud800@example.com")}, "affected_user.username"),
        ({"affected_user": Person("u", None, "Secret \ud800")}, "affected_user.display_name"),
        ({"activity": UserLicenseUpdate("Data\ud800", None)}, "activity.previous_license"),
        ({"activity": UserLicenseUpdate(None, "Data\ud800")}, "activity.new_license"),
        ({"source": Source("s\ud800")}, "source.service"),
        ({"source": Source("s", request_id="r\ud800")}, "source.request_id"),
    ],
)
def test_text_that_utf_8_cannot_hold_is_refused_without_the_text(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        encode(an_event(**fields), now=NOW)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_VALUE, path)
    # What logs print of an error includes its context, and the encoder's own error holds the whole text.
    assert caught.value.__context__ is None
    with pytest.raises(InvalidEvent, match=re.escape(path)):
        check_event(an_event(**fields), recorded_at=NOW, publishing=True)


def test_every_text_that_utf_8_holds_comes_back_as_it_was() -> None:
    name = "\0 \x7f \ufeff \uffff \U0010ffff"
    event = an_event(affected_user=Person(name, name, name), source=Source(name, request_id=name))
    assert decoded(encode(event, now=NOW)) == event
