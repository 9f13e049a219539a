"""The compiled reader and fastavro, held to the same answer."""

import json
from typing import Any

import pytest
from fastavro.schema import parse_schema
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro_schemas import AvroSchema, current_event_schema, current_event_schema_text
from schemas.codec import decode_fields, encode
from schemas.compiled_reader import BytesLeft, NotCanonical, compile_reader
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.fields import to_micros
from tests.builders import NOW
from tests.unit.schemas.strategies import events

# Equal to the current schema, but not it: `decode` then takes the way of older versions, through fastavro.
THROUGH_FASTAVRO: AvroSchema = parse_schema(json.loads(current_event_schema_text()))  # type: ignore[assignment]


def outcome(datum: bytes, schema: AvroSchema) -> Any:
    try:
        return decode_fields(datum, writer_schema=schema, recorded_at=to_micros(NOW))
    except InvalidEvent as error:
        return str(error)


def assert_same(datum: bytes) -> None:
    assert THROUGH_FASTAVRO is not current_event_schema()
    ours, reference = outcome(datum, current_event_schema()), outcome(datum, THROUGH_FASTAVRO)
    if isinstance(reference, str) and isinstance(ours, str):
        return  # refused by both; where two things are wrong, each may name another
    assert ours == reference


@given(events())
def test_both_read_every_event_alike(event: Event) -> None:
    datum = encode(event, now=NOW)
    assert not isinstance(outcome(datum, current_event_schema()), str)
    assert_same(datum)


@settings(max_examples=200)
@given(events(), st.data())
def test_both_answer_alike_for_changed_bytes(event: Event, data: st.DataObject) -> None:
    datum = bytearray(encode(event, now=NOW))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(datum) - 1))
        match data.draw(st.sampled_from(["replace", "insert", "delete"])):
            case "replace":
                datum[position] = data.draw(st.integers(0, 255))
            case "insert":
                datum.insert(position, data.draw(st.integers(0, 255)))
            case _:
                del datum[position]
    assert_same(bytes(datum))


@given(st.binary(max_size=150))
def test_both_answer_alike_for_arbitrary_bytes(datum: bytes) -> None:
    assert_same(datum)


LONG = compile_reader('{"type": "record", "name": "R", "fields": [{"name": "n", "type": "long"}]}', ["n"])


@pytest.mark.parametrize(
    ("datum", "value"),
    [
        (b"\x00", 0),
        (b"\x01", -1),
        (b"\x02", 1),
        (b"\x80\x01", 64),
        (b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 2**63 - 1),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", -(2**63)),
    ],
)
def test_numbers_are_zigzag_varints(datum: bytes, value: int) -> None:
    assert LONG(datum) == (value,)


@pytest.mark.parametrize(
    "datum",
    [b"", b"\x80", b"\x80\x00", b"\x82\x80\x00", b"\xff" * 10, b"\xff" * 9 + b"\x02", b"\xff" * 9 + b"\x81\x01"],
)
def test_a_number_in_another_spelling_or_beyond_64_bits_is_not_canonical(datum: bytes) -> None:
    with pytest.raises(NotCanonical):
        LONG(datum)


@pytest.mark.parametrize("length", [0, 1, 63, 64, 100, 8191, 8192, 100_000])
def test_texts_of_every_length_are_read(length: int) -> None:
    schema = (
        '{"type": "record", "name": "R", "fields": [{"name": "s", "type": "string"}, {"name": "b", "type": "boolean"}]}'
    )
    datum = _length(length) + b"x" * length + b"\x01"
    assert compile_reader(schema, ["s", "b"])(datum) == ("x" * length, True)
    with pytest.raises(BytesLeft):
        compile_reader(schema, ["s", "b"])(datum + b"\x00")
    with pytest.raises(NotCanonical):
        compile_reader(schema, ["s", "b"])(_length(length + 5) + b"x" * length)


def test_a_type_that_the_event_does_not_use_is_refused_when_it_is_compiled() -> None:
    with pytest.raises(ValueError, match="knows no double"):
        compile_reader('{"type": "record", "name": "R", "fields": [{"name": "d", "type": "double"}]}', ["d"])


def _length(length: int) -> bytes:
    code, encoded = 2 * length, bytearray()
    while code > 0x7F:
        encoded.append((code & 0x7F) | 0x80)
        code >>= 7
    return bytes(encoded) + bytes([code])
