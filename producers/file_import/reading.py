"""Files into the staging area: every row is read and judged before the first event leaves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from producers.errors import InvalidImport
from producers.file_import.action_list import read_action
from producers.file_import.resolver import IdResolver
from producers.file_import.rows import Action, BadRows, Column, ListedUser, Role, Row, RowError
from producers.file_import.staging import Staging
from producers.file_import.table import StructureLost, Table
from producers.file_import.user_list import BadUser, read_user, require_user_list


@dataclass(slots=True)
class Reader:
    """Reads the files of one import into *staging* and collects what is wrong with them.

    *unusable* is the first fault with which even the good rows prove nothing, so that no option may publish them.
    """

    staging: Staging
    resolver: IdResolver | None
    now: datetime
    on_row: Callable[[], None]
    bad_rows: BadRows
    unusable: RowError | None = None

    def read_actions(self, table: Table) -> None:
        """Stage an action list."""
        self.staging.add_actions(self._actions(table))

    def read_users(self, table: Table) -> None:
        """Stage a user list."""
        require_user_list(table)
        self.staging.add_users(table.role, self._users(table))

    def compare_users(self) -> None:
        """Single out the changed users, once both lists are staged.

        A user whom a list names twice is not among them: nobody can say which of the rows is true.
        """
        self.staging.index_users()
        for role, user_id, row_number, first_row in self.staging.repeated_users():
            self.bad_rows.add(RowError(role, row_number, Column.USER_ID, f"the same user as in row {first_row}"))
            self.staging.leave_out(user_id)
        if self.unusable is None and self.staging.is_empty(Role.AFTER) and not self.staging.is_empty(Role.BEFORE):
            raise InvalidImport("the list after has no users: every user of the list before would count as deleted")
        self.staging.find_changed_users()

    def _actions(self, table: Table) -> Iterator[Action]:
        for row in self._rows(table):
            action = row if isinstance(row, RowError) else read_action(row, self.resolver, self.now)
            if isinstance(action, RowError):
                self.bad_rows.add(action)
            else:
                yield action

    def _users(self, table: Table) -> Iterator[ListedUser]:
        for row in self._rows(table):
            user = BadUser(row, None) if isinstance(row, RowError) else read_user(table.role, row, self.resolver)
            if isinstance(user, ListedUser):
                yield user
                continue
            self.bad_rows.add(user.error)
            if user.user_id is not None:
                self.staging.leave_out(user.user_id)
            elif self.unusable is None:
                # Whoever this row is about would seem to be missing from this list: created, or deleted.
                self.unusable = user.error

    def _rows(self, table: Table) -> Iterator[Row | RowError]:
        for row in table.rows():
            self.on_row()
            if isinstance(row, StructureLost):
                self.bad_rows.add(row.error)
                self.unusable = self.unusable or row.error
            else:
                yield row


def require_same_identity(before: Table, after: Table, resolver: IdResolver | None) -> None:
    """Raise `InvalidImport` where the lists know their users by different ids, so that everybody seems replaced."""
    with_ids = [Column.USER_ID in table.columns for table in (before, after)]
    if with_ids[0] != with_ids[1] and resolver is None:
        raise InvalidImport("one list has the column user id and the other has not; give the other's ids: --id-mapping")
