"""Answers as JSON. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from query_api.log.activity_log import Bounds, Page, ShownLine
from query_api.log.cursor import LIFETIME
from query_api.log.facets import MAX_LICENSES
from query_api.log.filters import DELETED
from query_api.log.imports import ImportsPage, ShownImport
from query_api.log.mentions import MentionedPerson
from query_api.log.persons import DELETED_USER, ShownPerson
from query_api.log.reader import Line
from query_api.log.statistics import Chart
from schemas.events import ActivityType, Channel

_CURSOR_PERIOD_SECONDS = LIFETIME.total_seconds() / 2


@dataclass(frozen=True, slots=True)
class Body:
    """An answer: its bytes, and a hash of what it shows.

    The hash leaves out what differs at every moment (`as_of`, the cursor's expiry). It changes with everything
    else, and so with a deletion, which changes a name.
    """

    content: bytes
    tag: str


def page_body(page: Page, *, limit: int) -> Body:
    """The body of a page."""
    return _page_body(
        [line_document(line) for line in page.lines],
        {
            "page": {"limit": limit, "has_more": page.has_more, "next_cursor": page.next_cursor},
            "meta": {
                **_range(page.bounds),
                "complete_through": None if page.complete_through is None else timestamp(page.complete_through),
            },
        },
        [page.has_more, str(page.complete_through), *_shown_bounds(page.bounds)],
    )


def imports_body(page: ImportsPage, *, limit: int) -> Body:
    """The body of a page of file imports."""
    has_more = page.next_cursor is not None
    return _page_body(
        [_file_import(shown) for shown in page.imports],
        {
            "page": {"limit": limit, "has_more": has_more, "next_cursor": page.next_cursor},
            "meta": _range(page.bounds),
        },
        [has_more, *_shown_bounds(page.bounds)],
    )


def line_body(line: ShownLine) -> Body:
    """The body of a single line."""
    return _body({"data": line_document(line)})


def chart_body(chart: Chart) -> Body:
    """The body of counts over time. Starts are given in the zone that was asked for."""
    buckets = [
        {
            "start": bucket.start.astimezone(chart.zone).isoformat(),
            "total": sum(bucket.by_activity_type.values()),
            "by_activity_type": dict(sorted(bucket.by_activity_type.items())),
        }
        for bucket in chart.buckets
    ]
    total = sum(sum(bucket.by_activity_type.values()) for bucket in chart.buckets)
    facets = {facet: dict(sorted(found.counts.items())) for facet, found in sorted(chart.facets.items())}
    cut = sorted(facet for facet, found in chart.facets.items() if found.is_cut)
    return _body(
        {
            "interval": chart.interval,
            "tz": chart.zone.key,
            "buckets": buckets,
            "total": total,
            **({"facets": facets, "cut_facets": cut} if facets else {}),
        }
    )


def persons_body(mentioned: Iterable[MentionedPerson]) -> Body:
    """The body of a list of persons."""
    return _body({"data": [_mentioned(entry) for entry in mentioned]})


def meta_body(*, licenses: list[str], retention_from: datetime, scopes: Iterable[str]) -> Body:
    """The body of what the log holds, and what the caller may do. More than `MAX_LICENSES` are cut."""
    return _body(
        {
            "activity_types": [str(kind) for kind in ActivityType],
            "channels": [str(channel) for channel in Channel],
            "licenses": licenses[:MAX_LICENSES],
            "has_more_licenses": len(licenses) > MAX_LICENSES,
            "retention_from": timestamp(retention_from),
            "scopes": sorted(scopes),
        },
        [licenses, sorted(scopes)],
    )


def timestamp(instant: datetime) -> str:
    """RFC 3339 in UTC, always with six digits: texts of one length sort as the times do."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def to_json(value: object) -> bytes:
    """Compact JSON in UTF-8."""
    return _ENCODER.encode(value).encode()


def _page_body(data: list[dict[str, Any]], others: Mapping[str, Any], shown: list[object]) -> Body:
    """*data* and *others* as one document, with the hash of *data* and *shown*. To write *data* costs the most."""
    lines = to_json(data)
    return Body(b'{"data":' + lines + b"," + to_json(others)[1:], _hash(lines + to_json(shown)))


def _body(document: Mapping[str, Any], shown: object = None) -> Body:
    """*document* with the hash of *shown*, or of all of it."""
    content = to_json(document)
    return Body(content, _hash(content if shown is None else to_json({"shown": shown})))


def _hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def _range(bounds: Bounds) -> dict[str, Any]:
    return {
        "as_of": timestamp(bounds.as_of),
        "from": timestamp(bounds.since),
        "to": None if bounds.until is None else timestamp(bounds.until),
        "clamped": bounds.clamped,
    }


def _shown_bounds(bounds: Bounds) -> list[object]:
    """What of *bounds* a page's hash holds.

    A client that keeps its page keeps the cursor too, so the page must be renewed before the cursor expires.
    """
    return [bounds.clamped, int(bounds.as_of.timestamp() // _CURSOR_PERIOD_SECONDS)]


def _file_import(shown: ShownImport) -> dict[str, Any]:
    return {
        "import_id": str(shown.found.import_id),
        "first_occurred_at": timestamp(shown.found.first_at),
        "last_occurred_at": timestamp(shown.found.last_at),
        "admin": _person(shown.admin),
        "total": sum(shown.found.lines.values()),
        "by_activity_type": dict(sorted(shown.found.lines.items())),
    }


def _mentioned(entry: MentionedPerson) -> dict[str, Any]:
    if entry.person is None:
        shown = {"ref": DELETED, "id": None, "username": None, "display_name": DELETED_USER, "deleted": True}
        return {**shown, "activities": entry.activities}
    return {**_identity(entry.person), "activities": entry.activities}


def line_document(shown: ShownLine) -> dict[str, Any]:
    """A line as pages and exports show it."""
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
    current = None if person.current is None else dict(zip(("username", "display_name"), person.current, strict=True))
    return {**_identity(person), "current": current}


def _identity(person: ShownPerson) -> dict[str, Any]:
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
