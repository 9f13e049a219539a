"""A record becomes rows: the decision, pure. It asks no clock, no broker and no database, so a replay decides alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from schemas.avro_schemas import AvroSchema
from schemas.codec import decode_fields
from schemas.errors import InvalidEvent, Reason
from schemas.events import UserCreation, UserDeletion
from schemas.fields import EventFields, activity_class, from_micros
from schemas.person_ref import PersonRefs
from schemas.retention import SHORTEST_RETENTION, retention_start
from schemas.rows import CREATED, ERASED, ActivityRow, PersonLifetimeRow, PersonNameRow, precedence
from schemas.wire import unframe
from stream.records import MICROS_PER_MILLI, Record

SchemasById = Mapping[int, AvroSchema | Reason]
"""The schema behind each id, or the reason for which that id is refused."""


class Accepted(NamedTuple):
    """The rows that a record stands for.

    *activity* is `None` where the event was older than the retention when the broker recorded it: such a line is never
    shown, but a deletion among them still erases.
    """

    record: Record
    activity: ActivityRow | None
    names: tuple[PersonNameRow, ...]
    lifetime: PersonLifetimeRow | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a record becomes a dead letter. *field* is a path in the event, never a value."""

    record: Record
    reason: Reason
    field: str


Outcome = Accepted | Refused

_LIFETIME_CHANGES = {UserCreation.__name__: CREATED, UserDeletion.__name__: ERASED}


def project(record: Record, partition: int, *, schemas: SchemasById, refs: PersonRefs) -> Outcome:
    """What becomes of *record*. *schemas* has an entry for the id of every framed record."""
    try:
        schema_id, datum = unframe(record.value)
        schema = schemas[schema_id]
        if isinstance(schema, Reason):
            return Refused(record, schema, "")
        fields = decode_fields(datum, writer_schema=schema, recorded_at=record.timestamp * MICROS_PER_MILLI)
    except InvalidEvent as error:
        return Refused(record, error.reason, error.field)
    occurred_at = from_micros(fields.occurred_at)
    recorded_at = from_micros(record.timestamp * MICROS_PER_MILLI)
    user_ref = refs(fields.client_space_id, fields.affected_user_id)
    lifetime = None
    if change := _LIFETIME_CHANGES.get(fields.activity):
        lifetime = PersonLifetimeRow(fields.client_space_id, user_ref, change, occurred_at)
    if recorded_at - occurred_at > SHORTEST_RETENTION and occurred_at < retention_start(recorded_at):
        return Accepted(record, None, (), lifetime)
    admin_ref = refs(fields.client_space_id, fields.admin_id)
    return Accepted(
        record,
        ActivityRow(
            fields.client_space_id,
            occurred_at,
            UUID(fields.event_id),
            activity_class(fields).activity_type.value,
            fields.channel,
            admin_ref,
            user_ref,
            fields.previous_license,
            fields.new_license,
            fields.granted,
            fields.service,
            fields.request_id,
            None if fields.import_id is None else UUID(fields.import_id),
            None if fields.file_sha256 is None else fields.file_sha256.hex(),
            fields.row_number,
            recorded_at,
            partition,
            record.offset,
            schema_id,
            precedence(record.timestamp, record.offset),
        ),
        _names(fields, admin_ref, user_ref, occurred_at),
        lifetime,
    )


def _names(fields: EventFields, admin_ref: UUID, user_ref: UUID, at: datetime) -> tuple[PersonNameRow, ...]:
    """What the event tells of its persons' names. A deletion tells nothing of the deleted person, their id included."""
    admin = PersonNameRow(
        fields.client_space_id,
        admin_ref,
        fields.admin_id,
        fields.admin_username or "",
        fields.admin_display_name or "",
        at,
        at,
    )
    if fields.activity == UserDeletion.__name__:
        return (admin,)
    affected_user = PersonNameRow(
        fields.client_space_id,
        user_ref,
        fields.affected_user_id,
        fields.affected_user_username or "",
        fields.affected_user_display_name or "",
        at,
        at,
    )
    return (admin, affected_user)
