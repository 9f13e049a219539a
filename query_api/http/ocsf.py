"""A line as an event of the Open Cybersecurity Schema Framework (OCSF) 1.8.0, for security tools. Pure."""

from datetime import datetime
from typing import Any

from query_api.http.rendering import timestamp
from query_api.log.activity_log import ShownLine
from query_api.log.persons import ShownPerson
from query_api.log.reader import Line
from schemas.events import ActivityType
from schemas.fields import to_micros

VERSION = "1.8.0"
PRODUCT = "User-management audit log"
PRIVILEGE = "client_space_admin"

_IDENTITY_AND_ACCESS = 3
_ACCOUNT_CHANGE, _ENTITY_MANAGEMENT, _USER_ACCESS = 3001, 3004, 3005
_CREATE, _DELETE, _UPDATE, _ASSIGN, _REVOKE = 1, 6, 3, 1, 2
_INFORMATIONAL, _MEDIUM = 1, 3
_SUCCESS = 1
_USER, _ADMIN = 1, 2
_ENTITY_IS_A_USER = 2


def ocsf_event(client_space_id: str, shown: ShownLine) -> dict[str, Any]:
    """*shown* as an OCSF event. Times lose what lies below a millisecond; `metadata.original_time` has all of it."""
    line, user = shown.line, _user(shown.affected_user, _USER)
    match ActivityType(line.activity_type):
        case ActivityType.USER_CREATION:
            event = {**_kind(_ACCOUNT_CHANGE, _CREATE), "user": user}
        case ActivityType.USER_DELETION:
            event = {**_kind(_ACCOUNT_CHANGE, _DELETE), "user": user}
        case ActivityType.USER_LICENSE_UPDATE:
            event = {
                **_kind(_ENTITY_MANAGEMENT, _UPDATE),
                "entity": _licensed(user, line.previous_license),
                "entity_result": _licensed(user, line.new_license),
            }
        case ActivityType.ADMIN_RIGHTS_UPDATE:
            activity = _ASSIGN if line.admin_rights_granted else _REVOKE
            event = {**_kind(_USER_ACCESS, activity, _MEDIUM), "user": user, "privileges": [PRIVILEGE]}
    return {
        **event,
        "time": _milliseconds(line.occurred_at),
        "status_id": _SUCCESS,
        "actor": {"user": _user(shown.admin, _ADMIN)},
        "metadata": _metadata(client_space_id, line),
        "unmapped": _present(
            channel=line.channel,
            request_id=line.request_id,
            import_id=None if line.import_id is None else str(line.import_id),
            import_row_number=line.import_row_number,
        ),
    }


def _kind(class_uid: int, activity: int, severity: int = _INFORMATIONAL) -> dict[str, Any]:
    return {
        "category_uid": _IDENTITY_AND_ACCESS,
        "class_uid": class_uid,
        "activity_id": activity,
        "type_uid": class_uid * 100 + activity,
        "severity_id": severity,
    }


def _user(person: ShownPerson, type_id: int) -> dict[str, Any]:
    """The ref is the id: it is the one thing that a person keeps, and a deleted one has nothing else."""
    return {
        "uid": str(person.ref),
        "type_id": type_id,
        **_present(uid_alt=person.id, name=person.username, display_name=person.display_name),
    }


def _licensed(user: dict[str, Any], license_name: str | None) -> dict[str, Any]:
    return {"type_id": _ENTITY_IS_A_USER, "uid": user["uid"], "user": user, "data": {"license": license_name}}


def _metadata(client_space_id: str, line: Line) -> dict[str, Any]:
    return {
        "version": VERSION,
        "product": {"name": PRODUCT},
        "uid": str(line.event_id),
        "event_code": line.activity_type,
        "tenant_uid": client_space_id,
        "original_time": timestamp(line.occurred_at),
        "logged_time": _milliseconds(line.recorded_at),
        **({} if line.source_service is None else {"reporter": {"name": line.source_service}}),
    }


def _milliseconds(instant: datetime) -> int:
    return to_micros(instant) // 1000


def _present(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
