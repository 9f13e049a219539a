"""The values that parameters take, and the words for refused ones."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from query_api.errors import ParameterError
from query_api.log.filters import DELETED, REF_PREFIX
from schemas.limits import MAX_LENGTHS
from schemas.person_ref import person_ref

DELETED_PERSONS = f"{REF_PREFIX}{DELETED}"
MAX_VALUES = 50
"""How many values one parameter takes."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.(?P<fraction>\d+))?(?P<offset>[Zz]|[+-]\d\d:\d\d)?")
_FRACTION_DIGITS = 6


def _parse_instant(value: object) -> datetime:
    """The instant in *value*. Stricter than Python and pydantic, which read some spellings as another instant."""
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


def _check_filled(value: str) -> str:
    if not value or value.isspace():
        raise PydanticCustomError("blank", "must not be blank")
    return value


def _check_person(value: str) -> str:
    _check_filled(value)
    if len(value) > MAX_LENGTHS["id"]:
        raise PydanticCustomError("too_long_text", "must be at most 256 characters")
    if value.startswith(REF_PREFIX) and value != DELETED_PERSONS:
        try:
            UUID(value.removeprefix(REF_PREFIX))
        except ValueError:
            raise PydanticCustomError("invalid_value", "must be ref: followed by a UUID or by deleted") from None
    return value


def check_whole_number(value: object) -> object:
    """*value* where it is digits only. Python reads more spellings of numbers."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}", value):
        raise PydanticCustomError("wrong_type", "must be a whole number")
    return value


def check_zone(value: str) -> str:
    """*value* where it is a known time zone. `zoneinfo` opens names as files, so others are never looked up."""
    if value not in _zones():
        raise PydanticCustomError("invalid_value", "must be a time zone of the IANA database such as Europe/Paris")
    return value


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


Instant = Annotated[datetime, BeforeValidator(_parse_instant)]
PersonValue = Annotated[str, AfterValidator(_check_person)]
LicenseValue = Annotated[str, Field(max_length=MAX_LENGTHS["license"]), AfterValidator(_check_filled)]


_SINGLE = frozenset({"from", "to", "order", "limit", "cursor", "interval", "tz", "format", "lang", "q"})


def repeated_parameters(items: Sequence[tuple[str, str]]) -> list[ParameterError]:
    """The single-valued parameters that *items* repeat. FastAPI would silently keep the last value."""
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
    "missing": ("missing", "is required"),
    "greater_than_equal": ("out_of_range", None),
    "less_than_equal": ("out_of_range", None),
    "too_long": ("too_many", f"must be given at most {MAX_VALUES} times"),
    "too_long_text": ("too_long", None),
    "string_too_long": ("too_long", None),
    "uuid_parsing": ("invalid_value", "must be a UUID"),
    **dict.fromkeys(
        ("blank", "invalid_value", "malformed", "naive_datetime", "out_of_range", "wrong_type"),
        ("", None),
    ),
}
"""By pydantic's error type: our code and message. Where either is empty, pydantic's own serves: it quotes no value."""

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
    """*name*, unless it looks like a value that stands in its place."""
    return name if _SAFE_NAME.fullmatch(name) else "(unnamed)"


def to_ref(value: str, key: bytes, client_space_id: str) -> UUID:
    """The ref that a line must show to fit *value*, which is a ref or a platform id."""
    if value.startswith(REF_PREFIX):
        return UUID(value.removeprefix(REF_PREFIX))
    return person_ref(key, client_space_id, value)
