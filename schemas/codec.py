"""Events to bytes and back: pure, exact, and the same in every process.

fastavro is lenient where an audit log may not be: it ignores bytes after the datum, takes a negative union or enum
index for the last branch or symbol, and accepts several spellings of one number. So a datum counts only if it is the
one canonical encoding of what was read: it is written again with the writer's schema, and the bytes must agree.
"""

import io
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from fastavro import schemaless_reader, schemaless_writer

from schemas.avro_schemas import AvroSchema, current_event_schema
from schemas.errors import InvalidEvent, Reason
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
from schemas.limits import check_event

_NAMESPACE = "user_management"
_ACTIVITIES: dict[str, type[Activity]] = {
    f"{_NAMESPACE}.{record.__name__}": record
    for record in (UserCreation, UserDeletion, UserLicenseUpdate, AdminRightsUpdate)
}


def encode(event: Event, *, now: datetime) -> bytes:
    """The Avro datum of *event* in the current schema. Raises `InvalidEvent` where a consumer would refuse it.

    *now* stands in for the broker's append time, which is not known yet.
    """
    check_event(event, recorded_at=now, publishing=True)
    buffer = io.BytesIO()
    try:
        schemaless_writer(buffer, current_event_schema(), _to_datum(event), strict_allow_default=True)
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidEvent(Reason.WRONG_TYPE) from error
    return buffer.getvalue()


def decode(datum: bytes, *, writer_schema: AvroSchema, recorded_at: datetime) -> Event:
    """The event in *datum*, written with *writer_schema* (any released version) and appended at *recorded_at*.

    Raises `InvalidEvent` for bytes that are not exactly one event within the bounds of `schemas.limits`. The answer
    depends on the arguments alone.
    """
    written = _read(datum, writer_schema)
    _require_canonical(datum, written, writer_schema)
    current = current_event_schema()
    resolved = written if writer_schema is current else _read(datum, writer_schema, current)
    event = _from_datum(resolved)
    check_event(event, recorded_at=recorded_at)
    return event


def _read(datum: bytes, writer_schema: AvroSchema, reader_schema: AvroSchema | None = None) -> dict[str, Any]:
    buffer = io.BytesIO(datum)
    try:
        read = schemaless_reader(
            buffer, writer_schema, reader_schema, return_record_name=True, return_record_name_override=True
        )
    except OverflowError as error:
        # Only a time can overflow: its 64 bits reach 292,000 years, Python's datetime 9999.
        raise InvalidEvent(Reason.OUT_OF_RANGE, "occurred_at") from error
    except Exception as error:  # what hostile bytes raise in a decoder is no closed list
        raise InvalidEvent(Reason.MALFORMED) from error
    if buffer.tell() != len(datum):
        raise InvalidEvent(Reason.TRAILING_BYTES)
    return cast("dict[str, Any]", read)


def _require_canonical(datum: bytes, written: dict[str, Any], writer_schema: AvroSchema) -> None:
    buffer = io.BytesIO()
    try:
        schemaless_writer(buffer, writer_schema, written)
    except Exception as error:  # as above: what was read may not even be writable
        raise InvalidEvent(Reason.MALFORMED) from error
    if buffer.getvalue() != datum:
        raise InvalidEvent(Reason.MALFORMED)


def _to_datum(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "occurred_at": event.occurred_at,
        "client_space_id": event.client_space_id,
        "channel": event.channel.value,
        "admin": _person_to_datum(event.admin),
        "affected_user": _person_to_datum(event.affected_user),
        "activity": _activity_to_datum(event.activity),
        "source": None if event.source is None else _source_to_datum(event.source),
    }


def _person_to_datum(person: Person) -> dict[str, Any]:
    return {"id": person.id, "username": person.username, "display_name": person.display_name}


def _activity_to_datum(activity: Activity) -> tuple[str, dict[str, Any]]:
    fields: dict[str, Any] = {}
    if isinstance(activity, UserLicenseUpdate):
        fields = {"previous_license": activity.previous_license, "new_license": activity.new_license}
    elif isinstance(activity, AdminRightsUpdate):
        fields = {"granted": activity.granted}
    return f"{_NAMESPACE}.{type(activity).__name__}", fields


def _source_to_datum(source: Source) -> dict[str, Any]:
    return {
        "service": source.service,
        "request_id": source.request_id,
        "import_id": source.import_id,
        "file_sha256": source.file_sha256,
        "row_number": source.row_number,
    }


def _from_datum(datum: dict[str, Any]) -> Event:
    record_name, fields = datum["activity"]
    source = datum["source"]
    return Event(
        event_id=_as_uuid(datum["event_id"]),
        occurred_at=datum["occurred_at"],
        client_space_id=datum["client_space_id"],
        channel=Channel(datum["channel"]),
        admin=Person(**datum["admin"]),
        affected_user=Person(**datum["affected_user"]),
        activity=_ACTIVITIES[record_name](**fields),
        source=None if source is None else Source(**source),
    )


def _as_uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
