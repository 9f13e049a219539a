"""SCIM 2.0 (RFC 7643): what a provisioning request changed, as events. Pure.

A SCIM server has the user as stored before a successful request and after it; whether that was a POST, PUT, PATCH or
DELETE makes no difference to the log.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from producers.channels.event_verbs import EventVerbs
from schemas.events import Event, Person

Resource = Mapping[str, Any]
"""A `User` as SCIM has it, in JSON's types."""


@dataclass(frozen=True, slots=True)
class ScimRules:
    """What of a user counts.

    *admin_roles* are the values in `roles` that make an admin, in any case, as SCIM has it. The license is the primary,
    or else the first, of `entitlements`; with *license_extension* (the extension's URN and its attribute) it is that.
    With *deactivation_deletes* a user who is not `active` does not exist for the log.
    """

    admin_roles: frozenset[str]
    license_extension: tuple[str, str] | None = None
    deactivation_deletes: bool = False


def scim_events(verbs: EventVerbs, rules: ScimRules, before: Resource | None, after: Resource | None) -> list[Event]:
    """The events of what a successful request made of a user; `None` is no user.

    A creation comes first, then license and admin rights. A deletion comes alone.
    """
    old, new = _present(before, rules), _present(after, rules)
    if new is None:
        return [] if old is None else [verbs.user_deleted(_person(old))]
    user = _person(new)
    events = [verbs.user_created(user)] if old is None else []
    previous, current = _license(old, rules), _license(new, rules)
    if previous != current:
        events.append(verbs.license_updated(user, previous_license=previous, new_license=current))
    is_admin = _is_admin(new, rules)
    if _is_admin(old, rules) != is_admin:
        events.append(verbs.admin_rights_updated(user, granted=is_admin))
    return events


def _present(user: Resource | None, rules: ScimRules) -> Resource | None:
    if user is None or not rules.deactivation_deletes:
        return user
    # Null is no value, as if the attribute were missing (RFC 7643, section 2.5).
    active = user.get("active")
    return user if active is None or _is_true(active) else None


def _person(user: Resource) -> Person:
    name = user.get("name")
    formatted = name.get("formatted") if isinstance(name, Mapping) else None
    return Person(user["id"], user.get("userName") or None, user.get("displayName") or formatted or None)


def _license(user: Resource | None, rules: ScimRules) -> str | None:
    if user is None:
        return None
    if rules.license_extension is not None:
        urn, attribute = rules.license_extension
        return (user.get(urn) or {}).get(attribute) or None
    entitlements = _members(user, "entitlements")
    primary = [each for each in entitlements if _is_true(each.get("primary", False))]
    return next((value for each in (*primary, *entitlements) if (value := value_of(each))), None)


def _is_admin(user: Resource | None, rules: ScimRules) -> bool:
    wanted = {role.casefold() for role in rules.admin_roles}
    return user is not None and any(value_of(each).casefold() in wanted for each in _members(user, "roles"))


def _members(user: Resource, attribute: str) -> Sequence[Resource]:
    """The members of a multi-valued attribute; a bare text is its value, as some servers store it."""
    return [each if isinstance(each, Mapping) else {"value": each} for each in user.get(attribute) or ()]


def value_of(member: Resource) -> str:
    """The member's value. For an app role Entra ID may send an object as a text, whose `value` it is."""
    value = str(member.get("value") or "")
    with suppress(ValueError, RecursionError):
        found = json.loads(value) if value.startswith("{") else None
        if isinstance(found, Mapping) and isinstance(found.get("value"), str):
            return str(found["value"])
    return value


def _is_true(value: object) -> bool:
    """SCIM's boolean, which Entra ID sends as a text such as "False"."""
    return value.casefold() == "true" if isinstance(value, str) else bool(value)
