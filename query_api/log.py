"""The log as a caller may see it: filters resolved, retention kept, persons named or masked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from query_api.auth import Caller
from query_api.cursor import CursorSealer
from query_api.errors import ActivityNotFound, StoreError
from query_api.filters import ActivityFilter, Order, Position, Selection, Spans, resolve_persons
from query_api.people import KnownPerson, Lifetime, People, ShownPerson
from query_api.reader import Line, LogReader
from schemas.retention import retention_start

_logger = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
"""The time now, in UTC."""


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line with its persons as they may be shown."""

    line: Line
    affected_user: ShownPerson
    admin: ShownPerson


@dataclass(frozen=True, slots=True)
class Page:
    """A page and the bounds that it was read in. *clamped*: the request reached behind retention and was cut to it."""

    lines: list[ShownLine]
    next_cursor: str | None
    as_of: datetime
    since: datetime
    until: datetime | None
    clamped: bool


class ActivityLog:
    """Every read path goes through here, so that retention and masking are decided once."""

    def __init__(self, reader: LogReader, sealer: CursorSealer, pseudonymization_key: bytes, clock: Clock) -> None:
        self._reader = reader
        self._sealer = sealer
        self._key = pseudonymization_key
        self._clock = clock

    async def page(
        self, caller: Caller, activity_filter: ActivityFilter, *, order: Order, limit: int, cursor: str | None
    ) -> Page:
        """One page. Raises `InvalidCursor` or `StoreError`."""
        now = self._clock()
        after = None if cursor is None else self._open(cursor, caller, activity_filter, order, now)
        selection = await self._selection(caller, activity_filter, order, after, limit + 1, now)
        lines = await self._reader.lines(caller, selection)
        next_cursor = None
        if len(lines) > limit:
            last = Position(lines[limit - 1].occurred_at, lines[limit - 1].event_id)
            next_cursor = self._sealer.seal(
                last, client_space_id=caller.client_space_id, activity_filter=activity_filter, order=order, now=now
            )
        shown = await self._shown(caller, lines[:limit])
        return Page(
            [line for line in shown if _still_fits(line, activity_filter)],
            next_cursor,
            as_of=now,
            since=selection.since,
            until=activity_filter.until,
            clamped=activity_filter.since is not None and activity_filter.since < selection.since,
        )

    async def line(self, caller: Caller, event_id: UUID) -> ShownLine:
        """One line. Raises `ActivityNotFound`, in another client space's case too, or `StoreError`."""
        line = await self._reader.line(caller, event_id, retention_start(self._clock()))
        if line is None:
            raise ActivityNotFound
        (shown,) = await self._shown(caller, [line])
        return shown

    def _open(
        self, cursor: str, caller: Caller, activity_filter: ActivityFilter, order: Order, now: datetime
    ) -> Position:
        return self._sealer.open(
            cursor, client_space_id=caller.client_space_id, activity_filter=activity_filter, order=order, now=now
        )

    async def _selection(
        self,
        caller: Caller,
        activity_filter: ActivityFilter,
        order: Order,
        after: Position | None,
        limit: int,
        now: datetime,
    ) -> Selection:
        start = retention_start(now)
        affected_users, admins = await self._resolved_persons(caller, activity_filter)
        return Selection(
            since=start if activity_filter.since is None else max(activity_filter.since, start),
            until=activity_filter.until,
            order=order,
            after=after,
            limit=limit,
            activity_types=activity_filter.activity_types,
            channels=activity_filter.channels,
            affected_users=affected_users,
            admins=admins,
        )

    async def _resolved_persons(
        self, caller: Caller, activity_filter: ActivityFilter
    ) -> tuple[Spans | None, Spans | None]:
        if not activity_filter.names_persons():
            return None, None
        wanted = activity_filter.affected_users, activity_filter.admins
        # A ref may be the one of a deleted life, which can only be found by making those of everyone who was deleted.
        refs = wanted[0] | wanted[1] if activity_filter.by_id else None
        lifetimes = await self._reader.lifetimes(caller, refs)
        affected_users, admins = (
            resolve_persons(part, lifetimes, self._key, caller.client_space_id) if part else None for part in wanted
        )
        return affected_users, admins

    async def _shown(self, caller: Caller, lines: list[Line]) -> list[ShownLine]:
        """*lines* with their persons, read after the lines and lives last, so that a deletion in between masks."""
        refs = {ref for line in lines for ref in (line.affected_user_ref, line.admin_ref)}
        known = await self._known_persons(caller, refs)
        lifetimes: Mapping[UUID, Lifetime] = await self._reader.lifetimes(caller, refs) if refs else {}
        people = People(self._key, caller.client_space_id, lifetimes, known)
        return [
            ShownLine(
                line,
                affected_user=people.show(line.affected_user_ref, line.occurred_at),
                admin=people.show(line.admin_ref, line.occurred_at),
            )
            for line in lines
        ]

    async def _known_persons(self, caller: Caller, refs: set[UUID]) -> Mapping[UUID, KnownPerson] | None:
        """`None` where they cannot be read: a line without names still says what happened."""
        if not refs:
            return {}
        try:
            return await self._reader.known_persons(caller, refs)
        except StoreError as error:
            _logger.warning("names_unavailable", error=type(error).__name__)
            return None


def _still_fits(shown: ShownLine, activity_filter: ActivityFilter) -> bool:
    """Whether the persons of *shown* are those asked for.

    They were when the filter was resolved. Somebody deleted since is now "Deleted User", and to leave the line on a
    page that was asked for by their id would say who that is.
    """
    return (not activity_filter.affected_users or shown.affected_user.ref in activity_filter.affected_users) and (
        not activity_filter.admins or shown.admin.ref in activity_filter.admins
    )
