"""The rows of an import on disk: read once, checked as a whole, and given back in the order that is needed."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from producers.file_import.rows import Action, Code, Fault, ListedUser, Role, RowError
from producers.file_import.workspace import open_database
from schemas.events import (
    Activity,
    ActivityType,
    AdminRightsUpdate,
    Person,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)
from schemas.person_ref import canonical_id

_TABLES = """
CREATE TABLE users (role TEXT, user_id TEXT, row_number INTEGER, username TEXT, display_name TEXT, license TEXT,
                    admin_access INTEGER);
CREATE TABLE left_out (user_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE changed (user_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE actions (role TEXT, row_number INTEGER, rank INTEGER, user_id TEXT, username TEXT, display_name TEXT,
                      activity_type TEXT, previous_license TEXT, new_license TEXT, granted INTEGER, occurred_at TEXT);
CREATE TABLE bad (role TEXT, row_number INTEGER, column TEXT, code TEXT, reason TEXT, PRIMARY KEY (role, row_number))
                 WITHOUT ROWID;
"""

_ActionRow = tuple[Any, ...]
_ROLES = {str(role): role for role in Role}
_ACTIVITY_TYPES = {
    kind: str(kind.activity_type) for kind in (UserCreation, UserDeletion, UserLicenseUpdate, AdminRightsUpdate)
}
_WITHOUT_FIELDS: dict[str, Activity] = {_ACTIVITY_TYPES[kind]: kind() for kind in (UserCreation, UserDeletion)}


class Staging:
    """The workspace of one import. What it holds is on disk and goes with `close`."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._database = open_database()
        self._database.create_function("mailbox", 1, canonical_id, deterministic=True)
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Remove everything."""
        self._database.close()

    def add_users(self, role: Role, users: Iterable[ListedUser]) -> None:
        """Keep *users*, in any order."""
        rows = (
            (role, u.person.id, u.row_number, u.person.username, u.person.display_name, u.license, u.admin_access)
            for u in users
        )
        self._insert("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def add_actions(self, actions: Iterable[Action]) -> None:
        """Keep *actions*, in their order."""
        self._insert(
            "INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", self._digested(map(_to_row, actions))
        )

    def add_bad(self, error: RowError) -> bool:
        """Keep *error*, and say whether it is the first of its row."""
        values = (error.role, error.row_number, error.column, error.code, error.reason)
        return self._database.execute("INSERT OR IGNORE INTO bad VALUES (?, ?, ?, ?, ?)", values).rowcount > 0

    def leave_out(self, user_id: str) -> None:
        """Forget this user in every list: a row about them is bad, so nothing about them can be derived."""
        self._database.execute("INSERT OR IGNORE INTO left_out VALUES (?)", (user_id,))

    def drop_actions(self, row_numbers: Iterable[int]) -> None:
        """Forget the actions of these rows."""
        self._database.executemany("DELETE FROM actions WHERE row_number = ?", ((number,) for number in row_numbers))

    def count_older_actions(self, time: datetime) -> int:
        """How many actions have a time of their own, and that before *time*, which is UTC as they are."""
        query = "SELECT count(*) FROM actions WHERE occurred_at < ?"
        return int(self._database.execute(query, (time.isoformat(),)).fetchone()[0])

    def index_users(self) -> None:
        """Prepare what follows. SQLite sorts on disk, and the index has all that the comparisons look at."""
        self._database.execute("CREATE INDEX users_by_id ON users (user_id, role, row_number, license, admin_access)")

    def is_empty(self, role: Role) -> bool:
        """Whether a list has no rows."""
        return self._database.execute("SELECT 1 FROM users WHERE role = ? LIMIT 1", (role,)).fetchone() is None

    def repeated_users(self) -> Iterator[tuple[Role, str, int, int, bool]]:
        """Each row that names a user whom an earlier row of its list has named.

        List, user id, row, first row, and whether both rows have the same mailbox.
        """
        rows = self._database.execute(
            """
            SELECT users.role, users.user_id, users.row_number, repeated.first_row,
                   mailbox(users.username) = mailbox(first.username)
            FROM (SELECT user_id, role, min(row_number) AS first_row FROM users
                  GROUP BY user_id, role HAVING count(*) > 1) AS repeated
            JOIN users ON users.user_id = repeated.user_id AND users.role = repeated.role
            JOIN users AS first ON first.user_id = repeated.user_id AND first.role = repeated.role
                 AND first.row_number = repeated.first_row
            WHERE users.row_number > repeated.first_row ORDER BY users.role, users.row_number
            """
        )
        return ((Role(role), *others) for role, *others in rows)

    def find_changed_users(self) -> None:
        """Single out the users whom the difference is about; nearly all of a list's are not."""
        self._database.execute(
            """
            INSERT INTO changed
            SELECT user_id FROM users WHERE user_id NOT IN (SELECT user_id FROM left_out) GROUP BY user_id
            HAVING count(*) = 1 OR count(DISTINCT coalesce(license, '')) > 1 OR min(admin_access) <> max(admin_access)
            """
        )

    def users_under_two_ids(self, *, by_name: bool) -> Iterator[tuple[int, str, int, str]]:
        """Who is deleted under one id while the list after has their mailbox, or name, under another one.

        Row and id in the list before, row and id in the list after. *by_name* looks for the names of users who are
        created, where the e-mail is the id and says nothing more.
        """
        key = "display_name" if by_name else "mailbox(username)"
        self._database.executescript(
            f"""
            DROP TABLE IF EXISTS gone;
            CREATE TABLE gone AS
                SELECT user_id, row_number, {key} AS mark FROM changed CROSS JOIN users USING (user_id)
                WHERE role = 'list before' AND mark IS NOT NULL AND NOT EXISTS
                    (SELECT 1 FROM users AS new WHERE new.user_id = changed.user_id AND new.role = 'list after');
            CREATE INDEX gone_by_mark ON gone (mark);
            """  # noqa: S608 - one of two columns
        )
        if self._database.execute("SELECT 1 FROM gone LIMIT 1").fetchone() is None:
            return iter(())
        is_old = "SELECT 1 FROM users AS old WHERE old.user_id = users.user_id AND old.role = 'list before'"
        return self._database.execute(
            f"""
            SELECT gone.row_number, gone.user_id, users.row_number, users.user_id
            FROM users CROSS JOIN gone ON gone.mark = {key}
            WHERE role = 'list after' AND (NOT {by_name} OR NOT EXISTS ({is_old})) AND users.user_id <> gone.user_id
            """  # noqa: S608 - as above
        )

    def forget_left_out(self) -> None:
        """Take those who were left out since off the changed users."""
        self._database.execute("DELETE FROM changed WHERE user_id IN (SELECT user_id FROM left_out)")

    def changed_users(self, role: Role) -> Iterator[ListedUser]:
        """The changed users of a list, sorted by id as Python compares texts (UTF-8 keeps that order)."""
        rows = self._database.execute(
            """
            SELECT row_number, user_id, username, display_name, license, admin_access
            FROM changed CROSS JOIN users USING (user_id) WHERE role = ? ORDER BY user_id
            """,
            (role,),
        )
        for row_number, user_id, username, display_name, license_name, admin_access in rows:
            yield ListedUser(row_number, Person(user_id, username, display_name), license_name, bool(admin_access))

    def count_users(self, role: Role) -> int:
        """How many rows of a list are users."""
        return int(self._database.execute("SELECT count(*) FROM users WHERE role = ?", (role,)).fetchone()[0])

    def count_bad(self, role: Role) -> int:
        """How many bad rows of a file are no users."""
        query = """SELECT count(*) FROM bad WHERE role = ?
                   AND row_number NOT IN (SELECT row_number FROM users WHERE role = ?)"""
        return int(self._database.execute(query, (role, role)).fetchone()[0])

    def count_left_out(self, role: Role) -> int:
        """How many of them are left out."""
        query = "SELECT count(*) FROM users WHERE role = ? AND user_id IN (SELECT user_id FROM left_out)"
        return int(self._database.execute(query, (role,)).fetchone()[0])

    def refused_rows(self, role: Role) -> Iterator[tuple[int, str, Fault]]:
        """Every row of a file that is not imported: row, column and fault, in the order of the rows."""
        rows = self._database.execute(
            """
            SELECT row_number, column, code, reason FROM bad WHERE role = ?
            UNION ALL
            SELECT row_number, '', ?, 'the row of this user in the other list, or another row of theirs, is bad'
            FROM users WHERE role = ? AND user_id IN (SELECT user_id FROM left_out)
                 AND row_number NOT IN (SELECT row_number FROM bad WHERE role = ?)
            ORDER BY 1
            """,
            (role, Code.LEFT_OUT, role, role),
        )
        return ((row_number, column, Fault(Code(code), reason)) for row_number, column, code, reason in rows)

    def actions(self, *, skip: int = 0) -> Iterator[Action]:
        """The actions but the first *skip*, in their order."""
        rows = self._database.execute("SELECT * FROM actions ORDER BY rowid LIMIT -1 OFFSET ?", (skip,))
        return map(_to_action, rows)

    def digest(self) -> bytes:
        """A digest of every value of the actions that were added, and of their order."""
        return self._digest.digest()

    def count_actions(self) -> Iterator[tuple[Role, ActivityType, int, int]]:
        """File, activity type, number of actions, and number of rows of which they are the first."""
        query = "SELECT role, activity_type, count(*), sum(rank = 0) FROM actions GROUP BY role, activity_type"
        for role, activity_type, actions, rows in self._database.execute(query):
            yield Role(role), ActivityType(activity_type), actions, rows

    def first_deletions(self, limit: int) -> list[int]:
        """The first rows that say of a user that they were deleted."""
        query = "SELECT row_number FROM actions WHERE activity_type = 'user_deletion' ORDER BY row_number LIMIT ?"
        return [row_number for (row_number,) in self._database.execute(query, (limit,))]

    def repeated_actions(self) -> Iterator[tuple[str, int, ActivityType]]:
        """User id, row and activity type of the actions of each user who has several, in the order of their times."""
        rows = self._database.execute(
            """
            SELECT user_id, row_number, activity_type FROM actions
            WHERE user_id IN (SELECT user_id FROM actions GROUP BY user_id HAVING count(*) > 1)
            ORDER BY user_id, coalesce(occurred_at, '9'), rowid
            """
        )
        return ((user_id, row_number, ActivityType(activity_type)) for user_id, row_number, activity_type in rows)

    def _digested(self, rows: Iterable[_ActionRow]) -> Iterator[_ActionRow]:
        for row in rows:
            self._digest.update(repr(row).encode())
            yield row

    def _insert(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(statement, rows)
        self._database.execute("COMMIT")


def _to_row(action: Action) -> _ActionRow:
    activity, user = action.activity, action.affected_user
    previous = new = granted = None
    if isinstance(activity, UserLicenseUpdate):
        previous, new = activity.previous_license, activity.new_license
    elif isinstance(activity, AdminRightsUpdate):
        granted = activity.granted
    is_deletion = isinstance(activity, UserDeletion)
    # Of the type `str`: SQLite's adapter takes its time over any other.
    return (
        str(action.role),
        action.row_number,
        action.rank,
        user.id,
        None if is_deletion else user.username,
        None if is_deletion else user.display_name,
        _ACTIVITY_TYPES[type(activity)],
        previous,
        new,
        granted,
        None if action.occurred_at is None else action.occurred_at.isoformat(),
    )


def _to_action(row: _ActionRow) -> Action:
    role, row_number, rank, user_id, username, display_name, activity_type, previous, new, granted, time = row
    activity: Activity | None = _WITHOUT_FIELDS.get(activity_type)
    if activity is None:
        is_license = activity_type == ActivityType.USER_LICENSE_UPDATE
        activity = UserLicenseUpdate(previous, new) if is_license else AdminRightsUpdate(bool(granted))
    occurred_at = None if time is None else datetime.fromisoformat(time)
    return Action(_ROLES[role], row_number, Person(user_id, username, display_name), activity, rank, occurred_at)
