"""Keys and values of the long-lived topics come back as they went in, and lines hold no personal data."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import to_micros
from schemas.rows import CREATED, ERASED, ActivityRow, PersonNameRow, precedence
from stream.pipeline.rows import history_codec as history
from stream.pipeline.rows.history_codec import (
    NameKey,
    SegmentRoll,
    UnreadableHistory,
    decode_lines,
    decode_name,
    encode_lines,
    encode_name,
    history_schemas,
    lifetime_records,
    read_person_key,
    segment_roll_record,
)
from tests.builders import NOW, a_lifetime, a_uuid

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PRESENT = TEXTS.filter(bool)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - aware by `timezones`


@st.composite
def lines(draw: st.DrawFn) -> ActivityRow:
    recorded_ms = to_micros(draw(TIMES)) // 1000
    offset = draw(st.integers(0, 2**50))
    maybe = st.none() | PRESENT
    return ActivityRow(
        "acme",
        draw(TIMES),
        draw(st.uuids()),
        draw(st.sampled_from(["user_creation", "user_license_update"])),
        draw(st.sampled_from(["ui", "api"])),
        draw(st.uuids()),
        draw(st.uuids()),
        draw(maybe),
        draw(maybe),
        draw(st.none() | st.booleans()),
        draw(maybe),
        draw(maybe),
        draw(st.none() | st.uuids()),
        draw(maybe),
        draw(st.none() | st.integers(0, 2**31 - 1)),
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=recorded_ms),
        draw(st.integers(0, 2**16 - 1)),
        offset,
        draw(st.integers(0, 2**32 - 1)),
        precedence(recorded_ms, offset),
    )


@given(st.lists(lines(), min_size=1, max_size=20))
def test_lines_come_back_as_they_were(rows: list[ActivityRow]) -> None:
    assert list(decode_lines(encode_lines("acme", rows))) == rows


@given(PRESENT, st.uuids(), st.integers(0, 2**64 - 1), st.integers(0, 10**9))
def test_a_key_of_a_name_comes_back_whatever_the_client_space_is_called(
    space: str, ref: UUID, epoch: int, serial: int
) -> None:
    key = NameKey(space, ref, f"{epoch:x}", serial)
    assert read_person_key(key.encoded()) == key


@given(PRESENT, st.uuids(), st.sampled_from([CREATED, ERASED]), TIMES)
def test_a_lifetime_comes_back_from_its_key_alone(space: str, ref: UUID, change: str, at: datetime) -> None:
    row = a_lifetime(space, ref, change, at)
    ((key, value),) = lifetime_records([row])
    assert read_person_key(key) == row
    assert value, "a record without a value would be a tombstone"


@given(st.integers(0, 10**6))
def test_a_tick_is_told_from_a_name_and_a_lifetime_by_its_key(partition: int) -> None:
    key, value = segment_roll_record(partition)
    assert read_person_key(key) == SegmentRoll(partition)
    assert value, "a record without a value would be a tombstone, and go"


@given(PRESENT, TEXTS, TEXTS, TIMES, TIMES)
def test_a_name_comes_back_as_it_was(
    person_id: str, username: str, display_name: str, one: datetime, two: datetime
) -> None:
    row = PersonNameRow("acme", a_uuid(1), person_id, username, display_name, min(one, two), max(one, two))
    assert decode_name(NameKey("acme", a_uuid(1), "a", 0), encode_name(row)) == row


def test_values_name_their_schema_by_the_fingerprint_that_avro_defines() -> None:
    for name in ("activity_log_rows", "person_name"):
        headers = list(history_schemas(name))
        assert [len(header) for header in headers] == [10]
        assert headers[0][:2] == b"\xc3\x01"


def test_the_schema_of_the_lines_has_no_place_for_an_id_or_a_name() -> None:
    (schema,) = history_schemas("activity_log_rows").values()
    names = {field["name"] for field in schema["fields"]}
    assert names == set(ActivityRow._fields) - {"precedence"}


@pytest.mark.parametrize("value", [b"", b"\xc3\x01", b"\xc3\x01" + b"x" * 8 + b"datum", b"junk of some length"])
def test_a_value_of_an_unknown_schema_is_refused(value: bytes) -> None:
    with pytest.raises(UnreadableHistory, match="schema"):
        decode_lines(value)


def a_line(**fields: Any) -> ActivityRow:
    defaults: dict[str, Any] = dict.fromkeys(ActivityRow._fields) | {
        "client_space_id": "acme",
        "occurred_at": NOW,
        "event_id": uuid4(),
        "activity_type": "user_creation",
        "channel": "ui",
        "admin_ref": a_uuid(1),
        "affected_user_ref": a_uuid(2),
        "recorded_at": NOW.replace(microsecond=0),
        "kafka_partition": 0,
        "kafka_offset": 0,
        "schema_id": 7,
        "precedence": precedence(to_micros(NOW.replace(microsecond=0)) // 1000, 0),
    }
    return ActivityRow(**{**defaults, **fields})


@pytest.mark.parametrize("change", [lambda value: value[:-1], lambda value: value + b"\0"])
def test_a_damaged_value_is_refused_and_not_quoted(change: Any) -> None:
    damaged = change(encode_lines("acme", [a_line(request_id="req-secret")]))
    with pytest.raises(UnreadableHistory) as refused:
        decode_lines(damaged)
    assert "secret" not in str(refused.value)


REF_KEY = b"%s/" + str(a_uuid(1)).encode() + b"/%s"


@pytest.mark.parametrize(
    "key",
    [
        None,
        b"",
        b"acme/not-a-ref/name/a/0",
        b"acme/------------------------------------/name/a/0",
        REF_KEY % (b"\xff\xfe", b"name/a/0"),
        REF_KEY % (b"acme", b"name/a/-"),
        REF_KEY % (b"acme", b"created/" + b"f" * 30 + b"/-"),
        b"segment-roll/",
        b"segment-roll/x",
        b"\xff\xfe",
        b"acme",
    ],
)
def test_a_foreign_key_is_refused_and_not_quoted(key: bytes | None) -> None:
    with pytest.raises(UnreadableHistory) as refused:
        read_person_key(key)
    assert refused.value.__cause__ is None
    assert "acme" not in str(refused.value)


def test_a_name_of_a_time_that_is_none_is_refused() -> None:
    value = history._encode(
        "person_name", {"person_id": "p", "username": "u", "display_name": "d", "first_seen": 0, "last_seen": 2**62}
    )
    with pytest.raises(UnreadableHistory, match="time"):
        decode_name(NameKey("acme", a_uuid(1), "a", 0), value)


@pytest.mark.parametrize("column", ["event_id", "channel", "kafka_partition", "admin_rights_granted", "occurred_at"])
def test_columns_of_different_lengths_are_refused_and_not_cut_to_the_shortest(
    column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shortened(name: str, value: bytes) -> dict[str, Any]:
        datum = decode(name, value)
        lines_bytes = 16 if column == "event_id" else 1
        if column == "channel":
            datum[column]["indexes"] = datum[column]["indexes"][:-1]
        else:
            datum[column] = datum[column][:-lines_bytes]
        return datum

    decode = history._decode
    monkeypatch.setattr(history, "_decode", shortened)
    with pytest.raises(UnreadableHistory, match="columns"):
        decode_lines(encode_lines("acme", [a_line(), a_line()]))
