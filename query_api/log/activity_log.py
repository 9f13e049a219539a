"""The log as a caller may see it: filters resolved, retention kept, persons named or masked."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from query_api.access.auth import Caller
from query_api.errors import ActivityNotFound, StoreError
from query_api.log.cursor import CursorSealer
from query_api.log.deleted_persons import DeletedPersons
from query_api.log.filters import ActivityFilter, Order, Position, Selection, Spans, resolve_persons
from query_api.log.persons import KnownPerson, Persons, ShownPerson
from query_api.log.piecewise import piecewise
from query_api.log.reader import Line, LogReader
from query_api.log.recorded import advanced, distinct
from schemas.lifetimes import Erasure, happened_at
from schemas.retention import retention_start

_logger = structlog.get_logger(__name__)

SETTLING_SECONDS = 30
"""In the order `recorded`, a page is complete through so long ago, unless the worker is further behind. That each line
is met once does not depend on it."""

Clock = Callable[[], datetime]
"""The time now, in UTC."""


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line with its persons as they may be shown."""

    line: Line
    affected_user: ShownPerson
    admin: ShownPerson


@dataclass(frozen=True, slots=True)
class Bounds:
    """What was read. *clamped*: the request reached behind retention and was cut to it."""

    as_of: datetime
    since: datetime
    until: datetime | None
    clamped: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A page and the bounds that it was read in.

    *complete_through* is set in the order `recorded` only: no line that was recorded earlier is still to come.
    """

    lines: list[ShownLine]
    next_cursor: str | None
    bounds: Bounds
    has_more: bool
    complete_through: datetime | None = None


class ActivityLog:
    """The one place that decides retention and masking, for every read path."""

    def __init__(self, reader: LogReader, sealer: CursorSealer, pseudonymization_key: bytes, clock: Clock) -> None:
        self._reader = reader
        self._sealer = sealer
        self._key = pseudonymization_key
        self._clock = clock
        self._deleted = DeletedPersons(reader, pseudonymization_key)

    def now(self) -> datetime:
        """The time now."""
        return self._clock()

    async def page(
        self, caller: Caller, activity_filter: ActivityFilter, *, order: Order, limit: int, cursor: str | None
    ) -> Page:
        """One page. Raises `InvalidCursor` or `StoreError`."""
        if order is Order.RECORDED:
            return await self._recorded_page(caller, activity_filter, limit, cursor)
        now, space = self._clock(), caller.client_space_id
        after = None
        if cursor is not None:
            after = self._sealer.open(
                cursor, client_space_id=space, activity_filter=activity_filter, order=order, now=now
            )
        selection = await self.selection(caller, activity_filter, limit=limit + 1, now=now, order=order, after=after)
        lines = await self._reader.lines(caller, selection)
        next_cursor = None
        if len(lines) > limit:
            last = Position(lines[limit - 1].occurred_at, lines[limit - 1].event_id)
            next_cursor = self._sealer.seal(
                last, client_space_id=space, activity_filter=activity_filter, order=order, now=now
            )
        shown = await self.shown(caller, lines[:limit], activity_filter)
        bounds = bounds_of(selection, activity_filter, now)
        return Page(shown, next_cursor, bounds, has_more=next_cursor is not None)

    async def _recorded_page(
        self, caller: Caller, activity_filter: ActivityFilter, limit: int, cursor: str | None
    ) -> Page:
        """A page in the order `recorded`. There is always a cursor to come back with."""
        now, space = self._clock(), caller.client_space_id
        met: dict[int, int] = {}
        if cursor is not None:
            met = self._sealer.open_met(cursor, client_space_id=space, activity_filter=activity_filter, now=now)
        selection = await self.selection(caller, activity_filter, limit=limit, now=now)
        settled = now - timedelta(seconds=SETTLING_SECONDS)
        stored = await self._reader.stored(caller, selection, met, settled)
        # Copies of the event that are other records lose to the first.
        winners = await self._reader.winners(caller, distinct(stored.rows))
        next_cursor = self._sealer.seal_met(
            advanced(met, stored.rows), client_space_id=space, activity_filter=activity_filter, now=now
        )
        return Page(
            await self.shown(caller, winners, activity_filter),
            next_cursor,
            bounds_of(selection, activity_filter, now),
            has_more=stored.has_more,
            complete_through=settled if stored.is_complete and not stored.has_more else None,
        )

    async def line(self, caller: Caller, event_id: UUID) -> ShownLine:
        """One line. Raises `ActivityNotFound`, in another client space's case too, or `StoreError`."""
        line = await self._reader.line(caller, event_id, retention_start(self._clock()))
        if line is None:
            raise ActivityNotFound
        (shown,) = await self.shown(caller, [line], ActivityFilter())
        return shown

    async def selection(
        self,
        caller: Caller,
        activity_filter: ActivityFilter,
        *,
        limit: int,
        now: datetime,
        order: Order = Order.DESC,
        after: Position | None = None,
    ) -> Selection:
        """What to ask the store for: *activity_filter* with its persons resolved, within retention."""
        start = retention_start(now)
        affected_users, admins = await self._resolved_persons(caller, activity_filter)
        return Selection(
            since=start if activity_filter.since is None else max(activity_filter.since, start),
            order=order,
            after=after,
            limit=limit,
            affected_users=affected_users,
            admins=admins,
            **activity_filter.of_lines(),
        )

    async def _resolved_persons(
        self, caller: Caller, activity_filter: ActivityFilter
    ) -> tuple[Spans | None, Spans | None]:
        if not activity_filter.names_persons():
            return None, None
        wanted = activity_filter.affected_users, activity_filter.admins
        refs = wanted[0] | wanted[1]
        read = self._reader.lifetimes if activity_filter.by_id else self._lifetimes_behind
        lifetimes = await read(caller, refs)
        affected_users, admins = (
            resolve_persons(part, lifetimes, self._key, caller.client_space_id) if part else None for part in wanted
        )
        return affected_users, admins

    async def _lifetimes_behind(self, caller: Caller, refs: frozenset[UUID]) -> Mapping[UUID, Erasure]:
        """The lives of the persons stored under *refs*, and of those whose deleted lives are shown under *refs*.

        Only a ref that nobody is stored under may belong to a deleted life, and costs a search.
        """
        known, lifetimes = await asyncio.gather(self._known_persons(caller, refs), self._reader.lifetimes(caller, refs))
        left = refs - lifetimes.keys() - (known or {}).keys()
        stored = await self._deleted.stored(caller, left) if left else set()
        return {**lifetimes, **await self._reader.lifetimes(caller, stored)} if stored else lifetimes

    async def shown(self, caller: Caller, lines: list[Line], activity_filter: ActivityFilter) -> list[ShownLine]:
        """*lines* with their persons, without those that a deletion has put outside *activity_filter*."""
        persons = await self.persons(
            caller, {ref for line in lines for ref in (line.affected_user_ref, line.admin_ref)}
        )
        shown = await piecewise(partial(_shown, persons), lines)
        return [line for line in shown if _still_fits(line, activity_filter)]

    async def persons(self, caller: Caller, refs: Collection[UUID]) -> Persons:
        """What may be shown of *refs*. Names and lives are read at the same time."""
        lifetimes: Mapping[UUID, Erasure] = {}
        known: Mapping[UUID, KnownPerson] | None = {}
        if refs:
            known, lifetimes = await asyncio.gather(
                self._known_persons(caller, refs), self._reader.lifetimes(caller, refs)
            )
        return Persons(self._key, caller.client_space_id, lifetimes, known)

    async def _known_persons(self, caller: Caller, refs: Collection[UUID]) -> Mapping[UUID, KnownPerson] | None:
        """`None` where they cannot be read: a line without names still says what happened."""
        try:
            return await self._reader.known_persons(caller, refs)
        except StoreError as error:
            _logger.warning("names_unavailable", error=type(error).__name__)
            return None


def bounds_of(selection: Selection, activity_filter: ActivityFilter, now: datetime) -> Bounds:
    """What *selection* covers of what *activity_filter* asks for."""
    clamped = activity_filter.since is not None and activity_filter.since < selection.since
    return Bounds(as_of=now, since=selection.since, until=activity_filter.until, clamped=clamped)


def _shown(persons: Persons, line: Line) -> ShownLine:
    at = happened_at(line.occurred_at, line.precedence)
    return ShownLine(
        line, affected_user=persons.show(line.affected_user_ref, at), admin=persons.show(line.admin_ref, at)
    )


def _still_fits(shown: ShownLine, activity_filter: ActivityFilter) -> bool:
    """Whether the persons of *shown* still match the filter.

    A person may have been deleted since the filter was resolved. Their line would then tell, on a page that was asked
    for by their id, who the "Deleted User" is.
    """
    return is_wanted(
        shown.affected_user, activity_filter.affected_users, deleted=activity_filter.deleted_affected_users
    ) and is_wanted(shown.admin, activity_filter.admins, deleted=activity_filter.deleted_admins)


def is_wanted(person: ShownPerson, wanted: frozenset[UUID], *, deleted: bool) -> bool:
    """Whether *person* fits the refs *wanted*, or is one of the deleted where these are asked for."""
    return not (wanted or deleted) or person.ref in wanted or (deleted and person.deleted)
