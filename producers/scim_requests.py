"""SCIM 2.0 (RFC 7644): what a successful request changed, as events. Pure.

`scim2-models` (the wheel's extra `scim`) applies a PATCH: it knows paths, filters and what Entra ID makes of them. The
model of a user here has what counts for the log alone, so whatever else a request changes cannot fail it.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any

from pydantic import Field, ValidationError, create_model, model_validator
from scim2_models import URN, ComplexAttribute, Extension, PatchOp, Resource, SCIMException, ScimPolicy

from producers.channels.event_verbs import EventVerbs
from producers.errors import UnreadableRequest
from producers.scim import ScimRules, scim_events, value_of
from schemas.events import Event

Document = Mapping[str, Any]

_POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    # Entra ID names in `value` which members to remove, and writes to `roles[primary eq "True"]` where there is none.
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
_NOT_OURS = {"externalid", "id", "meta", "schemas"}
"""What every resource has, and the log has no use for; the id is the server's, and comes apart."""


class Method(StrEnum):
    """The requests that change a user."""

    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


def scim_request_events(
    verbs: EventVerbs,
    rules: ScimRules,
    method: Method | str,
    body: Document | None,
    before: Document | None,
    *,
    created_id: str | None = None,
) -> list[Event]:
    """The events of a request that a server carried out on the user *before*; see `scim_events`.

    A POST finds no user, and *created_id* is the id that the server gave. A PUT clears what its body leaves out, except
    `active`. Raises `UnreadableRequest` where the request makes no user of the one before.
    """
    method = Method(method)
    user_id = created_id if before is None else before["id"]
    if user_id is None:
        raise ValueError("pass created_id with a POST, and the user before any other request")
    model = _model(rules.license_extension)
    try:
        with _POLICY:
            old = None if before is None else _read(model, before)
            new = _after(model, method, body or {}, old)
    except (SCIMException, ValidationError) as error:
        # Not chained: their texts quote the request.
        raise UnreadableRequest(type(error).__name__) from None
    return scim_events(verbs, rules, _document(old, user_id), _document(new, user_id))


def _after(model: Any, method: Method, body: Document, old: Any) -> Any:  # noqa: ANN401 - a model made at run time
    if method is Method.DELETE:
        return None
    if method is not Method.PATCH:
        new = _read(model, body)
        if new.active is None and old is not None:
            new.active = old.active
        return new
    new = old.model_copy(deep=True)
    found = next((value for name, value in body.items() if name.casefold() == "operations"), None)
    operations = [_operation(each) for each in found] if isinstance(found, list) else found or []
    PatchOp[model].model_validate({"Operations": operations}).patch(new)
    return new


def _operation(given: Any) -> Any:  # noqa: ANN401 - any JSON
    """The operation without what it says of attributes that are the server's, which the server has passed over.

    Members that it names to be removed have the values that those of the user have.
    """
    if not isinstance(given, Mapping):
        return given
    value = given.get("value")
    if isinstance(value, Mapping) and not given.get("path"):
        return {**given, "value": _ours(value)}
    if isinstance(value, list):
        return {**given, "value": [_member(each) for each in value]}
    return given


def _member(given: Any) -> Any:  # noqa: ANN401 - any JSON
    """A member of a multi-valued attribute. A bare text is its value, as some servers store it."""
    if isinstance(given, str):
        return {"value": given}
    if isinstance(given, Mapping) and isinstance(given.get("value"), str):
        return {**given, "value": value_of(given)}
    return given


def _ours(document: Document) -> Document:
    return {name: value for name, value in document.items() if name.casefold() not in _NOT_OURS}


def _read(model: Any, document: Document) -> Any:  # noqa: ANN401 - as above
    return model.model_validate(_ours(document))


def _document(user: Any, user_id: str) -> Document | None:  # noqa: ANN401 - as above
    return None if user is None else {**user.model_dump(), "id": user_id}


class _Member(ComplexAttribute):
    value: str | None = None
    display: str | None = None
    type: str | None = None
    primary: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_one(cls, given: object) -> object:
        return _member(given)


class _Name(ComplexAttribute):
    formatted: str | None = None


class _User(Resource[Any]):
    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: str | None = None
    display_name: str | None = None
    name: _Name | None = None
    active: bool | None = None
    entitlements: list[_Member] | None = None
    roles: list[_Member] | None = None


@cache
def _model(license_extension: tuple[str, str] | None) -> Any:  # noqa: ANN401 - as above
    """What counts of a user, with the extension that holds the license."""
    if license_extension is None:
        return _User
    urn, attribute = license_extension
    user: Any = _User
    extension: Any = create_model("License", __base__=Extension, license=(str | None, Field(None, alias=attribute)))
    extension.__schema__ = URN(urn)
    return user[extension]
