"""Events to bytes and back: pure, exact, and the same in every process.

A datum counts only if it is the one canonical encoding of what was read. fastavro alone is too lenient for an audit
log: it ignores bytes after the datum, takes a negative union or enum index for the last branch or symbol, and accepts
several spellings of one number.
"""

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast

from fastavro import schemaless_reader, schemaless_writer

from schemas.avro_schemas import AvroSchema, current_event_schema, current_event_schema_text
from schemas.compiled_reader import BytesLeft, NotCanonical, Reader, compile_reader
from schemas.compiled_writer import write_event
from schemas.errors import InvalidEvent, Reason
from schemas.events import Event
from schemas.fields import FIELD_PATHS, EventFields, to_micros
from schemas.limits import are_surely_within_bounds, check_event, check_fields


def encode(event: Event, *, now: datetime) -> bytes:
    """The Avro datum of *event* in the current schema. Raises `InvalidEvent` where a consumer would refuse it.

    *now* stands in for the broker's append time, which is not known yet.
    """
    datum = write_event(event, recorded_at=to_micros(now))
    if datum is None:
        check_event(event, recorded_at=now, publishing=True)
        raise AssertionError("the writer refuses what the bounds allow")
    return datum


def decode_fields(datum: bytes, *, writer_schema: AvroSchema, recorded_at: int) -> EventFields:
    """The fields of the event in *datum*, written with *writer_schema* (any released version).

    *recorded_at* is the broker's append time in microseconds since 1970. Raises `InvalidEvent` for bytes that are not
    exactly one event within the bounds of `schemas.limits`. The answer depends on the arguments alone.
    """
    fields = read_fields(datum, writer_schema=writer_schema)
    check_fields(fields, recorded_at=recorded_at)
    return fields


def read_fields(datum: bytes, *, writer_schema: AvroSchema) -> EventFields:
    """What `decode_fields` returns, whether or not it is within the bounds. Raises `InvalidEvent`."""
    if writer_schema is current_event_schema():
        try:
            return EventFields._make(_current_reader()(datum))
        except BytesLeft:
            raise InvalidEvent(Reason.TRAILING_BYTES) from None
        except NotCanonical:
            raise InvalidEvent(Reason.MALFORMED) from None
    return _resolve(datum, writer_schema)


def decode_all(data: Sequence[bytes], *, recorded_at: Sequence[int]) -> list[EventFields] | None:
    """The fields of every event in *data*, written in the current schema; *recorded_at* has the append time of each.

    They are what `decode_fields` returns, sooner. `None` says that it must be asked for each one, as some of *data* is
    not, or may not be, an event within the bounds of `schemas.limits`.
    """
    read = _current_reader()
    try:
        events = [EventFields._make(read(datum)) for datum in data]
    except (BytesLeft, NotCanonical):
        return None
    return events if are_surely_within_bounds(events, recorded_at=recorded_at) else None


@cache
def _current_reader() -> Reader:
    return compile_reader(current_event_schema_text(), FIELD_PATHS)


def _resolve(datum: bytes, writer_schema: AvroSchema) -> EventFields:
    """The fields of a datum of another version, through fastavro, which knows Avro's rules of schema resolution."""
    _require_canonical(datum, _read(datum, writer_schema), writer_schema)
    resolved = _read(datum, writer_schema, current_event_schema())
    return EventFields._make(_value_at(resolved, path) for path in FIELD_PATHS)


def _read(datum: bytes, writer_schema: AvroSchema, reader_schema: AvroSchema | None = None) -> dict[str, Any]:
    buffer = io.BytesIO(datum)
    try:
        read = schemaless_reader(
            buffer, writer_schema, reader_schema, return_record_name=True, return_record_name_override=True
        )
    except OverflowError:
        # Only a time can overflow: its 64 bits reach 292,000 years, Python's datetime 9999.
        raise InvalidEvent(Reason.OUT_OF_RANGE, "occurred_at") from None
    except Exception:  # noqa: BLE001 - what hostile bytes raise in a decoder is no closed list
        raise InvalidEvent(Reason.MALFORMED) from None
    if buffer.tell() != len(datum):
        raise InvalidEvent(Reason.TRAILING_BYTES)
    return cast("dict[str, Any]", read)


def _require_canonical(datum: bytes, written: dict[str, Any], writer_schema: AvroSchema) -> None:
    buffer = io.BytesIO()
    try:
        schemaless_writer(buffer, writer_schema, written)
    except Exception:  # noqa: BLE001 - as above: what was read may not even be writable
        raise InvalidEvent(Reason.MALFORMED) from None
    if buffer.getvalue() != datum:
        raise InvalidEvent(Reason.MALFORMED)


def _value_at(datum: Mapping[str, Any], path: str) -> object:
    """The value at *path* as `EventFields` has it; `None` where an absent record would have held it."""
    value: Any = datum
    for name in path.split("."):
        if isinstance(value, tuple):
            value = value[1]
        value = value.get(name) if isinstance(value, Mapping) else None
    if path == "activity":
        return value[0].rpartition(".")[2]
    if isinstance(value, datetime):
        return to_micros(value)
    return value if value is None or isinstance(value, str | bytes | bool | int) else str(value)
