"""Answers as JSON. Pure."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from query_api.log import Page, ShownLine
from query_api.people import ShownPerson
from query_api.reader import Line
from schemas.events import ActivityType


def page_body(page: Page, *, limit: int) -> bytes:
    """The body of a page."""
    return to_json(
        {
            "data": [_line(line) for line in page.lines],
            "page": {"limit": limit, "has_more": page.next_cursor is not None, "next_cursor": page.next_cursor},
            "meta": {
                "as_of": timestamp(page.as_of),
                "from": timestamp(page.since),
                "to": None if page.until is None else timestamp(page.until),
                "clamped": page.clamped,
            },
        }
    )


def line_body(line: ShownLine) -> bytes:
    """The body of a single line."""
    return to_json({"data": _line(line)})


def timestamp(instant: datetime) -> str:
    """RFC 3339 in UTC, always with six digits: texts of one length sort as the times do."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def to_json(value: Mapping[str, Any]) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _line(shown: ShownLine) -> dict[str, Any]:
    line = shown.line
    return {
        "event_id": str(line.event_id),
        "occurred_at": timestamp(line.occurred_at),
        "recorded_at": timestamp(line.recorded_at),
        "activity_type": line.activity_type,
        "channel": line.channel,
        "affected_user": _person(shown.affected_user),
        "admin": _person(shown.admin),
        "changes": _changes(line),
        "source": _source(line),
    }


def _person(person: ShownPerson) -> dict[str, Any]:
    return {
        "ref": str(person.ref),
        "id": person.id,
        "username": person.username,
        "display_name": person.display_name,
        "deleted": person.deleted,
    }


def _changes(line: Line) -> list[dict[str, Any]]:
    if line.activity_type == ActivityType.USER_LICENSE_UPDATE:
        return [{"field": "license", "before": line.previous_license, "after": line.new_license}]
    if line.activity_type == ActivityType.ADMIN_RIGHTS_UPDATE:
        granted = bool(line.admin_rights_granted)
        return [{"field": "admin_rights", "before": not granted, "after": granted}]
    return []


def _source(line: Line) -> dict[str, Any] | None:
    if line.source_service is None:
        return None
    return {
        "service": line.source_service,
        "request_id": line.request_id,
        "import_id": None if line.import_id is None else str(line.import_id),
        "row_number": line.import_row_number,
    }
