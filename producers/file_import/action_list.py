"""The action list: one action a row, a column says what was done."""

from datetime import datetime
from functools import lru_cache

from producers.errors import InvalidImport
from producers.file_import.cells import (
    BadCell,
    admin_access,
    license_name,
    occurred_at,
    person,
    person_id,
    require_sound,
)
from producers.file_import.headings import normalize
from producers.file_import.resolver import IdResolver
from producers.file_import.rows import Action, Code, Column, Role, Row, RowError
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
    "creationdutilisateur": ActivityType.USER_CREATION,
    "suppressiondutilisateur": ActivityType.USER_DELETION,
    "miseajourdelicence": ActivityType.USER_LICENSE_UPDATE,
    "miseajourdesdroitsdadministration": ActivityType.ADMIN_RIGHTS_UPDATE,
}
"""The activity types and the verbs, and their French names, as `normalize` leaves them."""


def is_action_list(table: Table) -> bool:
    """Whether *table* says what was done, rather than who there is."""
    return Column.ACTIVITY in table.columns


def require_action_list(table: Table) -> None:
    """Raise `InvalidImport` where *table* does not say whom its actions affect."""
    if Column.USER_ID not in table.columns and Column.EMAIL not in table.columns:
        raise InvalidImport(f"{table.label}: missing column(s) user id or e-mail")
    require_columns(table, {Column.ACTIVITY}, set(Column))


def read_action(table: Table, row: Row, resolver: IdResolver | None, now: datetime) -> Action | RowError:
    """The action of *row*. What the cells say that its activity does not need is not looked at."""
    try:
        if row.faults:
            require_sound(row)
        activity = _activity(row)
        user_id = person_id(row, resolver)
        time = occurred_at(row, now)
        return Action(Role.ACTIONS, row.number, _affected_user(row, user_id, activity), activity, 0, time)
    except BadCell as bad:
        return table.error(row, bad.column, bad.fault)


def _affected_user(row: Row, user_id: str, activity: Activity) -> Person:
    if isinstance(activity, UserDeletion):
        return Person(user_id)
    # A creation records the username; elsewhere it is welcome, not needed.
    if isinstance(activity, UserCreation) or row.cells.get(Column.EMAIL):
        return person(row, user_id)
    return Person(user_id)


@lru_cache
def _activity_type(text: str) -> ActivityType | None:
    return _ACTIVITY_TYPES.get(normalize(text))


def _activity(row: Row) -> Activity:
    match _activity_type(row.cells[Column.ACTIVITY]):
        case ActivityType.USER_CREATION:
            return UserCreation()
        case ActivityType.USER_DELETION:
            return UserDeletion()
        case ActivityType.USER_LICENSE_UPDATE:
            previous, new = license_name(row, Column.PREVIOUS_LICENSE), license_name(row)
            if previous == new:
                raise BadCell(Column.LICENSE, Code.INVALID_VALUE, "the same as the previous license")
            return UserLicenseUpdate(previous, new)
        case ActivityType.ADMIN_RIGHTS_UPDATE:
            return AdminRightsUpdate(admin_access(row))
    raise BadCell(Column.ACTIVITY, Code.INVALID_VALUE, f"not one of {', '.join(ActivityType)}")
