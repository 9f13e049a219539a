"""A record is an event, or it is refused: the decision, pure. It asks no clock, no broker and no database."""

from collections.abc import Mapping
from itertools import repeat
from typing import NamedTuple
from uuid import UUID

from schemas.avro_schemas import AvroSchema, current_event_schema
from schemas.codec import decode_all, decode_fields, read_fields
from schemas.errors import InvalidEvent, Reason
from schemas.events import UserDeletion
from schemas.fields import EventFields
from schemas.limits import is_event_id, is_possible_time, tells_affected_user
from schemas.rows import precedence
from schemas.wire import HEADER_BYTES, unframe
from stream.fetch.records import MICROS_PER_MILLI, Chunk, Record

SchemasById = Mapping[int, AvroSchema | Reason]
"""The schema behind each id, or the reason for which that id is refused."""


class Accepted(NamedTuple):
    """A record that is an event within all bounds.

    *is_contested* marks a deletion whose record is refused: it breaks a bound, or contradicts an earlier account of the
    same event. It is no line and tells no name, but somebody asked for an erasure, and that holds.
    """

    chunk: Chunk
    record: Record
    schema_id: int
    fields: EventFields
    is_contested: bool = False


class Refused(NamedTuple):
    """Why a record becomes a dead letter. *field* is a path in the event, never a value."""

    record: Record
    reason: Reason
    field: str


def accept(chunk: Chunk, schemas: SchemasById) -> tuple[list[Accepted], list[Refused]]:
    """The events in *chunk*, and the records that are none. *schemas* has an entry for the id of each framed record."""
    together = _accept_together(chunk, schemas)
    if together is not None:
        return together, []
    accepted: list[Accepted] = []
    refused: list[Refused] = []
    for record in chunk.records:
        try:
            accepted.append(_accept_one(chunk, record, schemas))
        except InvalidEvent as error:
            refused.append(Refused(record, error.reason, error.field))
            accepted += _erasure_in(chunk, record, schemas)
    return accepted, refused


def _erasure_in(chunk: Chunk, record: Record, schemas: SchemasById) -> list[Accepted]:
    """The erasure that the refused *record* asks for, if it tells whom to erase. What else it says is left out.

    A time or an event id that no event may have is replaced by those of the record.
    """
    try:
        schema_id, datum = unframe(record.value)
        schema = schemas[schema_id]
        fields = None if isinstance(schema, Reason) else read_fields(datum, writer_schema=schema)
    except InvalidEvent:
        return []
    if fields is None or fields.activity != UserDeletion.__name__ or not tells_affected_user(fields):
        return []
    recorded_at = record.timestamp * MICROS_PER_MILLI
    if not is_possible_time(fields.occurred_at, recorded_at=recorded_at):
        fields = fields._replace(occurred_at=recorded_at)
    if not is_event_id(fields.event_id):
        fields = fields._replace(event_id=str(UUID(int=precedence(record.timestamp, record.offset))))
    return [Accepted(chunk, record, schema_id, fields, is_contested=True)]


def _accept_one(chunk: Chunk, record: Record, schemas: SchemasById) -> Accepted:
    schema_id, datum = unframe(record.value)
    schema = schemas[schema_id]
    if isinstance(schema, Reason):
        raise InvalidEvent(schema)
    fields = decode_fields(datum, writer_schema=schema, recorded_at=record.timestamp * MICROS_PER_MILLI)
    return Accepted(chunk, record, schema_id, fields)


def _accept_together(chunk: Chunk, schemas: SchemasById) -> list[Accepted] | None:
    """All of *chunk* at once, as most chunks can be; `None` where each record must be looked at."""
    values = [record.value or b"" for record in chunk.records]
    headers = {value[:HEADER_BYTES] for value in values}
    try:
        (schema_id,) = {unframe(header)[0] for header in headers}
    except (InvalidEvent, ValueError):
        return None
    if schemas[schema_id] is not current_event_schema():
        return None
    events = decode_all(
        [value[HEADER_BYTES:] for value in values],
        recorded_at=[record.timestamp * MICROS_PER_MILLI for record in chunk.records],
    )
    if events is None:
        return None
    return list(
        map(Accepted._make, zip(repeat(chunk), chunk.records, repeat(schema_id), events, repeat(False), strict=False))
    )
