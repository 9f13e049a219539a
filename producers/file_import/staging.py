"""The rows of an import on disk: read once, checked as a whole, and given back in the order that is needed."""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime

from producers.file_import.rows import Action, ListedUser, Role
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

_TABLES = """
CREATE TABLE users (role TEXT, user_id TEXT, row_number INTEGER, username TEXT, display_name TEXT, license TEXT,
                    admin_access INTEGER);
CREATE TABLE left_out (user_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE changed (user_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE actions (row_number INTEGER, user_id TEXT, username TEXT, display_name TEXT, activity_type TEXT,
                      previous_license TEXT, new_license TEXT, granted INTEGER, occurred_at TEXT);
"""


class Staging:
    """The workspace of one import. What it holds is on disk and goes with `close`."""

    def __init__(self) -> None:
        self._database = open_database()
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
        self._insert("INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_action_to_row, actions))

    def leave_out(self, user_id: str) -> None:
        """Forget this user in every list: a row about them is bad, so nothing about them can be derived."""
        self._database.execute("INSERT OR IGNORE INTO left_out VALUES (?)", (user_id,))

    def index_users(self) -> None:
        """Prepare what follows. SQLite sorts on disk, and the index has all that the comparisons look at."""
        self._database.execute("CREATE INDEX users_by_id ON users (user_id, role, row_number, license, admin_access)")

    def is_empty(self, role: Role) -> bool:
        """Whether a list has no rows."""
        return self._database.execute("SELECT 1 FROM users WHERE role = ? LIMIT 1", (role,)).fetchone() is None

    def repeated_users(self) -> Iterator[tuple[Role, str, int, int]]:
        """Each row that names a user whom an earlier row of its list has named: list, user id, row, and first row."""
        rows = self._database.execute(
            """
            SELECT users.role, users.user_id, users.row_number, repeated.first_row
            FROM (SELECT user_id, role, min(row_number) AS first_row FROM users
                  GROUP BY user_id, role HAVING count(*) > 1) AS repeated
            JOIN users ON users.user_id = repeated.user_id AND users.role = repeated.role
            WHERE users.row_number > repeated.first_row
            """
        )
        return ((Role(role), user_id, row_number, first_row) for role, user_id, row_number, first_row in rows)

    def find_changed_users(self) -> None:
        """Single out the users whom the difference is about; nearly all of a list's are not."""
        self._database.execute(
            """
            INSERT INTO changed
            SELECT user_id FROM users WHERE user_id NOT IN (SELECT user_id FROM left_out) GROUP BY user_id
            HAVING count(*) = 1 OR count(DISTINCT coalesce(license, '')) > 1 OR min(admin_access) <> max(admin_access)
            """
        )

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

    def actions(self) -> Iterator[Action]:
        """The actions, in the order of their rows."""
        return map(_row_to_action, self._database.execute("SELECT * FROM actions ORDER BY rowid"))

    def _insert(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(statement, rows)
        self._database.execute("COMMIT")


def _action_to_row(action: Action) -> tuple[object, ...]:
    activity, user = action.activity, action.affected_user
    licenses: tuple[str | None, str | None] = (None, None)
    granted = None
    if isinstance(activity, UserLicenseUpdate):
        licenses = (activity.previous_license, activity.new_license)
    elif isinstance(activity, AdminRightsUpdate):
        granted = activity.granted
    time = None if action.occurred_at is None else action.occurred_at.isoformat()
    head = (action.row_number, user.id, user.username, user.display_name, activity.activity_type)
    return (*head, *licenses, granted, time)


def _row_to_action(row: sqlite3.Row) -> Action:
    row_number, user_id, username, display_name, activity_type, previous, new, granted, time = row
    activities: dict[str, Activity] = {
        ActivityType.USER_CREATION: UserCreation(),
        ActivityType.USER_DELETION: UserDeletion(),
        ActivityType.USER_LICENSE_UPDATE: UserLicenseUpdate(previous, new),
        ActivityType.ADMIN_RIGHTS_UPDATE: AdminRightsUpdate(bool(granted)),
    }
    occurred_at = None if time is None else datetime.fromisoformat(time)
    person = Person(user_id, username, display_name)
    return Action(Role.ACTIONS, row_number, person, activities[activity_type], 0, occurred_at)
