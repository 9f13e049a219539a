"""A line for people: the clocks of their zone, and the words of their language. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from query_api.http.export_words import WORDS, Language
from query_api.log.activity_log import ShownLine
from query_api.log.persons import NAME_UNAVAILABLE, ShownPerson
from schemas.events import ActivityType

_Words = Mapping[str, str]


def _name(person: ShownPerson, words: _Words) -> str | None:
    if person.deleted:
        return words["deleted"]
    if person.id is None and person.display_name == NAME_UNAVAILABLE:
        return words["unavailable"]
    return person.display_name or person.username or person.id


def _license(shown: ShownLine, name: str | None, words: _Words) -> str | None:
    is_update = shown.line.activity_type == ActivityType.USER_LICENSE_UPDATE
    return words["no_license"] if name is None and is_update else name


def _rights(shown: ShownLine, words: _Words) -> str | None:
    granted = shown.line.admin_rights_granted
    return None if granted is None else words["granted" if granted else "removed"]


_COLUMNS: Mapping[str, Callable[[ShownLine, _Words], object]] = {
    "activity": lambda shown, words: words.get(shown.line.activity_type, shown.line.activity_type),
    "affected_user": lambda shown, words: _name(shown.affected_user, words),
    "affected_username": lambda shown, _: shown.affected_user.username,
    "previous_license": lambda shown, words: _license(shown, shown.line.previous_license, words),
    "new_license": lambda shown, words: _license(shown, shown.line.new_license, words),
    "admin_rights": _rights,
    "admin": lambda shown, words: _name(shown.admin, words),
    "admin_username": lambda shown, _: shown.admin.username,
    "channel": lambda shown, words: words.get(shown.line.channel, words["unknown"]),
    "affected_user_id": lambda shown, _: shown.affected_user.id,
    "affected_user_ref": lambda shown, _: shown.affected_user.ref,
    "admin_id": lambda shown, _: shown.admin.id,
    "admin_ref": lambda shown, _: shown.admin.ref,
    "service": lambda shown, _: shown.line.source_service,
    "request_id": lambda shown, _: shown.line.request_id,
    "import_id": lambda shown, _: shown.line.import_id,
    "row_number": lambda shown, _: shown.line.import_row_number,
    "event_id": lambda shown, _: shown.line.event_id,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """In which language and zone somebody reads."""

    language: Language
    zone: ZoneInfo

    def headings(self) -> tuple[str, ...]:
        """A name for each column. The first names the zone."""
        words = WORDS[self.language]
        first = f"{words['occurred_at']} ({self.zone.key})"
        return first, words["utc_offset"], *(words[name] for name in _COLUMNS)

    def time(self, shown: ShownLine) -> tuple[datetime, str]:
        """What the zone's clocks showed, to the second, and how far they were ahead: an hour can come twice."""
        local = shown.line.occurred_at.astimezone(self.zone)
        offset = local.isoformat(timespec="seconds")[len("2026-11-24T10:31:07") :]
        return local.replace(microsecond=0, tzinfo=None), f"UTC{offset}"

    def values(self, shown: ShownLine) -> tuple[object, ...]:
        """The columns behind the time. `None` is an empty cell."""
        words = WORDS[self.language]
        return tuple(value(shown, words) for value in _COLUMNS.values())
