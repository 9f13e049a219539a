"""What every event passes before it goes anywhere: one spelling of its ids, a request id without a name, the bounds."""

import re
from dataclasses import replace
from datetime import datetime

from producers.activities import canonical
from schemas.codec import encode
from schemas.errors import InvalidEvent, Reason
from schemas.events import Event
from schemas.limits import MAX_LENGTHS

_REQUEST_ID = re.compile(
    r"(?=.*[0-9])[A-Za-z]{0,4}[-_:=]?[0-9A-Fa-f]+([-:.][0-9A-Fa-f]+)*"  # such as req-4711, a UUID, a trace id
    r"|[0-7][0-9A-HJKMNP-TV-Z]{25}"  # ULID
)
"""A request id is shown for twelve months, and no erasure reaches it. An e-mail, a path or a name must not fit in."""


def prepared(event: Event, *, now: datetime) -> tuple[Event, bytes]:
    """*event* with canonical ids, and its Avro datum. Raises `InvalidEvent`; *now* is as in `encode`."""
    admin, user = canonical(event.admin, "admin"), canonical(event.affected_user)
    if admin is not event.admin or user is not event.affected_user:
        event = replace(event, admin=admin, affected_user=user)
    datum = encode(event, now=now)
    request_id = None if event.source is None else event.source.request_id
    if request_id is not None and not is_request_id(request_id):
        raise InvalidEvent(Reason.INVALID_VALUE, "source.request_id", advice="such as req-4711, a UUID or a ULID")
    return event, datum


def is_request_id(text: str) -> bool:
    """Whether *text* may stand in the log as a request id."""
    return len(text) <= MAX_LENGTHS["request_id"] and bool(_REQUEST_ID.fullmatch(text))
