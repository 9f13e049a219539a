"""What reading a file yields: rows with their numbers, and bad rows as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

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
    PREVIOUS_LICENSE = "previous license"
    LICENSE = "license"
    ADMIN_ACCESS = "admin access"
    OCCURRED_AT = "occurred at"


@dataclass(frozen=True, slots=True)
class RowError:
    """A bad row: the line on which it starts (the header is line 1), and what is wrong. It carries no cell's value.

    *column* is empty where the fault is not in one cell.
    """

    role: Role
    row_number: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.role}, row {self.row_number}"
        return f"{place}, {self.column}: {self.reason}" if self.column else f"{place}: {self.reason}"


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


@dataclass(frozen=True, slots=True)
class Row:
    """A row whose cells fit the header: one per column, stripped."""

    number: int
    cells: Mapping[Column, str]


@dataclass(frozen=True, slots=True)
class ListedUser:
    """A user as a row of a user list has them."""

    row_number: int
    person: Person
    license: str | None
    admin_access: bool


@dataclass(frozen=True, slots=True)
class Action:
    """What a row says was done, or what the difference of two lists shows.

    *rank* is the action's place among those of the same row. *occurred_at* is the row's own claim, if it makes one.
    """

    role: Role
    row_number: int
    affected_user: Person
    activity: Activity
    rank: int = 0
    occurred_at: datetime | None = None
