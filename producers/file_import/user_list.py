"""The platform's user list: one user a row."""

from dataclasses import dataclass

from producers.file_import.cells import BadCell, admin_access, license_name, person, person_id
from producers.file_import.resolver import IdResolver
from producers.file_import.rows import Column, ListedUser, Role, Row, RowError
from producers.file_import.table import Table, require_columns

_REQUIRED = {Column.EMAIL, Column.FIRST_NAME, Column.LAST_NAME, Column.LICENSE, Column.ADMIN_ACCESS}


@dataclass(frozen=True, slots=True)
class BadUser:
    """A row that is no user. *user_id* says whose row it is, where it could be read."""

    error: RowError
    user_id: str | None


def require_user_list(table: Table) -> None:
    """Raise `InvalidImport` where *table* has not the columns of a user list.

    A missing license or admin access column would read as if every user had lost theirs.
    """
    require_columns(table, _REQUIRED, {Column.USER_ID})


def read_user(role: Role, row: Row, resolver: IdResolver | None) -> ListedUser | BadUser:
    """The user of *row*."""
    user_id = None
    try:
        user_id = person_id(row.cells, resolver)
        named = person(row.cells, user_id)
        return ListedUser(row.number, named, license_name(row.cells), admin_access(row.cells))
    except BadCell as bad:
        return BadUser(RowError(role, row.number, bad.column, bad.reason), user_id)
