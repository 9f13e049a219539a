"""The parameters of `GET /v1/activities`, as strict as they are documented."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from query_api.errors import InvalidParameters, ParameterError
from query_api.filters import REF_PREFIX, ActivityFilter, Order
from schemas.events import ActivityType, Channel
from schemas.limits import MAX_LENGTHS
from schemas.person_ref import person_ref

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_VALUES = 50
"""How many values one parameter takes."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.(?P<fraction>\d+))?(?P<offset>[Zz]|[+-]\d\d:\d\d)?")
_FRACTION_DIGITS = 6
_EXAMPLE_TIME = "2026-11-24T09:31:07Z"


def _parse_instant(value: object) -> datetime:
    """The instant in *value*. Python and pydantic read more spellings, and some of them as another instant."""
    if isinstance(value, datetime):
        return value
    match = _RFC3339.fullmatch(str(value))
    if match is None:
        raise PydanticCustomError(
            "malformed", "must be an RFC 3339 time such as 2026-11-24T09:31:07Z; write a + of its offset as %2B"
        )
    if match["offset"] is None:
        raise PydanticCustomError("naive_datetime", "must end in Z or an offset such as +01:00")
    if len(match["fraction"] or "") > _FRACTION_DIGITS:
        raise PydanticCustomError("out_of_range", "must have at most six digits after the second")
    try:
        return datetime.fromisoformat(str(value).upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("out_of_range", "must be a time that exists") from None


def _check_person(value: str) -> str:
    if not value or value.isspace():
        raise PydanticCustomError("blank", "must not be blank")
    if len(value) > MAX_LENGTHS["id"]:
        raise PydanticCustomError("too_long_text", "must be at most 256 characters")
    if value.startswith(REF_PREFIX):
        try:
            UUID(value.removeprefix(REF_PREFIX))
        except ValueError:
            raise PydanticCustomError("invalid_value", "must be a UUID behind ref:") from None
    return value


def _check_limit(value: object) -> object:
    """Python's numbers have more spellings than a query string should."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}", value):
        raise PydanticCustomError("wrong_type", "must be a whole number")
    return value


Instant = Annotated[datetime, BeforeValidator(_parse_instant)]
PersonValue = Annotated[str, AfterValidator(_check_person)]


class ActivityQuery(BaseModel):
    """The query string. A parameter with several values is repeated; its values are alternatives."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    activity_type: Annotated[
        list[ActivityType],
        Field(max_length=MAX_VALUES, description="Only lines of these activity types.", examples=[["user_creation"]]),
    ] = []
    affected_user: Annotated[
        list[PersonValue],
        Field(
            max_length=MAX_VALUES,
            description="Only lines about these persons: platform ids, or refs of lines as `ref:<uuid>`.",
            examples=[["usr_8f"]],
        ),
    ] = []
    admin: Annotated[
        list[PersonValue],
        Field(max_length=MAX_VALUES, description="Only lines by these persons, named as in `affected_user`."),
    ] = []
    channel: Annotated[
        list[Channel], Field(max_length=MAX_VALUES, description="Only lines of these channels.", examples=[["api"]])
    ] = []
    since: Annotated[
        Instant | None,
        Field(alias="from", description="Only lines at this time or later (RFC 3339).", examples=[_EXAMPLE_TIME]),
    ] = None
    until: Annotated[
        Instant | None,
        Field(alias="to", description="Only lines before this time (RFC 3339).", examples=[_EXAMPLE_TIME]),
    ] = None
    order: Annotated[Order, Field(description="`desc`: newest first. `asc`: oldest first.")] = Order.DESC
    limit: Annotated[
        int, BeforeValidator(_check_limit), Field(ge=1, le=MAX_LIMIT, description="The most lines of a page.")
    ] = DEFAULT_LIMIT
    cursor: Annotated[
        str | None,
        Field(description="`next_cursor` of the page before; everything but `limit` stays as it was there."),
    ] = None

    def to_filter(self, key: bytes, client_space_id: str) -> ActivityFilter:
        """What the query asks for. Raises `InvalidParameters` where its range is empty."""
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InvalidParameters([ParameterError("from", "out_of_range", "must be before to")])
        persons = [*self.affected_user, *self.admin]
        return ActivityFilter(
            activity_types=frozenset(map(str, self.activity_type)),
            channels=frozenset(map(str, self.channel)),
            affected_users=frozenset(_to_ref(value, key, client_space_id) for value in self.affected_user),
            admins=frozenset(_to_ref(value, key, client_space_id) for value in self.admin),
            by_id=not any(value.startswith(REF_PREFIX) for value in persons),
            since=self.since,
            until=self.until,
        )


_SINGLE = frozenset({"from", "to", "order", "limit", "cursor"})


def repeated_parameters(items: Sequence[tuple[str, str]]) -> list[ParameterError]:
    """The parameters among *items* that take one value but were given more: the framework would keep the last."""
    names = [name for name, _ in items]
    return [
        ParameterError(name, "repeated", "must be given once")
        for name in sorted(_SINGLE.intersection(names))
        if names.count(name) > 1
    ]


def unknown_parameters(names: Iterable[str]) -> list[ParameterError]:
    """Each of *names* as an error, for a path that takes no parameters."""
    return [ParameterError(_safe_name(name), *_UNKNOWN) for name in names]


_UNKNOWN = ("unknown_parameter", "is no parameter of this path")
_CODES: Mapping[str, tuple[str, str | None]] = {
    "extra_forbidden": _UNKNOWN,
    "enum": ("invalid_value", None),
    "greater_than_equal": ("out_of_range", None),
    "less_than_equal": ("out_of_range", None),
    "too_long": ("too_many", f"must be given at most {MAX_VALUES} times"),
    "too_long_text": ("too_long", None),
    "uuid_parsing": ("invalid_value", "must be a UUID"),
    **dict.fromkeys(
        ("blank", "invalid_value", "malformed", "naive_datetime", "out_of_range", "wrong_type"),
        ("", None),
    ),
}
"""By pydantic's error type: our code (its own where empty) and message (its own, where that quotes no value)."""

_SAFE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,39}")


def parameter_errors(errors: Sequence[Any]) -> list[ParameterError]:
    """What FastAPI found wrong, in our codes and without a value of the request."""
    found = []
    for error in errors:
        code, message = _CODES.get(error["type"], ("invalid_value", "is not valid"))
        location = [str(part) for part in error["loc"][1:2]]
        name = location[0] if location else str(error["loc"][0])
        found.append(ParameterError(_safe_name(name), code or error["type"], message or error["msg"]))
    return found


def _safe_name(name: str) -> str:
    """The name of a parameter, unless what stands in its place is more likely a value."""
    return name if _SAFE_NAME.fullmatch(name) else "(unnamed)"


def _to_ref(value: str, key: bytes, client_space_id: str) -> UUID:
    if value.startswith(REF_PREFIX):
        return UUID(value.removeprefix(REF_PREFIX))
    return person_ref(key, client_space_id, value)
