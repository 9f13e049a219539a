"""The event as JSON: how it lies in an outbox and comes in over HTTP. Field names are the Avro schema's."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from schemas.errors import InvalidEvent, Reason
from schemas.events import (
    Activity,
    ActivityType,
    AdminRightsUpdate,
    Channel,
    Event,
    Person,
    Source,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)

JsonObject = dict[str, Any]

ACTIVITIES: dict[str, type[Activity]] = {
    str(kind.activity_type): kind for kind in (UserCreation, UserDeletion, UserLicenseUpdate, AdminRightsUpdate)
}
"""The activity's record by its `activity_type`, which tells the four apart in JSON."""

_REQUIRED = {"event_id", "occurred_at", "client_space_id", "channel", "admin", "affected_user", "activity"}


def to_json(event: Event) -> JsonObject:
    """*event* as JSON's types; `from_json` gives it back."""
    activity = {"activity_type": str(event.activity.activity_type), **asdict(event.activity)}
    source = event.source
    return {
        "event_id": str(event.event_id),
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "client_space_id": event.client_space_id,
        "channel": str(event.channel),
        "admin": asdict(event.admin),
        "affected_user": asdict(event.affected_user),
        "activity": activity,
        "source": None
        if source is None
        else {
            "service": source.service,
            "request_id": source.request_id,
            "import_id": None if source.import_id is None else str(source.import_id),
            "file_sha256": None if source.file_sha256 is None else source.file_sha256.hex(),
            "row_number": source.row_number,
        },
    }


def from_json(value: object) -> Event:
    """The event that *value* says. Raises `InvalidEvent`; bounds are checked when it is published."""
    given = _object(value, "", _REQUIRED, {"source"})
    return Event(
        event_id=_uuid(given["event_id"], "event_id"),
        occurred_at=_time(given["occurred_at"]),
        client_space_id=_text(given["client_space_id"], "client_space_id"),
        channel=_member(Channel, given["channel"], "channel"),
        admin=_person(given["admin"], "admin"),
        affected_user=_person(given["affected_user"], "affected_user"),
        activity=_activity(given["activity"]),
        source=_source(given.get("source")),
    )


def _object(value: object, field: str, required: set[str], optional: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidEvent(Reason.WRONG_TYPE, field)
    prefix = f"{field}." if field else ""
    for name in sorted(required - value.keys()):
        raise InvalidEvent(Reason.BLANK, prefix + name)
    if value.keys() - required - optional:
        # A field that is not known may hold anything, its name included: it is not repeated.
        raise InvalidEvent(Reason.INVALID_VALUE, field)
    return value


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidEvent(Reason.WRONG_TYPE, field)
    return value


def _optional_text(value: object, field: str) -> str | None:
    return None if value is None else _text(value, field)


def _uuid(value: object, field: str) -> UUID:
    text = _text(value, field)
    try:
        found = UUID(text)
    except ValueError:
        raise InvalidEvent(Reason.INVALID_VALUE, field) from None
    if str(found) != text.lower():
        raise InvalidEvent(Reason.INVALID_VALUE, field)
    return found


def _time(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(_text(value, "occurred_at"))
        if found.utcoffset() is None:
            raise InvalidEvent(Reason.NAIVE_DATETIME, "occurred_at")
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidEvent(Reason.INVALID_VALUE, "occurred_at") from None


def _member(kind: type[Channel], value: object, field: str) -> Channel:
    try:
        return kind(_text(value, field))
    except ValueError:
        raise InvalidEvent(Reason.INVALID_VALUE, field) from None


def _person(value: object, field: str) -> Person:
    given = _object(value, field, {"id"}, {"username", "display_name"})
    return Person(
        _text(given["id"], f"{field}.id"),
        _optional_text(given.get("username"), f"{field}.username"),
        _optional_text(given.get("display_name"), f"{field}.display_name"),
    )


def _activity(value: object) -> Activity:
    licenses = ("previous_license", "new_license")
    kind = value.get("activity_type") if isinstance(value, Mapping) else None
    match kind:
        case ActivityType.USER_CREATION | ActivityType.USER_DELETION:
            _object(value, "activity", {"activity_type"}, set())
            return UserCreation() if kind == ActivityType.USER_CREATION else UserDeletion()
        case ActivityType.USER_LICENSE_UPDATE:
            given = _object(value, "activity", {"activity_type", *licenses}, set())
            return UserLicenseUpdate(*(_optional_text(given[name], f"activity.{name}") for name in licenses))
        case ActivityType.ADMIN_RIGHTS_UPDATE:
            given = _object(value, "activity", {"activity_type", "granted"}, set())
            if not isinstance(given["granted"], bool):
                raise InvalidEvent(Reason.WRONG_TYPE, "activity.granted")
            return AdminRightsUpdate(given["granted"])
    raise InvalidEvent(Reason.INVALID_VALUE, "activity.activity_type")


def _source(value: object) -> Source | None:
    if value is None:
        return None
    given = _object(value, "source", {"service"}, {"request_id", "import_id", "file_sha256", "row_number"})
    import_id, row_number = given.get("import_id"), given.get("row_number")
    if row_number is not None and (isinstance(row_number, bool) or not isinstance(row_number, int)):
        raise InvalidEvent(Reason.WRONG_TYPE, "source.row_number")
    return Source(
        _text(given["service"], "source.service"),
        _optional_text(given.get("request_id"), "source.request_id"),
        None if import_id is None else _uuid(import_id, "source.import_id"),
        _sha256(given.get("file_sha256")),
        row_number,
    )


def _sha256(value: object) -> bytes | None:
    if value is None:
        return None
    try:
        return bytes.fromhex(_text(value, "source.file_sha256"))
    except ValueError:
        raise InvalidEvent(Reason.INVALID_VALUE, "source.file_sha256") from None
