"""A record becomes rows: the decision, pure. It asks no clock, no broker and no database, so a replay decides alike."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.avro_schemas import AvroSchema
from schemas.codec import decode
from schemas.errors import InvalidEvent, Reason
from schemas.events import AdminRightsUpdate, Event, Person, UserCreation, UserDeletion, UserLicenseUpdate
from schemas.person_ref import person_ref
from schemas.retention import retention_start
from schemas.rows import CREATED, ERASED, ActivityRow, PersonLifetimeRow, PersonNameRow, precedence
from schemas.wire import unframe
from stream.records import Record, recorded_at


@dataclass(frozen=True, slots=True)
class Accepted:
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


def project(
    record: Record, partition: int, *, schemas: Mapping[int, AvroSchema | Reason], pseudonymization_key: bytes
) -> Outcome:
    """What becomes of *record*.

    *schemas* holds, for the id of every framed record, its schema, or the reason for which that id is refused.
    """
    try:
        schema_id, datum = unframe(record.value)
        schema = schemas[schema_id]
        if isinstance(schema, Reason):
            return Refused(record, schema, "")
        event = decode(datum, writer_schema=schema, recorded_at=recorded_at(record))
    except InvalidEvent as error:
        return Refused(record, error.reason, error.field)
    return _rows(event, record, partition, schema_id, pseudonymization_key)


def _rows(event: Event, record: Record, partition: int, schema_id: int, key: bytes) -> Accepted:
    space, at = event.client_space_id, event.occurred_at
    lifetime = None
    if isinstance(event.activity, UserCreation | UserDeletion):
        change = CREATED if isinstance(event.activity, UserCreation) else ERASED
        lifetime = PersonLifetimeRow(space, person_ref(key, space, event.affected_user.id), change, at)
    if at < retention_start(recorded_at(record)):
        return Accepted(record, None, (), lifetime)
    activity = _activity_row(event, record, partition, schema_id, key)
    return Accepted(record, activity, _name_rows(event, key), lifetime)


def _activity_row(event: Event, record: Record, partition: int, schema_id: int, key: bytes) -> ActivityRow:
    activity, source, space = event.activity, event.source, event.client_space_id
    license_update = activity if isinstance(activity, UserLicenseUpdate) else None
    return ActivityRow(
        client_space_id=space,
        occurred_at=event.occurred_at,
        event_id=event.event_id,
        activity_type=activity.activity_type.value,
        channel=event.channel.value,
        admin_ref=person_ref(key, space, event.admin.id),
        affected_user_ref=person_ref(key, space, event.affected_user.id),
        previous_license=license_update.previous_license if license_update else None,
        new_license=license_update.new_license if license_update else None,
        admin_rights_granted=activity.granted if isinstance(activity, AdminRightsUpdate) else None,
        source_service=source.service if source else None,
        request_id=source.request_id if source else None,
        import_id=source.import_id if source else None,
        import_file_sha256=source.file_sha256.hex() if source and source.file_sha256 else None,
        import_row_number=source.row_number if source else None,
        recorded_at=recorded_at(record),
        kafka_partition=partition,
        kafka_offset=record.offset,
        schema_id=schema_id,
        precedence=precedence(recorded_at(record), record.offset),
    )


def _name_rows(event: Event, key: bytes) -> tuple[PersonNameRow, ...]:
    """What the event tells of its persons' names. A deletion tells nothing of the deleted person, their id included."""
    if isinstance(event.activity, UserDeletion):
        return (_name_row(event, event.admin, key),)
    return (_name_row(event, event.admin, key), _name_row(event, event.affected_user, key))


def _name_row(event: Event, person: Person, key: bytes) -> PersonNameRow:
    return PersonNameRow(
        client_space_id=event.client_space_id,
        person_ref=person_ref(key, event.client_space_id, person.id),
        person_id=person.id,
        username=person.username or "",
        display_name=person.display_name or "",
        first_seen=event.occurred_at,
        last_seen=event.occurred_at,
    )
