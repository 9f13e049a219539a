"""A row's cells as values, each checked against the bounds of the event that will carry it."""

import re
from datetime import UTC, datetime

from producers.file_import.resolver import IdResolver
from producers.file_import.rows import Code, Column, Fault, Row
from schemas.events import Person
from schemas.limits import EARLIEST_OCCURRED_AT, MAX_CLOCK_AHEAD, MAX_LENGTHS
from schemas.person_ref import canonical_id

_YES = {"yes", "true", "1", "oui", "vrai"}
_NO = {"no", "false", "0", "non", "faux"}
# `fromisoformat` also takes week dates, times without an offset, and more digits than it keeps.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
# A question mark is what programs write for a letter that their encoding lacks.
_EMAIL = re.compile(r"[^\s@?]+@[^\s@?]+")


class BadCell(Exception):
    """A cell that says nothing usable. It carries the column and the fault, not the value."""

    def __init__(self, column: Column, code: Code, reason: str) -> None:
        super().__init__(column, code, reason)
        self.column = column
        self.fault = Fault(code, reason)


def person_id(row: Row, resolver: IdResolver | None) -> str:
    """The affected user's id: the id column's, or what *resolver* makes of the e-mail where there is no such column."""
    if Column.USER_ID in row.cells:
        return canonical_id(_bounded(row, Column.USER_ID, "id"))
    found = None if resolver is None else resolver.resolve(canonical_id(email(row)))
    if not found:
        raise BadCell(Column.EMAIL, Code.UNKNOWN_ID, "no user id is known for it")
    if len(found) > MAX_LENGTHS["id"]:
        raise BadCell(Column.EMAIL, Code.TOO_LONG, f"its user id is longer than {MAX_LENGTHS['id']} characters")
    return found


def person(row: Row, user_id: str) -> Person:
    """The affected user: the e-mail is their username; the display name is theirs, or their first and last name."""
    display_name = row.cells.get(Column.DISPLAY_NAME, "")
    if not display_name:
        first, last = row.cells.get(Column.FIRST_NAME, ""), row.cells.get(Column.LAST_NAME, "")
        display_name = f"{first} {last}" if first and last else first or last
    if len(display_name) > MAX_LENGTHS["display_name"]:
        reason = f"first and last name are longer than {MAX_LENGTHS['display_name']} characters"
        raise BadCell(Column.LAST_NAME, Code.TOO_LONG, reason)
    return Person(user_id, email(row), display_name or None)


def email(row: Row) -> str:
    """The e-mail as written. What is plainly none is refused: it betrays cells in the wrong column."""
    text = _bounded(row, Column.EMAIL, "username")
    if not _EMAIL.fullmatch(text):
        raise BadCell(Column.EMAIL, Code.INVALID_VALUE, "not an e-mail address")
    return text


def license_name(row: Row, column: Column = Column.LICENSE) -> str | None:
    """The license; an empty cell is none."""
    if column not in row.cells:
        raise BadCell(column, Code.COLUMN_MISSING, "the column is missing")
    return _bounded(row, column, "license") if row.cells[column] else None


def admin_access(row: Row) -> bool:
    """Yes or no, in one of their spellings."""
    word = row.cells.get(Column.ADMIN_ACCESS, "").casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise BadCell(Column.ADMIN_ACCESS, Code.INVALID_VALUE, "neither yes, true or 1 nor no, false or 0")


def occurred_at(row: Row, now: datetime) -> datetime | None:
    """The row's own time, if it has one."""
    text = row.cells.get(Column.OCCURRED_AT, "")
    try:
        return parse_time(text, now) if text else None
    except ValueError as error:
        raise BadCell(Column.OCCURRED_AT, Code.INVALID_VALUE, str(error)) from None


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


def require_sound(row: Row) -> None:
    """Raise `BadCell` at the first faulty cell of *row*."""
    for column, fault in row.faults.items():
        raise BadCell(column, fault.code, fault.reason)


def _bounded(row: Row, column: Column, limit_name: str) -> str:
    text = row.cells.get(column, "")
    if row.faults and (fault := row.faults.get(column)):
        raise BadCell(column, fault.code, fault.reason)
    if not text:
        raise BadCell(column, Code.BLANK, "blank")
    if len(text) > MAX_LENGTHS[limit_name]:
        raise BadCell(column, Code.TOO_LONG, f"longer than {MAX_LENGTHS[limit_name]} characters")
    return text
