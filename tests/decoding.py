"""Bytes back to events: the worker makes rows of fields, and needs no event."""

from datetime import datetime
from uuid import UUID

from schemas.avro_schemas import AvroSchema
from schemas.codec import decode_fields
from schemas.events import (
    Activity,
    AdminRightsUpdate,
    Channel,
    Event,
    Person,
    Source,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)
from schemas.fields import EventFields, from_micros, to_micros


def decode(datum: bytes, *, writer_schema: AvroSchema, recorded_at: datetime) -> Event:
    """The event in *datum*; see `decode_fields`."""
    return to_event(decode_fields(datum, writer_schema=writer_schema, recorded_at=to_micros(recorded_at)))


def to_event(fields: EventFields) -> Event:
    """*fields*, which were checked, as an event."""
    source = None
    if fields.service is not None:
        import_id = None if fields.import_id is None else UUID(fields.import_id)
        source = Source(fields.service, fields.request_id, import_id, fields.file_sha256, fields.row_number)
    return Event(
        UUID(fields.event_id),
        from_micros(fields.occurred_at),
        fields.client_space_id,
        Channel(fields.channel),
        Person(fields.admin_id, fields.admin_username, fields.admin_display_name),
        Person(fields.affected_user_id, fields.affected_user_username, fields.affected_user_display_name),
        _to_activity(fields),
        source,
    )


def _to_activity(fields: EventFields) -> Activity:
    match fields.activity:
        case "UserLicenseUpdate":
            return UserLicenseUpdate(fields.previous_license, fields.new_license)
        case "AdminRightsUpdate":
            return AdminRightsUpdate(bool(fields.granted))
        case "UserCreation":
            return UserCreation()
    return UserDeletion()
