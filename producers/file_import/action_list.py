"""The action list: one action a row, a column says what was done."""

import re
from datetime import datetime

from producers.errors import InvalidImport
from producers.file_import.cells import (
    BadCell,
    Cells,
    admin_access,
    license_name,
    occurred_at,
    person,
    person_id,
)
from producers.file_import.resolver import IdResolver
from producers.file_import.rows import Action, Column, Role, Row, RowError
from producers.file_import.table import Table, require_columns
from schemas.events import (
    Activity,
    ActivityType,
    AdminRightsUpdate,
    Person,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)

_ACTIVITY_TYPES = {
    "usercreation": ActivityType.USER_CREATION,
    "usercreated": ActivityType.USER_CREATION,
    "userdeletion": ActivityType.USER_DELETION,
    "userdeleted": ActivityType.USER_DELETION,
    "userlicenseupdate": ActivityType.USER_LICENSE_UPDATE,
    "licenseupdated": ActivityType.USER_LICENSE_UPDATE,
    "adminrightsupdate": ActivityType.ADMIN_RIGHTS_UPDATE,
    "adminrightsupdated": ActivityType.ADMIN_RIGHTS_UPDATE,
}
"""The activity types and the verbs, without spaces, hyphens and underscores, in small letters."""


def is_action_list(table: Table) -> bool:
    """Whether *table* says what was done, rather than who there is."""
    return Column.ACTIVITY in table.columns


def require_action_list(table: Table) -> None:
    """Raise `InvalidImport` where *table* does not say whom its actions affect."""
    if Column.USER_ID not in table.columns and Column.EMAIL not in table.columns:
        raise InvalidImport(f"{table.role}: missing column(s) user id or e-mail")
    require_columns(table, {Column.ACTIVITY}, set(Column))


def read_action(row: Row, resolver: IdResolver | None, now: datetime) -> Action | RowError:
    """The action of *row*. Cells that its activity does not need are not looked at."""
    try:
        activity = _activity(row.cells)
        user_id = person_id(row.cells, resolver)
        time = occurred_at(row.cells, now)
        return Action(Role.ACTIONS, row.number, _affected_user(row.cells, user_id, activity), activity, 0, time)
    except BadCell as bad:
        return RowError(Role.ACTIONS, row.number, bad.column, bad.reason)


def _affected_user(cells: Cells, user_id: str, activity: Activity) -> Person:
    if isinstance(activity, UserDeletion):
        return Person(user_id)
    # A creation records the username; elsewhere it is welcome, not needed.
    if isinstance(activity, UserCreation) or cells.get(Column.EMAIL):
        return person(cells, user_id)
    return Person(user_id)


def _activity(cells: Cells) -> Activity:
    word = re.sub(r"[\s_\-]+", "", cells[Column.ACTIVITY]).casefold()
    match _ACTIVITY_TYPES.get(word):
        case ActivityType.USER_CREATION:
            return UserCreation()
        case ActivityType.USER_DELETION:
            return UserDeletion()
        case ActivityType.USER_LICENSE_UPDATE:
            previous, new = license_name(cells, Column.PREVIOUS_LICENSE), license_name(cells)
            if previous == new:
                raise BadCell(Column.LICENSE, "the same as the previous license")
            return UserLicenseUpdate(previous, new)
        case ActivityType.ADMIN_RIGHTS_UPDATE:
            return AdminRightsUpdate(admin_access(cells))
    raise BadCell(Column.ACTIVITY, f"not one of {', '.join(ActivityType)}")
