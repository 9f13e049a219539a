"""Requests that Entra ID, Okta and RFC 7644 document, as events. Each was carried out on the user before it."""

from typing import Any

import pytest

from producers import ApiEvents, Person, UnreadableRequest
from producers.scim import ScimRules
from producers.scim_requests import scim_request_events
from schemas.events import AdminRightsUpdate, Event, UserCreation, UserDeletion, UserLicenseUpdate
from tests.builders import ADMIN, NOW

EXTENSION = "urn:ietf:params:scim:schemas:extension:catalogue:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
RULES = ScimRules(frozenset({"CS Admin"}), deactivation_deletes=True)
IN_EXTENSION = ScimRules(frozenset({"CS Admin"}), license_extension=(EXTENSION, "licenseType"))
GRANTED, LOST = AdminRightsUpdate(granted=True), AdminRightsUpdate(granted=False)
# A stored user has more than counts here, also what SCIM would not allow.
ADA: dict[str, Any] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", EXTENSION],
    "id": "usr_ada",
    "externalId": "00u1",
    "userName": "ada@example.com",
    "displayName": "Ada Lovelace",
    "active": True,
    "emails": [{"type": "work", "value": "no address"}],
    "groups": [{"value": "g1"}],
    "entitlements": [{"value": "Data Reader"}, {"value": "Data Steward", "primary": True}],
    "roles": [{"value": "Viewer"}],
    "meta": {"created": "long ago"},
    EXTENSION: {"licenseType": "Data Reader"},
}
APP_ROLE = '{"id":"06b0","value":"CS Admin","displayName":"A"}'
ADMIN_ADA = {**ADA, "roles": [{"value": "CS Admin", "primary": True}]}
INACTIVE_ADA = {**ADA, "active": False}


def events(method: str, body: Any, before: Any, rules: ScimRules = RULES, created_id: str | None = None) -> list[Event]:
    verbs = ApiEvents(client_space_id="acme", token_owner=ADMIN, request_id="r-1", service="scim", clock=lambda: NOW)
    return scim_request_events(verbs, rules, method, body, before, created_id=created_id)


def activities(*given: Any, **options: Any) -> list[object]:
    return [event.activity for event in events(*given, **options)]


def patched(operations: Any, before: Any = ADA, rules: ScimRules = RULES) -> list[object]:
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    return activities("PATCH", body, before, rules)


ENTRA = {
    "deactivates by a text": ({"op": "Replace", "path": "active", "value": "False"}, ADA, [UserDeletion()]),
    "deactivates by a boolean": ({"op": "Replace", "path": "active", "value": False}, ADA, [UserDeletion()]),
    "deactivates without a path": ({"op": "Replace", "value": {"active": "False"}}, ADA, [UserDeletion()]),
    "reactivates": (
        {"op": "Add", "path": "active", "value": "True"},
        INACTIVE_ADA,
        [UserCreation(), UserLicenseUpdate(None, "Data Steward")],
    ),
    "adds the primary role": (
        {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "CS Admin"},
        ADA,
        [GRANTED],
    ),
    "replaces the primary role": (
        {"op": "Replace", "path": 'roles[primary eq "True"].value', "value": "Viewer"},
        ADMIN_ADA,
        [LOST],
    ),
    "removes the primary role": ({"op": "Remove", "path": 'roles[primary eq "True"].value'}, ADMIN_ADA, [LOST]),
    "adds a role as an object": (
        {"op": "Add", "path": "roles", "value": [{"value": "CS Admin", "primary": "False", "display": "Admins"}]},
        ADA,
        [GRANTED],
    ),
    "adds an app role as an object in a text": (
        {"op": "Add", "path": "roles", "value": [{"value": APP_ROLE}]},
        ADA,
        [GRANTED],
    ),
    "removes a role by its value": (
        {"op": "Remove", "path": "roles", "value": [{"value": "CS Admin"}]},
        ADMIN_ADA,
        [LOST],
    ),
    "removes a role by a filter": ({"op": "Remove", "path": 'roles[value eq "CS Admin"]'}, ADMIN_ADA, [LOST]),
    "changes what does not count": (
        [
            {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "ada"},
            {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Engines"},
            {"op": "Replace", "path": "name.familyName", "value": "King"},
        ],
        ADA,
        [],
    ),
}
OKTA = {
    "deactivates": ({"op": "replace", "value": {"active": False}}, ADA, [UserDeletion()]),
    "deactivates who is inactive": ({"op": "replace", "value": {"active": False}}, INACTIVE_ADA, []),
    "sends the user along": (
        {
            "op": "replace",
            "value": {"id": "usr_ada", "active": True, "meta": {"created": "2026-11-28T00:00:00Z"}, "groups": []},
        },
        ADA,
        [],
    ),
    "replaces entitlements": (
        {"op": "replace", "value": {"entitlements": [{"value": "Data Reader", "primary": True}]}},
        ADA,
        [UserLicenseUpdate("Data Steward", "Data Reader")],
    ),
    "replaces roles by texts": ({"op": "replace", "value": {"roles": ["CS Admin"]}}, ADA, [GRANTED]),
}
RFC = {
    "removes all of an attribute": (
        {"op": "remove", "path": "entitlements"},
        ADA,
        [UserLicenseUpdate("Data Steward", None)],
    ),
    "removes by a filter of two": (
        {"op": "remove", "path": 'entitlements[value eq "Data Steward" and primary eq true]'},
        ADA,
        [UserLicenseUpdate("Data Steward", "Data Reader")],
    ),
    "adds a primary beside the old one": (
        {"op": "add", "path": "entitlements", "value": [{"value": "Data Explorer", "primary": True}]},
        ADA,
        [UserLicenseUpdate("Data Steward", "Data Explorer")],
    ),
    "names attributes in another case": ({"op": "replace", "path": "ACTIVE", "value": False}, ADA, [UserDeletion()]),
    "names the schema": (
        {"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": False},
        ADA,
        [UserDeletion()],
    ),
    "applies operations in their order": (
        [{"op": "add", "path": "roles", "value": [{"value": "CS Admin"}]}, {"op": "remove", "path": "roles"}],
        ADA,
        [],
    ),
}


@pytest.mark.parametrize("stored", ["CS Admin", APP_ROLE])
@pytest.mark.parametrize(
    "removal",
    [
        {"op": "Remove", "path": "roles", "value": [{"value": APP_ROLE}]},
        {"op": "Remove", "path": "roles", "value": [{"value": "CS Admin"}]},
        {"op": "Remove", "path": 'roles[value eq "CS Admin"]'},
    ],
)
def test_an_app_role_is_removed_under_either_spelling_whichever_is_stored(stored: str, removal: object) -> None:
    assert patched([removal], {**ADA, "roles": [{"value": stored}]}) == [LOST]


@pytest.mark.parametrize(
    ("operations", "before", "expected"),
    [
        pytest.param(*case, id=f"{who} {what}")
        for who, cases in (("Entra", ENTRA), ("Okta", OKTA), ("RFC 7644", RFC))
        for what, case in cases.items()
    ],
)
def test_a_patch_becomes_its_events(operations: Any, before: Any, expected: list[object]) -> None:
    assert patched(operations if isinstance(operations, list) else [operations], before) == expected


@pytest.mark.parametrize(
    ("operation", "current"),
    [
        ({"op": "Replace", "path": f"{EXTENSION}:licenseType", "value": "Data Steward"}, "Data Steward"),
        ({"op": "replace", "value": {EXTENSION: {"licenseType": "Data Steward"}}}, "Data Steward"),
        ({"op": "replace", "value": {f"{EXTENSION}:licenseType": "Data Steward"}}, "Data Steward"),
        ({"op": "Remove", "path": f"{EXTENSION}:licenseType"}, None),
    ],
)
def test_a_license_in_an_extension_is_patched(operation: Any, current: str | None) -> None:
    assert patched([operation], rules=IN_EXTENSION) == [UserLicenseUpdate("Data Reader", current)]


def test_a_name_that_a_patch_changes_stands_in_the_events_after_it() -> None:
    body = {"operations": [{"op": "replace", "value": {"userName": "king@example.com", "active": True}}]}
    (created, _) = events("PATCH", body, INACTIVE_ADA)
    assert created.affected_user == Person("usr_ada", "king@example.com", "Ada Lovelace")


def test_a_post_creates_the_user_under_the_id_that_the_server_gave() -> None:
    body = {"username": "ada@example.com", "id": "the client's", "active": "True", "roles": ADMIN_ADA["roles"]}
    created, granted = events("POST", body, None, created_id="usr_ada")
    assert (created.activity, granted.activity) == (UserCreation(), GRANTED)
    assert created.affected_user == Person("usr_ada", "ada@example.com")
    assert activities("POST", {**body, "active": "False"}, None, created_id="usr_ada") == []


def test_a_put_clears_what_it_leaves_out_except_whether_the_user_is_active() -> None:
    body = {"userName": "ada@example.com", "roles": [{"value": "CS Admin"}]}
    assert activities("PUT", body, ADA) == [UserLicenseUpdate("Data Steward", None), GRANTED]
    assert activities("PUT", body, INACTIVE_ADA) == []
    assert activities("PUT", {**body, "active": False}, ADA) == [UserDeletion()]


def test_a_delete_deletes_the_user_before_it() -> None:
    (deleted,) = events("DELETE", None, ADA)
    assert (deleted.activity, deleted.affected_user) == (UserDeletion(), Person("usr_ada"))
    assert activities("DELETE", None, INACTIVE_ADA) == []


@pytest.mark.parametrize(
    "operations",
    [
        None,
        [],
        "ada@example.com",
        7,
        [{"op": "move", "path": "roles"}],
        [{"op": "remove", "path": "roles[value eq"}],
        [{"op": "replace", "path": "active", "value": "ada@example.com"}],
        [{"op": "replace", "path": "id", "value": "ada@example.com"}],
        [{"op": "add", "path": "roles", "value": 7}],
    ],
)
def test_a_patch_that_says_no_one_thing_is_refused_without_its_text(operations: Any) -> None:
    with pytest.raises(UnreadableRequest) as refused:
        patched(operations)
    assert "ada" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(("method", "before"), [("POST", None), ("PATCH", None), ("GET", ADA)])
def test_a_call_without_what_the_method_needs_is_a_bug_of_the_caller(method: str, before: Any) -> None:
    with pytest.raises(ValueError, match=r"created_id|not a valid Method"):
        events(method, {}, before)


def test_the_user_before_a_request_is_left_as_it_was() -> None:
    before = {**ADA}
    patched([{"op": "replace", "value": {"active": False}}], before)
    assert before == ADA
