"""A row's cells as values, each checked against the bounds of the event that will carry it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from producers.file_import.resolver import IdResolver, normalize_email
from producers.file_import.rows import Column
from schemas.events import Person
from schemas.limits import EARLIEST_OCCURRED_AT, MAX_CLOCK_AHEAD, MAX_LENGTHS

_YES = {"yes", "true", "1"}
_NO = {"no", "false", "0"}
# `fromisoformat` also takes week dates, times without an offset, and more digits than it keeps.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

Cells = Mapping[Column, str]


class BadCell(Exception):
    """A cell that says nothing usable. It carries the column and the reason, not the value."""

    def __init__(self, column: Column, reason: str) -> None:
        super().__init__(column, reason)
        self.column = column
        self.reason = reason


def person_id(cells: Cells, resolver: IdResolver | None) -> str:
    """The affected user's id: the id column's, or what *resolver* makes of the e-mail where there is no such column."""
    if Column.USER_ID in cells:
        return _bounded(cells, Column.USER_ID, "id")
    found = None if resolver is None else resolver.resolve(normalize_email(email(cells)))
    if not found:
        raise BadCell(Column.EMAIL, "no user id is known for it")
    if len(found) > MAX_LENGTHS["id"]:
        raise BadCell(Column.EMAIL, f"its user id is longer than {MAX_LENGTHS['id']} characters")
    return found


def person(cells: Cells, user_id: str) -> Person:
    """The affected user: the e-mail is their username, first and last name their display name."""
    names = [cells.get(Column.FIRST_NAME, ""), cells.get(Column.LAST_NAME, "")]
    display_name = " ".join(filter(None, names))
    if len(display_name) > MAX_LENGTHS["display_name"]:
        raise BadCell(Column.LAST_NAME, f"first and last name are longer than {MAX_LENGTHS['display_name']} characters")
    return Person(user_id, email(cells), display_name or None)


def email(cells: Cells) -> str:
    """The e-mail as written. What is plainly none is refused: it betrays cells in the wrong column."""
    text = _bounded(cells, Column.EMAIL, "username")
    if "@" not in text:
        raise BadCell(Column.EMAIL, "not an e-mail address")
    return text


def license_name(cells: Cells, column: Column = Column.LICENSE) -> str | None:
    """The license; an empty cell is none."""
    if column not in cells:
        raise BadCell(column, "the column is missing")
    return _bounded(cells, column, "license") if cells[column] else None


def admin_access(cells: Cells) -> bool:
    """Yes or no, in one of the three spellings."""
    word = cells.get(Column.ADMIN_ACCESS, "").casefold()
    if word not in _YES | _NO:
        raise BadCell(Column.ADMIN_ACCESS, "neither yes, true or 1 nor no, false or 0")
    return word in _YES


def occurred_at(cells: Cells, now: datetime) -> datetime | None:
    """The row's own time, if it has one."""
    text = cells.get(Column.OCCURRED_AT, "")
    try:
        return parse_time(text, now) if text else None
    except ValueError as error:
        raise BadCell(Column.OCCURRED_AT, str(error)) from None


def parse_time(text: str, now: datetime) -> datetime:
    """An RFC 3339 time within the event's bounds, as UTC. Raises `ValueError` with the reason, without the text."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("not a time like 2026-01-31T09:30:00Z, with its offset from UTC and at most microseconds")
    try:
        time = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("no such time") from None
    if not EARLIEST_OCCURRED_AT <= time <= now + MAX_CLOCK_AHEAD:
        raise ValueError("out of range: before 2000 or in the future")
    return time


def _bounded(cells: Cells, column: Column, limit_name: str) -> str:
    text = cells.get(column, "")
    if not text:
        raise BadCell(column, "blank")
    if len(text) > MAX_LENGTHS[limit_name]:
        raise BadCell(column, f"longer than {MAX_LENGTHS[limit_name]} characters")
    return text
