"""The bounds that every event keeps, checked by the producer before it publishes and by the worker before it stores."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from schemas.errors import InvalidEvent, Reason
from schemas.events import Activity, AdminRightsUpdate, Channel, Event, Person, Source, UserDeletion, UserLicenseUpdate

EARLIEST_OCCURRED_AT = datetime(2000, 1, 1, tzinfo=UTC)
"""ClickHouse's TTL arithmetic wraps before 1970; nothing that this platform did is older than 2000."""

MAX_CLOCK_AHEAD = timedelta(hours=24)
"""How far *occurred_at* may lie after the broker's append time: room for a wrong clock, none for a wrong year."""

MAX_LENGTHS = {
    "client_space_id": 128,
    "id": 256,
    "username": 320,
    "display_name": 256,
    "license": 128,
    "service": 128,
    "request_id": 256,
}
"""The longest text that each field takes, in Unicode code points. 320 is the longest e-mail address of RFC 3696."""

MAX_ROW_NUMBER = 2**31 - 1
SHA256_BYTES = 32


def check_event(event: Event, *, recorded_at: datetime, publishing: bool = False) -> None:
    """Raise `InvalidEvent` at the first field of *event* that breaks a bound.

    *recorded_at* is the broker's append time; a producer, which cannot know it yet, passes its own time. The worker's
    clock is never asked, so that a replay decides as the first reading did. A producer says *publishing*: it must know
    its channel, whereas a reader accepts one that it has not heard of.
    """
    _check_type("event_id", event.event_id, UUID)
    _check_instant("occurred_at", event.occurred_at)
    if not EARLIEST_OCCURRED_AT <= event.occurred_at <= recorded_at + MAX_CLOCK_AHEAD:
        raise InvalidEvent(Reason.OUT_OF_RANGE, "occurred_at")
    _check_type("channel", event.channel, Channel)
    if publishing and event.channel is Channel.UNKNOWN:
        raise InvalidEvent(Reason.INVALID_VALUE, "channel")
    for path, limit_name, value, required in _texts(event):
        _check_text(path, value, MAX_LENGTHS[limit_name], required=required)
    if isinstance(event.activity, AdminRightsUpdate):
        _check_type("activity.granted", event.activity.granted, bool)
    if isinstance(event.activity, UserDeletion):
        _check_nameless(event.affected_user)
    if event.source is not None:
        _check_source(event.source)


def _check_type(field: str, value: object, expected: type) -> None:
    if not isinstance(value, expected):
        raise InvalidEvent(Reason.WRONG_TYPE, field)


def _check_instant(field: str, value: datetime) -> None:
    _check_type(field, value, datetime)
    if value.utcoffset() is None:
        raise InvalidEvent(Reason.NAIVE_DATETIME, field)


def _texts(event: Event) -> Iterator[tuple[str, str, object, bool]]:
    """Each text of *event*: its path, its entry in `MAX_LENGTHS`, its value, and whether it must be there."""
    yield "client_space_id", "client_space_id", event.client_space_id, True
    for role, person in (("admin", event.admin), ("affected_user", event.affected_user)):
        yield f"{role}.id", "id", person.id, True
        yield f"{role}.username", "username", person.username, False
        yield f"{role}.display_name", "display_name", person.display_name, False
    yield from _activity_texts(event.activity)
    if event.source is not None:
        yield "source.service", "service", event.source.service, True
        yield "source.request_id", "request_id", event.source.request_id, False


def _activity_texts(activity: Activity) -> Iterator[tuple[str, str, object, bool]]:
    if isinstance(activity, UserLicenseUpdate):
        yield "activity.previous_license", "license", activity.previous_license, False
        yield "activity.new_license", "license", activity.new_license, False


def _check_text(field: str, value: object, limit: int, *, required: bool) -> None:
    if value is None and not required:
        return
    if not isinstance(value, str):
        raise InvalidEvent(Reason.WRONG_TYPE, field)
    if not value or value.isspace():
        raise InvalidEvent(Reason.BLANK, field)
    if len(value) > limit:
        raise InvalidEvent(Reason.TOO_LONG, field)


def _check_nameless(affected_user: Person) -> None:
    """A deletion that named its affected user would bring into the log the very name that it must remove."""
    if affected_user.username is not None:
        raise InvalidEvent(Reason.FORBIDDEN_NAME, "affected_user.username")
    if affected_user.display_name is not None:
        raise InvalidEvent(Reason.FORBIDDEN_NAME, "affected_user.display_name")


def _check_source(source: Source) -> None:
    if source.import_id is not None:
        _check_type("source.import_id", source.import_id, UUID)
    if source.file_sha256 is not None:
        _check_type("source.file_sha256", source.file_sha256, bytes)
        if len(source.file_sha256) != SHA256_BYTES:
            raise InvalidEvent(Reason.INVALID_VALUE, "source.file_sha256")
    if source.row_number is not None:
        _check_type("source.row_number", source.row_number, int)
        if not 1 <= source.row_number <= MAX_ROW_NUMBER:
            raise InvalidEvent(Reason.OUT_OF_RANGE, "source.row_number")
