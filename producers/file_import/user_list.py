"""A user list: one user a row."""

from dataclasses import dataclass

from producers.errors import InvalidImport
from producers.file_import.cells import BadCell, admin_access, license_name, person, person_id, require_sound
from producers.file_import.headings import PLATFORM
from producers.file_import.resolver import IdResolver
from producers.file_import.rows import NAME_COLUMNS, Column, ListedUser, Row, RowError
from producers.file_import.table import Table, require_columns

_STATE = {Column.LICENSE, Column.ADMIN_ACCESS}
_NAMES = {Column.FIRST_NAME, Column.LAST_NAME}


@dataclass(frozen=True, slots=True)
class BadUser:
    """A row that is no user. *user_id* says whose row it is, where it could be read."""

    error: RowError
    user_id: str | None


def require_user_list(table: Table) -> None:
    """Raise `InvalidImport` where *table* has not the columns of a user list.

    The platform's own list has all of them. A directory's has no license and no admin access of this platform.
    """
    required = {Column.EMAIL}
    if table.format is PLATFORM:
        required |= _STATE | (set() if Column.DISPLAY_NAME in table.columns else _NAMES)
    require_columns(table, required, {Column.USER_ID, *_STATE, *NAME_COLUMNS})


def require_same_state(before: Table, after: Table) -> None:
    """Raise `InvalidImport` where only one list has a license or admin access: everybody would seem to lose theirs."""
    for column in sorted(_STATE & (before.columns ^ after.columns)):
        without = before if column in after.columns else after
        raise InvalidImport(f"{without.label}: missing column(s) {column}, which the other list has")


def read_user(table: Table, row: Row, resolver: IdResolver | None) -> ListedUser | BadUser:
    """The user of *row*. A column that the list lacks is the same for all: no license, no admin access."""
    user_id = None
    try:
        user_id = person_id(row, resolver)
        if row.faults:
            require_sound(row)
        licensed = license_name(row) if Column.LICENSE in row.cells else None
        is_admin = admin_access(row) if Column.ADMIN_ACCESS in row.cells else False
        return ListedUser(row.number, person(row, user_id), licensed, is_admin)
    except BadCell as bad:
        return BadUser(table.error(row, bad.column, bad.fault), user_id)
