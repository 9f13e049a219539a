"""Records that no producer of ours writes: T12's set. Each value, with the reason for which it must be kept aside."""

from collections.abc import Mapping

from schemas.codec import encode
from schemas.errors import Reason
from schemas.events import Event
from schemas.fields import to_micros
from schemas.wire import frame

_HUGE = 10_000_000
_UNREGISTERED_ID = 2**31 - 1


def varint(number: int) -> bytes:
    """*number* as Avro writes an int or long."""
    rest, encoded = (number << 1) ^ (number >> 63), bytearray()
    while rest > 0x7F:
        encoded.append((rest & 0x7F) | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


def text(value: bytes) -> bytes:
    """*value* as Avro writes a string or bytes."""
    return varint(len(value)) + value


def poison(event: Event, schema_id: int, foreign_ids: Mapping[str, int]) -> dict[str, tuple[bytes | None, Reason]]:
    """Spoiled copies of *event*, by what is wrong with them. *foreign_ids* are schemas that are none of the event's."""
    datum = encode(event, now=event.occurred_at)
    event_id, space = text(str(event.event_id).encode()), text(event.client_space_id.encode())
    at = varint(to_micros(event.occurred_at))
    start = event_id + at + space
    assert datum.startswith(start), "the schema's first fields are others now"
    # The channel is one byte, the admin's id follows, then the index of the union of their username.
    channel, rest = datum[len(start) : len(start) + 1], datum[len(start) + 1 :]
    admin_id = text(event.admin.id.encode())
    assert rest.startswith(admin_id), "the schema's first fields are others now"
    after_union = rest[len(admin_id) + 1 :]
    year_1969, year_2110 = varint(-86_400 * 10**6), varint(4_418_064_000 * 10**6)

    def framed(spoiled: bytes) -> bytes:
        return frame(schema_id, spoiled)

    return {
        "tombstone": (None, Reason.EMPTY_RECORD),
        "empty": (b"", Reason.EMPTY_RECORD),
        "magic only": (b"\x00", Reason.WRONG_MAGIC),
        "json": (b'{"event_id": 1}', Reason.WRONG_MAGIC),
        "schema id that nobody registered": (frame(_UNREGISTERED_ID, datum), Reason.UNKNOWN_SCHEMA_ID),
        "no datum": (framed(b""), Reason.MALFORMED),
        "truncated": (framed(datum[:-3]), Reason.MALFORMED),
        "trailing bytes": (framed(datum + b"\x00"), Reason.TRAILING_BYTES),
        "text of ten million bytes that are not there": (
            framed(event_id + at + varint(_HUGE) + b"x" * 10),
            Reason.MALFORMED,
        ),
        "negative length": (framed(event_id + at + varint(-5) + rest), Reason.MALFORMED),
        "endless varint": (framed(event_id + b"\xff" * 40), Reason.MALFORMED),
        "enum index -1": (framed(start + varint(-1) + rest), Reason.MALFORMED),
        "enum index 99": (framed(start + varint(99) + rest), Reason.MALFORMED),
        "union index -1": (framed(start + channel + admin_id + varint(-1) + after_union), Reason.MALFORMED),
        "invalid UTF-8": (framed(event_id + at + text(b"\xff\xfe") + channel + rest), Reason.MALFORMED),
        "1969": (framed(event_id + year_1969 + space + channel + rest), Reason.OUT_OF_RANGE),
        "2110": (framed(event_id + year_2110 + space + channel + rest), Reason.OUT_OF_RANGE),
        "an event id that is none": (framed(text(b"not-a-uuid") + at + space + channel + rest), Reason.INVALID_VALUE),
        **{
            name: (frame(foreign_id, bytes.fromhex("80bbae03") + b"\x00" * 6000), Reason.UNEXPECTED_SCHEMA)
            for name, foreign_id in foreign_ids.items()
        },
    }


FOREIGN_SCHEMAS = {
    "array<null> of three million": '{"type": "array", "items": "null"}',
    "deep nesting": (
        '{"type": "record", "name": "Nest", "fields": [{"name": "inner", "type": ["null", "Nest"], "default": null}]}'
    ),
}
"""Schemas that make a decoder fill memory or overflow its stack, if anyone decodes with them."""
