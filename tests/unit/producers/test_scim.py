"""What SCIM requests mean to the log, with users in the shapes that Entra ID and Okta provision."""

from typing import Any

import pytest

from producers import ApiEvents, Person
from producers.scim import ScimRules, scim_events
from schemas.events import AdminRightsUpdate, UserCreation, UserDeletion, UserLicenseUpdate
from tests.builders import ADMIN, NOW

RULES = ScimRules(frozenset({"CS Admin"}))
EXTENSION = "urn:ietf:params:scim:schemas:extension:catalogue:2.0:User"
# Entra ID writes booleans as texts.
ENTRA = {
    "id": "usr_ada",
    "userName": "ada@example.com",
    "displayName": "Ada Lovelace",
    "active": "True",
    "roles": [{"primary": "True", "type": "WindowsAzureActiveDirectoryRole", "value": "CS Admin"}],
}
OKTA = {
    "id": "usr_bob",
    "userName": "bob@example.com",
    "name": {"givenName": "Bob", "familyName": "Roe", "formatted": "Bob Roe"},
    "active": True,
    "entitlements": [{"value": "Data Reader"}, {"value": "Data Steward", "primary": True}],
}


def verbs() -> ApiEvents:
    return ApiEvents(client_space_id="acme", token_owner=ADMIN, request_id="req-1", service="scim", clock=lambda: NOW)


def activities(before: Any, after: Any, rules: ScimRules = RULES) -> list[object]:
    return [event.activity for event in scim_events(verbs(), rules, before, after)]


def test_a_new_user_is_created_and_then_licensed_and_made_admin() -> None:
    assert activities(None, ENTRA) == [UserCreation(), AdminRightsUpdate(granted=True)]
    assert activities(None, OKTA) == [UserCreation(), UserLicenseUpdate(None, "Data Steward")]


def test_persons_are_named_as_the_user_is() -> None:
    assert scim_events(verbs(), RULES, None, ENTRA)[0].affected_user == Person(
        "usr_ada", "ada@example.com", "Ada Lovelace"
    )
    assert scim_events(verbs(), RULES, None, OKTA)[0].affected_user == Person("usr_bob", "bob@example.com", "Bob Roe")


def test_a_deleted_user_is_deleted_without_a_name() -> None:
    (event,) = scim_events(verbs(), RULES, OKTA, None)
    assert (event.activity, event.affected_user) == (UserDeletion(), Person("usr_bob"))


@pytest.mark.parametrize("inactive", [False, "False", "false"])
def test_a_deactivated_user_is_deleted_if_the_rules_say_so(inactive: object) -> None:
    rules = ScimRules(RULES.admin_roles, deactivation_deletes=True)
    deactivated = {**OKTA, "active": inactive}
    assert activities(OKTA, deactivated) == []
    assert activities(OKTA, deactivated, rules) == [UserDeletion()]
    assert activities(deactivated, None, rules) == []
    assert activities(deactivated, OKTA, rules) == [UserCreation(), UserLicenseUpdate(None, "Data Steward")]


def test_null_says_nothing_of_a_user_s_activity() -> None:
    rules = ScimRules(RULES.admin_roles, deactivation_deletes=True)
    assert activities(OKTA, {**OKTA, "active": None}, rules) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"displayName": "Bob R."}, []),
        ({"entitlements": [{"value": "Data Reader"}]}, [UserLicenseUpdate("Data Steward", "Data Reader")]),
        ({"entitlements": ["Data Reader"]}, [UserLicenseUpdate("Data Steward", "Data Reader")]),
        ({"entitlements": []}, [UserLicenseUpdate("Data Steward", None)]),
        ({"roles": ["cs admin"]}, [AdminRightsUpdate(granted=True)]),
        ({"roles": [{"value": "Viewer"}]}, []),
        (
            {"roles": [{"value": "CS Admin"}], "entitlements": None},
            [UserLicenseUpdate("Data Steward", None), AdminRightsUpdate(granted=True)],
        ),
    ],
)
def test_license_and_admin_rights_are_compared(change: dict[str, Any], expected: list[object]) -> None:
    assert activities(OKTA, {**OKTA, **change}) == expected


def test_admin_rights_are_lost_with_their_role() -> None:
    assert activities(ENTRA, {**ENTRA, "roles": []}) == [AdminRightsUpdate(granted=False)]


def test_a_license_may_lie_in_an_extension() -> None:
    rules = ScimRules(RULES.admin_roles, license_extension=(EXTENSION, "license"))
    licensed = {**OKTA, EXTENSION: {"license": "Data Reader"}}
    assert activities(OKTA, licensed, rules) == [UserLicenseUpdate(None, "Data Reader")]
