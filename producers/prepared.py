"""What every event passes before it goes anywhere: one spelling of its ids, a request id without a name, the bounds."""

from dataclasses import replace
from datetime import datetime

from producers.activities import canonical
from schemas.codec import encode
from schemas.errors import InvalidEvent, Reason
from schemas.events import Event
from schemas.request_ids import is_request_id


def prepared(event: Event, *, now: datetime) -> tuple[Event, bytes]:
    """*event* with canonical ids, and its Avro datum. Raises `InvalidEvent`; *now* is as in `encode`."""
    if not isinstance(event, Event):
        raise InvalidEvent(Reason.WRONG_TYPE, "event", advice="pass events, which the verbs of `.events` return")
    admin, user = canonical(event.admin, "admin"), canonical(event.affected_user)
    if admin is not event.admin or user is not event.affected_user:
        event = replace(event, admin=admin, affected_user=user)
    datum = encode(event, now=now)
    request_id = None if event.source is None else event.source.request_id
    if request_id is not None and not is_request_id(request_id):
        raise InvalidEvent(Reason.INVALID_VALUE, "source.request_id", advice="such as req-4711, a UUID or a ULID")
    return event, datum
