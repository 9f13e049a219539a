"""The event as one flat tuple: what is checked, what is encoded, and what the worker makes rows of.

`Event` is for people who publish and read; the fields are for the machine. They hold Avro's own values: a UUID is its
text, a time its microseconds since 1970.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from schemas.errors import InvalidEvent, Reason
from schemas.events import (
    AdminRightsUpdate,
    Channel,
    Event,
    Source,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class EventFields(NamedTuple):
    """Every value of an event. *activity* is the name of its record; fields of other activities are `None`.

    *service* is `None` exactly where the event has no source.
    """

    event_id: str
    occurred_at: int
    client_space_id: str
    channel: str
    admin_id: str
    admin_username: str | None
    admin_display_name: str | None
    affected_user_id: str
    affected_user_username: str | None
    affected_user_display_name: str | None
    activity: str
    previous_license: str | None
    new_license: str | None
    granted: bool | None
    service: str | None
    request_id: str | None
    import_id: str | None
    file_sha256: bytes | None
    row_number: int | None


FIELD_PATHS = (
    "event_id",
    "occurred_at",
    "client_space_id",
    "channel",
    "admin.id",
    "admin.username",
    "admin.display_name",
    "affected_user.id",
    "affected_user.username",
    "affected_user.display_name",
    "activity",
    "activity.previous_license",
    "activity.new_license",
    "activity.granted",
    "source.service",
    "source.request_id",
    "source.import_id",
    "source.file_sha256",
    "source.row_number",
)
"""Where each field lies in the Avro datum, in the order of `EventFields`."""

ACTIVITY_TYPES = {
    activity.__name__: activity.activity_type.value
    for activity in (UserCreation, UserDeletion, UserLicenseUpdate, AdminRightsUpdate)
}
"""The activity type by the name of the activity's record."""


def to_micros(instant: datetime) -> int:
    """An aware time as microseconds since 1970, exactly."""
    return (instant - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """Microseconds since 1970 as an aware time. Raises `OverflowError` beyond the year 9999."""
    return EPOCH + timedelta(microseconds=micros)


def to_fields(event: Event) -> EventFields:
    """*event* as fields. Raises `InvalidEvent` where something is of a type that Avro could not hold."""
    activity, source = event.activity, event.source
    _require("event_id", event.event_id, UUID)
    _require("occurred_at", event.occurred_at, datetime)
    if event.occurred_at.utcoffset() is None:
        raise InvalidEvent(Reason.NAIVE_DATETIME, "occurred_at")
    _require("channel", event.channel, Channel)
    if type(activity).__name__ not in ACTIVITY_TYPES:
        raise InvalidEvent(Reason.WRONG_TYPE, "activity")
    if isinstance(activity, AdminRightsUpdate):
        _require("activity.granted", activity.granted, bool)
    update = activity if isinstance(activity, UserLicenseUpdate) else None
    if source is not None:
        _require_source_types(source)
    return EventFields(
        str(event.event_id),
        to_micros(event.occurred_at),
        event.client_space_id,
        event.channel.value,
        event.admin.id,
        event.admin.username,
        event.admin.display_name,
        event.affected_user.id,
        event.affected_user.username,
        event.affected_user.display_name,
        type(activity).__name__,
        update.previous_license if update else None,
        update.new_license if update else None,
        activity.granted if isinstance(activity, AdminRightsUpdate) else None,
        source.service if source else None,
        source.request_id if source else None,
        str(source.import_id) if source and source.import_id is not None else None,
        source.file_sha256 if source else None,
        source.row_number if source else None,
    )


def _require_source_types(source: Source) -> None:
    if source.service is None:
        raise InvalidEvent(Reason.WRONG_TYPE, "source.service")
    if source.import_id is not None:
        _require("source.import_id", source.import_id, UUID)
    if source.file_sha256 is not None:
        _require("source.file_sha256", source.file_sha256, bytes)
    if source.row_number is not None:
        _require("source.row_number", source.row_number, int)


def _require(field: str, value: object, expected: type) -> None:
    if not isinstance(value, expected):
        raise InvalidEvent(Reason.WRONG_TYPE, field)
