"""Files into the staging area: every row is read and judged before the first event leaves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from producers.errors import InvalidImport
from producers.file_import.action_list import read_action
from producers.file_import.difference import difference
from producers.file_import.resolver import IdResolver
from producers.file_import.rows import (
    Account,
    Action,
    BadRows,
    Code,
    Column,
    Fault,
    ListedUser,
    Role,
    Row,
    RowError,
)
from producers.file_import.staging import Staging
from producers.file_import.table import Table
from producers.file_import.user_list import BadUser, read_user, require_user_list
from schemas.events import ActivityType

_ROWS_A_STEP = 100
"""Telling of each row how far the reading is would cost as much as splitting it."""


@dataclass(slots=True)
class Reader:
    """Reads the files of one import into *staging* and collects what is wrong with them.

    *unusable* is the first fault with which even the good rows prove nothing, so that no option may publish them.
    """

    staging: Staging
    resolver: IdResolver | None
    now: datetime
    on_rows: Callable[[int], None]
    bad_rows: BadRows = field(default_factory=BadRows)
    unusable: RowError | None = None
    accounts: dict[Role, Account] = field(default_factory=dict)
    file_names: dict[Role, str] = field(default_factory=dict)

    def read_actions(self, table: Table) -> None:
        """Stage an action list, and refuse what its own rows before contradict."""
        self.staging.add_actions(self._actions(table))
        self._end(table)
        contradicted = sorted(_contradictions(self.staging.repeated_actions()))
        for row_number, reason in contradicted:
            self._refuse(Role.ACTIONS, row_number, Column.ACTIVITY, Fault(Code.CONTRADICTION, reason))
        self.staging.drop_actions(row_number for row_number, _ in contradicted)

    def read_users(self, table: Table) -> None:
        """Stage a user list."""
        require_user_list(table)
        self.staging.add_users(table.role, self._users(table))
        self._end(table)

    def compare_users(self, *, ids_are_emails: bool) -> None:
        """Single out the changed users, once both lists are staged. Who is in doubt is not among them."""
        self.staging.index_users()
        for role, user_id, row_number, first_row, is_same in list(self.staging.repeated_users()):
            fault = Fault(Code.REPEATED_USER, f"the same user as in row {first_row}")
            error = self._refuse(role, row_number, Column.USER_ID, fault)
            self.staging.leave_out(user_id)
            if not is_same and self.unusable is None:
                # One of the two rows is about somebody else, who would seem to be missing from this list.
                self.unusable = error
        if self.unusable is None and self.staging.is_empty(Role.AFTER) and not self.staging.is_empty(Role.BEFORE):
            raise InvalidImport("the list after has no users: every user of the list before would count as deleted")
        self.staging.find_changed_users()
        self._leave_out_changed_ids(by_name=False)
        if ids_are_emails:
            self._leave_out_changed_ids(by_name=True)
        self.staging.forget_left_out()
        if self.unusable is None:
            before, after = map(self.staging.changed_users, (Role.BEFORE, Role.AFTER))
            self.staging.add_actions(difference(before, after))

    def _leave_out_changed_ids(self, *, by_name: bool) -> None:
        """Refuse deletions of users who seem to live on under another id: such a deletion erases a living person."""
        what, remedy = "name" if by_name else "e-mail", "import what took place as an action list"
        for row_before, id_before, row_after, id_after in list(self.staging.users_under_two_ids(by_name=by_name)):
            reason = f"not in the list after, whose row {row_after} has the same {what} under another id"
            self._refuse(Role.BEFORE, row_before, Column.USER_ID, Fault(Code.ID_CHANGED, f"{reason}; {remedy}"))
            self.staging.leave_out(id_before)
            self.staging.leave_out(id_after)

    def _refuse(self, role: Role, row_number: int, column: str, fault: Fault) -> RowError:
        error = RowError(role, row_number, column, fault, file_name=self.file_names.get(role, ""))
        self._add_bad(error)
        return error

    def _add_bad(self, error: RowError) -> None:
        if self.staging.add_bad(error):
            self.bad_rows.add(error)

    def _end(self, table: Table) -> None:
        self.accounts[table.role].blank = table.blank_rows

    def _actions(self, table: Table) -> Iterator[Action]:
        for row in self._rows(table):
            action = row if isinstance(row, RowError) else read_action(table, row, self.resolver, self.now)
            if isinstance(action, RowError):
                self._add_bad(action)
                if action.code is Code.SWALLOWED_ROWS and self.unusable is None:
                    self.unusable = action
            else:
                yield action

    def _users(self, table: Table) -> Iterator[ListedUser]:
        for row in self._rows(table):
            user = BadUser(row, None) if isinstance(row, RowError) else read_user(table, row, self.resolver)
            if isinstance(user, ListedUser):
                yield user
                continue
            self._add_bad(user.error)
            if user.user_id is not None:
                self.staging.leave_out(user.user_id)
            elif self.unusable is None:
                # Whoever this row is about would seem to be missing from this list: created, or deleted.
                self.unusable = user.error

    def _rows(self, table: Table) -> Iterator[Row | RowError]:
        account = self.accounts[table.role] = Account()
        self.file_names[table.role] = table.file_name
        for row in table.rows():
            account.rows += 1
            if account.rows % _ROWS_A_STEP == 0:
                self.on_rows(_ROWS_A_STEP)
            yield row


def _contradictions(actions: Iterator[tuple[str, int, ActivityType]]) -> Iterator[tuple[int, str]]:
    """The rows that cannot be true after those before them of the same user, each with the reason."""
    user, last_row, exists = "", 0, None
    for user_id, row_number, activity in actions:
        if user_id != user:
            user, exists = user_id, None
        if activity is ActivityType.USER_CREATION and exists:
            yield row_number, f"the user exists already, by row {last_row}"
            continue
        if activity is not ActivityType.USER_CREATION and exists is False:
            yield row_number, f"the user was deleted by row {last_row}"
            continue
        exists, last_row = activity is not ActivityType.USER_DELETION, row_number


def require_same_identity(before: Table, after: Table, resolver: IdResolver | None) -> None:
    """Raise `InvalidImport` where the lists know their users by different ids, so that everybody seems replaced."""
    with_ids = [Column.USER_ID in table.columns for table in (before, after)]
    if with_ids[0] != with_ids[1] and resolver is None:
        raise InvalidImport("one list has the column user id and the other has not; give the other's ids: --id-mapping")
