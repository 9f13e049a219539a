"""The bounds that every event keeps, checked by the producer before it publishes and by the worker before it stores."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.errors import InvalidEvent, Reason
from schemas.events import Channel, Event, UserDeletion
from schemas.fields import FIELD_PATHS, MICROSECOND, EventFields, to_fields, to_micros

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

_EARLIEST = to_micros(EARLIEST_OCCURRED_AT)
_AHEAD = MAX_CLOCK_AHEAD // MICROSECOND
_TEXTS = tuple(
    # Index in `EventFields`, longest length, whether it must be there.
    (index, MAX_LENGTHS.get(path.rpartition(".")[2], MAX_LENGTHS["license"]), path in required)
    for required in [{"client_space_id", "admin.id", "affected_user.id"}]
    for index, path in enumerate(FIELD_PATHS)
    if path.rpartition(".")[2] in MAX_LENGTHS or path.endswith("_license")
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_DELETION = UserDeletion.__name__


def check_event(event: Event, *, recorded_at: datetime, publishing: bool = False) -> None:
    """Raise `InvalidEvent` at the first field of *event* that breaks a bound; see `check_fields`.

    A producer says *publishing*: it must know its channel, whereas a reader accepts one that it has not heard of.
    """
    fields = to_fields(event)
    if publishing and event.channel is Channel.UNKNOWN:
        raise InvalidEvent(Reason.INVALID_VALUE, "channel")
    check_fields(fields, recorded_at=to_micros(recorded_at))
    if publishing:
        check_encodable(fields)


def check_encodable(fields: EventFields) -> None:
    """Raise `InvalidEvent` at the first text that UTF-8, hence Avro, cannot hold: one with a lone surrogate.

    A reader has no need of it: what was decoded can be encoded.
    """
    for index, _, _ in _TEXTS:
        value = fields[index]
        if isinstance(value, str) and _SURROGATE.search(value):
            raise InvalidEvent(Reason.INVALID_VALUE, FIELD_PATHS[index])


def check_fields(fields: EventFields, *, recorded_at: int) -> None:
    """Raise `InvalidEvent` at the first of *fields* that breaks a bound.

    *recorded_at* is the broker's append time in microseconds since 1970; a producer, which cannot know it yet, passes
    its own time. The worker's clock is never asked, so that a replay decides as the first reading did.
    """
    if not is_event_id(fields.event_id):
        raise InvalidEvent(Reason.INVALID_VALUE, "event_id")
    if not is_possible_time(fields.occurred_at, recorded_at=recorded_at):
        raise InvalidEvent(Reason.OUT_OF_RANGE, "occurred_at")
    for index, limit, required in _TEXTS:
        value = fields[index]
        if value is None and not required:
            continue
        if not (isinstance(value, str) and 0 < len(value) <= limit) or value.isspace():
            raise _text_error(value, FIELD_PATHS[index], limit)
    if fields.activity == _DELETION:
        _check_nameless(fields)
    if fields.service is not None:
        _check_source(fields)


def is_event_id(event_id: str) -> bool:
    """Whether *event_id* is a UUID as Avro spells it."""
    return bool(_UUID.fullmatch(event_id))


def is_possible_time(occurred_at: int, *, recorded_at: int) -> bool:
    """Whether an event that the broker recorded then may have occurred then; microseconds since 1970."""
    return _EARLIEST <= occurred_at <= recorded_at + _AHEAD


def tells_affected_user(fields: EventFields) -> bool:
    """Whether the client space and the affected user's id are within their bounds, whatever the other fields are."""
    texts = (fields.client_space_id, MAX_LENGTHS["client_space_id"]), (fields.affected_user_id, MAX_LENGTHS["id"])
    return all(isinstance(text, str) and 0 < len(text) <= limit and not text.isspace() for text, limit in texts)


def are_surely_within_bounds(events: Sequence[EventFields], *, recorded_at: Sequence[int]) -> bool:
    """Whether `check_fields` takes all of *events*, read from Avro by the current schema, each with its append time.

    It looks at columns instead of events, at each different text once, and is in doubt about more than `check_fields`
    is: where it says no, ask that for each event. At least one event is given.
    """
    column: Any = EventFields._make(zip(*events, strict=True))  # each field is now the tuple of its values
    return (
        all(map(_UUID.fullmatch, column.event_id))
        and min(column.occurred_at) >= _EARLIEST
        and max(column.occurred_at) <= min(recorded_at) + _AHEAD
        and all(_are_short_texts(set(column[index]), limit, required=required) for index, limit, required in _TEXTS)
        and not (_DELETION in column.activity and any(map(_is_named_deletion, events)))
        and _are_sources(column)
    )


def _are_short_texts(values: set[str | None], limit: int, *, required: bool) -> bool:
    if not required:
        values.discard(None)
    try:
        lengths = set(map(len, values))  # type: ignore[arg-type] # that it may raise is the point
    except TypeError:
        return False
    return not lengths or (min(lengths) > 0 and max(lengths) <= limit and not any(map(str.isspace, values)))  # type: ignore[arg-type] # they have lengths


def _is_named_deletion(fields: EventFields) -> bool:
    named = (fields.affected_user_username, fields.affected_user_display_name) != (None, None)
    return named and fields.activity == _DELETION


def _are_sources(column: Any) -> bool:  # noqa: ANN401 - as above
    import_ids, hashes, rows = (set(c) - {None} for c in (column.import_id, column.file_sha256, column.row_number))
    return (
        all(map(_UUID.fullmatch, import_ids))
        and all(len(value) == SHA256_BYTES for value in hashes)
        and all(1 <= number <= MAX_ROW_NUMBER for number in rows)
    )


def _text_error(value: object, field: str, limit: int) -> InvalidEvent:
    if not isinstance(value, str):
        return InvalidEvent(Reason.WRONG_TYPE, field)
    if not value or value.isspace():
        return InvalidEvent(Reason.BLANK, field)
    return InvalidEvent(Reason.TOO_LONG, field, advice=f"at most {limit} characters")


def _check_nameless(fields: EventFields) -> None:
    """A deletion that named its affected user would bring into the log the very name that it must remove."""
    if fields.affected_user_username is not None:
        raise InvalidEvent(Reason.FORBIDDEN_NAME, "affected_user.username")
    if fields.affected_user_display_name is not None:
        raise InvalidEvent(Reason.FORBIDDEN_NAME, "affected_user.display_name")


def _check_source(fields: EventFields) -> None:
    if fields.import_id is not None and not _UUID.fullmatch(fields.import_id):
        raise InvalidEvent(Reason.INVALID_VALUE, "source.import_id")
    if fields.file_sha256 is not None and len(fields.file_sha256) != SHA256_BYTES:
        raise InvalidEvent(Reason.INVALID_VALUE, "source.file_sha256")
    if fields.row_number is not None and not 1 <= fields.row_number <= MAX_ROW_NUMBER:
        raise InvalidEvent(Reason.OUT_OF_RANGE, "source.row_number")
