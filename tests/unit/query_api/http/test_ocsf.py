"""Every line is an event of OCSF 1.8.0, by the schema that its makers publish."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, cast
from uuid import UUID

import jsonschema_rs
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from query_api.http.ocsf import PRIVILEGE, VERSION, ocsf_event
from query_api.log.activity_log import ShownLine
from query_api.log.persons import DELETED_USER, ShownPerson
from query_api.log.reader import Line
from schemas.events import ActivityType
from tests.builders import NOW, a_uuid

ADA = ShownPerson(a_uuid(1), "usr_ada", "ada@example.com", "Ada Lovelace", deleted=False)
GRACE = ShownPerson(a_uuid(2), "usr_grace", "grace@example.com", "Grace Hopper", deleted=False)
NAMELESS = ShownPerson(a_uuid(3), "usr_nobody", None, None, deleted=False)
GONE = ShownPerson(a_uuid(4), None, None, DELETED_USER, deleted=True)


@cache
def schemas() -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))


@cache
def validator(class_uid: int) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(schemas().get_class_schema(schemas().lookup_class_name_from_uid(class_uid)))


def a_line(activity_type: str, **fields: Any) -> ShownLine:
    line = Line(
        occurred_at=NOW,
        event_id=UUID(int=7),
        activity_type=activity_type,
        channel="file_import",
        admin_ref=GRACE.ref,
        affected_user_ref=ADA.ref,
        previous_license=None,
        new_license=None,
        admin_rights_granted=None,
        source_service="users",
        request_id="req-1",
        import_id=UUID(int=8),
        import_row_number=3,
        recorded_at=NOW + timedelta(seconds=2),
        precedence=1,
    )
    return ShownLine(line._replace(**fields), ADA, GRACE)


LINES = {
    300101: a_line("user_creation"),
    300106: a_line("user_deletion"),
    300403: a_line("user_license_update", new_license="Data Reader"),
    300501: a_line("admin_rights_update", admin_rights_granted=True),
    300502: a_line("admin_rights_update", admin_rights_granted=False),
}


def test_every_activity_has_its_type_in_ocsf() -> None:
    assert {uid: ocsf_event("acme", shown)["type_uid"] for uid, shown in LINES.items()} == {uid: uid for uid in LINES}
    assert {shown.line.activity_type for shown in LINES.values()} == set(ActivityType)


@pytest.mark.parametrize("type_uid", LINES)
@pytest.mark.parametrize("user", [ADA, NAMELESS, GONE])
@pytest.mark.parametrize("admin", [GRACE, NAMELESS, GONE])
@pytest.mark.parametrize("fields", [{}, {"source_service": None, "request_id": None, "import_id": None}])
def test_every_line_is_valid_by_the_published_schema(
    type_uid: int, user: ShownPerson, admin: ShownPerson, fields: Mapping[str, Any]
) -> None:
    shown = LINES[type_uid]
    event = ocsf_event("acme", replace(shown, line=shown.line._replace(**fields), affected_user=user, admin=admin))
    validator(event["class_uid"]).validate(event)


@pytest.mark.parametrize("left_out", ["metadata", "user", "severity_id"])
def test_the_schema_refuses_an_event_that_lacks_something_or_has_something_of_its_own(left_out: str) -> None:
    event = ocsf_event("acme", LINES[300101])
    assert not validator(3001).is_valid({name: value for name, value in event.items() if name != left_out})
    assert not validator(3001).is_valid({**event, "license": "Data Reader"})


def test_a_license_update_says_both_licenses() -> None:
    event = ocsf_event("acme", a_line("user_license_update", previous_license="Data Reader"))
    assert [event[name]["data"] for name in ("entity", "entity_result")] == [
        {"license": "Data Reader"},
        {"license": None},
    ]


def test_an_event_says_who_when_where_and_how() -> None:
    event = ocsf_event("acme", LINES[300501])
    assert event["actor"] == {
        "user": {
            "uid": str(GRACE.ref),
            "uid_alt": "usr_grace",
            "type_id": 2,
            "name": "grace@example.com",
            "display_name": "Grace Hopper",
        }
    }
    assert event["user"]["uid"] == str(ADA.ref)
    assert event["privileges"] == [PRIVILEGE]
    assert (event["time"], event["metadata"]["logged_time"] - event["time"]) == (1_795_512_667_412, 2_000)
    assert event["metadata"]["original_time"] == "2026-11-24T09:31:07.412345Z"
    assert (event["metadata"]["uid"], event["metadata"]["tenant_uid"]) == (str(UUID(int=7)), "acme")
    assert event["unmapped"] == {
        "channel": "file_import",
        "request_id": "req-1",
        "import_id": str(UUID(int=8)),
        "import_row_number": 3,
    }


def test_a_deleted_person_has_a_ref_and_no_name() -> None:
    shown = replace(LINES[300106], affected_user=GONE)
    assert cast("dict[str, Any]", ocsf_event("acme", shown)["user"]) == {
        "uid": str(GONE.ref),
        "type_id": 1,
        "display_name": DELETED_USER,
    }
