"""What an exported file is called: it says what is in it, and names no person. Pure."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from query_api.log.filters import ActivityFilter

_MAX_PART, _MAX_STEM = 60, 200
_UNSAFE = re.compile(r"[^A-Za-z0-9._]+")


def file_name(
    client_space_id: str,
    activity_filter: ActivityFilter,
    *,
    since: datetime,
    now: datetime,
    zone: ZoneInfo,
    extension: str,
) -> str:
    """The client space, the first and the last day in *zone*, and what was filtered by; persons are counted.

    *since* is the start of retention. Signs that some file systems refuse become hyphens; a long part is cut, and
    so is the whole, of which they take 255 bytes.
    """
    # Of a time that no line can be of, not every zone has a day.
    bounds = activity_filter.since or since, activity_filter.until or now
    first, end = (min(max(bound, since), now) for bound in bounds)
    # The bound itself is not in the file.
    last = end - timedelta(microseconds=1)
    days = f"{first.astimezone(zone):%Y-%m-%d}", f"{last.astimezone(zone):%Y-%m-%d}"
    parts = ["user-activity", client_space_id, *days, *_filters(activity_filter)]
    return "_".join(_safe(part) for part in parts)[:_MAX_STEM] + f".{extension}"


def _filters(activity_filter: ActivityFilter) -> Iterable[str]:
    rights = {"rights-granted" if granted else "rights-removed" for granted in activity_filter.admin_rights}
    for values in (activity_filter.activity_types, activity_filter.channels, activity_filter.licenses, rights):
        if values:
            yield " ".join(sorted(values))
    for count, with_deleted, one, several in (
        (len(activity_filter.affected_users), activity_filter.deleted_affected_users, "user", "users"),
        (len(activity_filter.admins), activity_filter.deleted_admins, "admin", "admins"),
        (len(activity_filter.import_ids), False, "import", "imports"),
    ):
        if count:
            yield f"{count} {one if count == 1 else several}"
        if with_deleted:
            yield f"deleted {several}"


def _safe(part: str) -> str:
    return _UNSAFE.sub("-", part)[:_MAX_PART].strip("-.") or "-"
