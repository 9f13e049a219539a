"""What becomes of each event of a request: pure, but for the time that is passed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from producers.event_json import from_json
from producers.intake.grants import Grant
from producers.prepared import prepared
from schemas.errors import InvalidEvent, Reason
from schemas.events import Event, UserLicenseUpdate

FORBIDDEN = "forbidden"
"""The reason of an event that the token does not allow, beside the reasons of `schemas.errors.Reason`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that is not published: a reason code and the field. Neither is a value of the event."""

    reason: str
    field: str


Judgment = Event | Refused


def judge(items: Sequence[object], grant: Grant, now: datetime) -> list[Judgment]:
    """For each of *items* the event that it is, or why it is refused."""
    return [_judge(item, grant, now) for item in items]


def results(judgments: Sequence[Judgment], acknowledged: int) -> list[dict[str, Any]]:
    """The answer for each item, where the broker has the first *acknowledged* of the events."""
    found: list[dict[str, Any]] = []
    for judgment in judgments:
        if isinstance(judgment, Refused):
            found.append({"status": "refused", "reason": judgment.reason, "field": judgment.field})
            continue
        status = "acknowledged" if acknowledged > 0 else "not_acknowledged"
        acknowledged -= 1
        found.append({"status": status, "event_id": str(judgment.event_id)})
    return found


def _judge(item: object, grant: Grant, now: datetime) -> Judgment:
    try:
        event, _ = prepared(from_json(item), now=now)
    except InvalidEvent as error:
        return Refused(error.reason, error.field)
    if isinstance(event.activity, UserLicenseUpdate) and event.activity.previous_license == event.activity.new_license:
        return Refused(Reason.INVALID_VALUE, "activity.new_license")  # the verbs raise `NothingChanged`
    field = grant.forbidden_field(event)
    return event if field is None else Refused(FORBIDDEN, field)
