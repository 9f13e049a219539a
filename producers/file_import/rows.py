"""What reading a file yields: rows with their numbers, and bad rows as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from schemas.events import Activity, Person

BAD_ROWS_KEPT = 100
"""How many bad rows a report names; the rest is counted."""


class Role(StrEnum):
    """What a file is to its import."""

    ACTIONS = "action list"
    BEFORE = "list before"
    AFTER = "list after"
    MAPPING = "id mapping"


class Column(StrEnum):
    """The columns that a file may have, by the names that messages use."""

    ACTIVITY = "activity"
    USER_ID = "user id"
    EMAIL = "e-mail"
    FIRST_NAME = "first name"
    LAST_NAME = "last name"
    DISPLAY_NAME = "display name"
    PREVIOUS_LICENSE = "previous license"
    LICENSE = "license"
    ADMIN_ACCESS = "admin access"
    OCCURRED_AT = "occurred at"


NAME_COLUMNS = frozenset({Column.FIRST_NAME, Column.LAST_NAME, Column.DISPLAY_NAME})
"""Columns whose text is only shown. Every other text decides who is meant, or what was done."""


class Code(StrEnum):
    """Why a row is refused. Codes are stable: `rejected.csv` and `summary.json` carry them."""

    BLANK = "blank"
    CELL_COUNT = "cell_count"
    COLUMN_MISSING = "column_missing"
    CONTRADICTION = "contradiction"
    """An earlier row of the action list says otherwise."""
    CONTROL_CHARACTER = "control_character"
    ID_CHANGED = "id_changed"
    """The same person seems to be in both lists under two ids."""
    INVALID_VALUE = "invalid_value"
    INVISIBLE_CHARACTER = "invisible_character"
    LEFT_OUT = "left_out"
    """The row is good; the other list's row of the same user is not."""
    LOST_CHARACTER = "lost_character"
    NOT_TEXT = "not_text"
    """A spreadsheet holds a number or a date where a text belongs."""
    REPEATED_USER = "repeated_user"
    STRAY_QUOTE = "stray_quote"
    SWALLOWED_ROWS = "swallowed_rows"
    """A cell spans lines and holds as many delimiters as a row: a stray quote made one cell of several rows."""
    TOO_LONG = "too_long"
    UNDECODABLE = "undecodable"
    UNKNOWN_ID = "unknown_id"
    UNUSUAL_SPACE = "unusual_space"
    WRONG_ENCODING = "wrong_encoding"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a cell or a row. It carries no cell's value."""

    code: Code
    reason: str


@dataclass(frozen=True, slots=True)
class RowError:
    """A bad row: the lines from which to which it reaches (the file's first is 1), and what is wrong.

    *column* is empty where the fault is not in one cell. No cell's value is in it.
    """

    role: Role
    row_number: int
    column: str
    fault: Fault
    last_line: int = 0
    file_name: str = ""

    @property
    def code(self) -> Code:
        """The stable reason."""
        return self.fault.code

    @property
    def reason(self) -> str:
        """The reason in words."""
        return self.fault.reason

    def __str__(self) -> str:
        where = f"row {self.row_number}"
        if self.last_line > self.row_number:
            where = f"rows {self.row_number} to {self.last_line}"
        place = f"{label(self.role, self.file_name)}, {where}"
        return f"{place}, {self.column}: {self.reason}" if self.column else f"{place}: {self.reason}"


def label(role: Role, file_name: str) -> str:
    """How messages call a file: by what it is to the import, and by its name."""
    return f"{role} ({file_name})" if file_name else str(role)


@dataclass(slots=True)
class BadRows:
    """The bad rows of an import: all of them counted, the first of them named."""

    total: int = 0
    first: list[RowError] = field(default_factory=list)

    def add(self, error: RowError) -> None:
        """Count *error*, and keep it while there is room."""
        self.total += 1
        if len(self.first) < BAD_ROWS_KEPT:
            self.first.append(error)


class Row(NamedTuple):
    """A row whose cells fit the header: one for each column that is read, without blanks around it.

    *faults* says which cells cannot be used. The others can: a bad name leaves the user id readable.
    """

    number: int
    last_line: int
    cells: Mapping[Column, str]
    faults: Mapping[Column, Fault]


class ListedUser(NamedTuple):
    """A user as a row of a user list has them."""

    row_number: int
    person: Person
    license: str | None
    admin_access: bool


class Action(NamedTuple):
    """What a row says was done, or what the difference of two lists shows.

    *rank* is the action's place among those of the same row. *occurred_at* is the row's own claim, if it makes one.
    """

    role: Role
    row_number: int
    affected_user: Person
    activity: Activity
    rank: int = 0
    occurred_at: datetime | None = None


@dataclass(slots=True)
class Account:
    """What became of the rows of one file: `imported + unchanged + rejected == rows`.

    *rows* leaves out the header and blank rows, which *blank* counts. *imported* counts the rows that say that
    something happened. *rejected* counts bad rows, and good rows of users whom a bad row leaves out.
    """

    rows: int = 0
    blank: int = 0
    imported: int = 0
    unchanged: int = 0
    rejected: int = 0
