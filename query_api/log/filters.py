"""What a request selects, and the SQL conditions that select it: pure, and every value bound, never formatted."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from query_api.log.persons import deleted_ref
from schemas.lifetimes import Erasure
from schemas.rows import ERASED, PERSON_LIFETIMES

REF_PREFIX = "ref:"
DELETED = "deleted"
"""Behind `REF_PREFIX`: everybody who was deleted."""

_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""ClickHouse's times end, wrap around or cannot be spelled not far beyond. No line lies outside, so a bound at these
selects the same as one beyond."""


class Order(StrEnum):
    """The direction of a walk through the log: by time, or (`RECORDED`) as the worker stored it."""

    DESC = "desc"
    ASC = "asc"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFilter:
    """What is asked for of the lines themselves, by callers and of the store alike. An empty set asks for any.

    The two `deleted_` flags also ask for everybody who was deleted. *until* is exclusive. A license matches as the
    previous or as the new one. *admin_rights*: whether they were granted, or else removed.
    """

    activity_types: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    deleted_affected_users: bool = False
    deleted_admins: bool = False
    until: datetime | None = None
    import_ids: frozenset[UUID] = frozenset()
    licenses: frozenset[str] = frozenset()
    admin_rights: frozenset[bool] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFilter(LineFilter):
    """What the caller asked for.

    Persons are the refs that a line must show. *by_id*: each ref was made from a platform id, so none is the ref of a
    deleted life. *since* is inclusive.
    """

    affected_users: frozenset[UUID] = frozenset()
    admins: frozenset[UUID] = frozenset()
    by_id: bool = True
    since: datetime | None = None

    def names_persons(self) -> bool:
        """Whether it asks for particular persons."""
        return bool(self.affected_users or self.admins)

    def digest(self) -> bytes:
        """A hash that two filters share only if they ask for the same, however the request ordered its values.

        It holds what is asked for and no more: cursors stay valid in a version that knows a further filter.
        """
        parts = {part.name: getattr(self, part.name) for part in fields(self) if part.name != "by_id"}
        asked = {name: _comparable(value) for name, value in parts.items() if value}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()

    def of_lines(self) -> dict[str, Any]:
        """The part of it that is a `LineFilter`, by name."""
        return {part.name: getattr(self, part.name) for part in fields(LineFilter)}


def _comparable(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return sorted(map(str, value)) if isinstance(value, frozenset) else value


@dataclass(frozen=True, slots=True)
class Span:
    """The lines of one stored ref that count: all, or those of the current life, or those of the deleted ones."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """A line's place in the log. Only ClickHouse compares two of them: it sorts UUIDs by their second half."""

    occurred_at: datetime
    event_id: UUID


Spans = Mapping[UUID, Span]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection(LineFilter):
    """What the store is asked for: a filter whose persons are resolved to stored refs, in the bounds of retention.

    *since* has no default: no read may forget retention. `None` for persons means any, unless the flag beside it asks
    for the deleted ones. With both, either matches.
    """

    since: datetime
    limit: int
    order: Order = Order.DESC
    after: Position | None = None
    affected_users: Spans | None = None
    admins: Spans | None = None

    def tells_copies_apart(self) -> bool:
        """Whether it may match a copy of an event that does not count, and not the copy that does."""
        values = self.activity_types or self.channels or self.import_ids or self.licenses or self.admin_rights
        return bool(values) or self.names_persons()

    def names_persons(self) -> bool:
        """Whether it is cut to particular persons, or to those who were deleted."""
        deleted = self.deleted_affected_users or self.deleted_admins
        return deleted or self.affected_users is not None or self.admins is not None

    def named_role(self) -> str | None:
        """The role in which lines can be looked up by person, as its column begins; `None` where they cannot."""
        if self.import_ids or self.licenses or self.admin_rights:
            # What is kept by person says neither which import a line is of nor what it changed.
            return None
        if self.affected_users is not None and not self.deleted_affected_users:
            return "affected_user"
        return "admin" if self.admins is not None and not self.deleted_admins else None


def resolve_persons(wanted: frozenset[UUID], lifetimes: Mapping[UUID, Erasure], key: bytes, space: str) -> Spans:
    """The stored refs, and which of their lines, that are shown under the refs *wanted*.

    The ref of a person who was deleted for good is replaced by one that no line has. The query then has the same shape,
    and does the same work, as for a person who never existed.
    """
    spans: dict[UUID, Span] = {}
    for ref in wanted:
        lifetime = lifetimes.get(ref)
        if lifetime is None:
            spans[ref] = Span()
        elif lifetime.recreated_at is None:
            spans[deleted_ref(key, space, ref)] = Span()
        else:
            spans[ref] = Span(since=lifetime.recreated_at)
    for ref, lifetime in lifetimes.items():
        if deleted_ref(key, space, ref) in wanted:
            # The deleted lives and the current one together are all lines.
            spans[ref] = Span() if ref in spans else Span(until=lifetime.recreated_at)
    return spans


@dataclass(frozen=True, slots=True)
class Conditions:
    """The text of a WHERE clause with `{name:Type}` placeholders, and the values that ClickHouse binds to them."""

    clauses: tuple[str, ...]
    parameters: Mapping[str, Any]


def conditions(selection: Selection) -> Conditions:
    """The conditions of *selection* but for the client space, which the reader adds to every statement."""
    clauses, parameters = _time_conditions(selection)
    for name, column, kind, values in (
        ("activity_types", "activity_type", "String", selection.activity_types),
        ("channels", "channel", "String", selection.channels),
        ("import_ids", "import_id", "UUID", selection.import_ids),
        ("admin_rights", "admin_rights_granted", "UInt8", frozenset(map(int, selection.admin_rights))),
    ):
        if values:
            clauses.append(f"{column} IN {{{name}:Array({kind})}}")
            parameters[name] = sorted(values, key=str)
    if selection.licenses:
        clauses.append("(previous_license IN {licenses:Array(String)} OR new_license IN {licenses:Array(String)})")
        parameters["licenses"] = sorted(selection.licenses)
    for name, column, spans, deleted in (
        ("affected_users", "affected_user_ref", selection.affected_users, selection.deleted_affected_users),
        ("admins", "admin_ref", selection.admins, selection.deleted_admins),
    ):
        asked = [] if spans is None else _person_conditions(name, column, spans, parameters)
        if deleted:
            either = [f"({' AND '.join(asked)})"] if asked else []
            asked = [f"({' OR '.join([*either, is_gone(column)])})"]
        clauses += asked
    return Conditions(tuple(clauses), parameters)


def _time_conditions(selection: Selection) -> tuple[list[str], dict[str, Any]]:
    clauses = ["occurred_at >= {since:DateTime64(6, 'UTC')}"]
    parameters: dict[str, Any] = {"since": _bindable(selection.since)}
    if selection.until is not None:
        clauses.append("occurred_at < {until:DateTime64(6, 'UTC')}")
        parameters["until"] = _bindable(selection.until)
    if selection.after is not None:
        sign = "<" if selection.order is Order.DESC else ">"
        # ClickHouse skips parts by the first clause, and not by the tuple, which implies it.
        clauses.append(f"occurred_at {sign}= {{after_time:DateTime64(6, 'UTC')}}")
        clauses.append(
            f"(occurred_at, event_id) {sign} ({{after_time:DateTime64(6, 'UTC')}}, {{after_event:UUID}})",
        )
        parameters["after_time"] = _bindable(selection.after.occurred_at)
        parameters["after_event"] = selection.after.event_id
    return clauses, parameters


_HAPPENED_AT = (
    "least(occurred_at, toDateTime64(fromUnixTimestamp64Milli("
    "toInt64(bitShiftRight(bitNot(precedence), 22)) + 1, 'UTC'), 6, 'UTC'))"
)
"""`schemas.lifetimes.happened_at` in SQL."""


def _person_conditions(name: str, column: str, spans: Spans, parameters: dict[str, Any]) -> list[str]:
    """One IN over all refs, which the skip index understands, and beside it a clause for each ref that has bounds."""
    clauses = [f"{column} IN {{{name}:Array(UUID)}}"]
    parameters[name] = sorted(spans)
    for number, (ref, span) in enumerate(sorted(spans.items(), key=lambda item: item[0])):
        for sign, bound in ((">=", span.since), ("<", span.until)):
            if bound is not None:
                other, in_time = f"{name}_{number}", f"{name}_{number}_at"
                clauses.append(
                    f"({column} != {{{other}:UUID}} OR {_HAPPENED_AT} {sign} {{{in_time}:DateTime64(6, 'UTC')}})"
                )
                parameters[other], parameters[in_time] = ref, _bindable(bound)
    return clauses


_EVER_DELETED = (
    f"(SELECT person_ref FROM {{database}}.{PERSON_LIFETIMES}"  # noqa: S608 - texts of this package
    f" WHERE client_space_id = {{client_space_id:String}} AND change = '{ERASED}')"
)


def lives(columns: str, among: str = _EVER_DELETED) -> str:
    """The subquery of *columns* of those in the set *among* who were ever deleted. The reader binds the client space.

    Without a set the view would fold what is known of everybody, most of whom were never deleted.
    """
    return (
        f"(SELECT {columns} FROM {{database}}.erased_persons"  # noqa: S608 - texts of this package
        f" WHERE client_space_id = {{client_space_id:String}} AND person_ref IN {among})"
    )


def is_gone(column: str, among: str = _EVER_DELETED) -> str:
    """Whether the person *column* of a line no longer exists: deleted for good, or the line is of an earlier life.

    An earlier life is one before the last deletion. *among*: everybody whom *column* may name.
    """
    # There may be too many persons to bind. Of those who came back, only the earlier lines count.
    latest = f"toDateTime64('{_LATEST:%Y-%m-%d %H:%M:%S}', 6, 'UTC')"
    until = lives(f"(groupArray(person_ref), groupArray(if(recreated_at > erased_at, recreated_at, {latest})))", among)
    # ClickHouse runs the two equal subqueries once.
    return f"{_HAPPENED_AT} < transform({column}, {until}.1, {until}.2, toDateTime64(0, 6, 'UTC'))"


def _bindable(instant: datetime) -> datetime:
    return max(_EARLIEST, min(instant, _LATEST)).astimezone(UTC)
