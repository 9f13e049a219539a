"""`LogReader` over ClickHouse's HTTP interface."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from query_api.auth import Caller
from query_api.clickhouse_connection import ClickHouseConnection
from query_api.errors import OtherSchema
from query_api.filters import Order, Position, Selection, conditions
from query_api.people import KnownName, KnownPerson, Lifetime
from query_api.reader import Line

_SPARE_ROWS = 32
"""Rows read beyond a page, so that a few copies do not cost a second query."""

_MAX_EVENTS_PER_QUERY = 1_000
"""ClickHouse takes 128 KiB a parameter by default; this many event ids are a third of that."""

_LINE_COLUMNS = ", ".join(Line._fields)


class ClickHouseLogReader:
    """See `LogReader`. Nothing is read, and no connection made, before the first call: ClickHouse may be down then.

    `FINAL` and `LIMIT 1 BY` are not used: both read a whole client space for one page. Copies of an event have one
    sorting key and lie side by side, so a plain page in key order, its neighbors dropped, is exact and stops early.
    """

    def __init__(self, connection: ClickHouseConnection) -> None:
        self._connection = connection

    async def lines(self, caller: Caller, selection: Selection) -> list[Line]:
        """See `LogReader.lines`."""
        found: list[Line] = []
        rows_asked = selection.limit + _SPARE_ROWS
        while True:
            rows = await self._rows(caller, selection, rows_asked)
            events = [list(copies) for _, copies in groupby(rows, key=_position)]
            is_end = len(rows) < rows_asked
            if not is_end:
                # More copies of the last event may follow, and one of them may be its first.
                events.pop()
            if len(events) > _MAX_EVENTS_PER_QUERY:
                events, is_end = events[:_MAX_EVENTS_PER_QUERY], False
            lines = [max(copies, key=_precedence) for copies in events]
            if selection.tells_copies_apart():
                lines = await self._without_losing_copies(caller, lines)
            found += lines
            if is_end or len(found) >= selection.limit:
                return found[: selection.limit]
            if events:
                selection = replace(selection, after=_position(events[-1][0]))
            rows_asked *= 2

    async def line(self, caller: Caller, event_id: UUID, since: datetime) -> Line | None:
        """See `LogReader.line`."""
        rows = await self._select(
            caller,
            _LINE_COLUMNS,
            "activity_log",
            ["event_id = {event_id:UUID}", "occurred_at >= {since:DateTime64(6, 'UTC')}"],
            "ORDER BY precedence DESC LIMIT 1",
            {"event_id": event_id, "since": since},
        )
        return Line(*rows[0]) if rows else None

    async def lifetimes(self, caller: Caller, refs: Collection[UUID] | None) -> dict[UUID, Lifetime]:
        """See `LogReader.lifetimes`."""
        rows = await self._select(
            caller,
            "person_ref, erased_at, recreated_at",
            "erased_persons",
            [] if refs is None else ["person_ref IN {refs:Array(UUID)}"],
            "",
            {} if refs is None else {"refs": sorted(refs)},
        )
        # The view shows the epoch for a creation that never was.
        return {ref: Lifetime(erased, created if created > erased else None) for ref, erased, created in rows}

    async def known_persons(self, caller: Caller, refs: Collection[UUID]) -> dict[UUID, KnownPerson]:
        """See `LogReader.known_persons`."""
        rows = await self._select(
            caller,
            "n.person_ref, anyLast(n.person_id), n.username, n.display_name, min(n.first_seen), max(n.last_seen)",
            "person_names AS n",
            ["n.person_ref IN {refs:Array(UUID)}"],
            "GROUP BY n.person_ref, n.username, n.display_name",
            {"refs": sorted(refs)},
        )
        known: dict[UUID, KnownPerson] = {}
        for ref, person_id, username, display_name, first_seen, last_seen in rows:
            name = KnownName(first_seen, last_seen, username, display_name)
            before = known[ref].names if ref in known else ()
            known[ref] = KnownPerson(person_id, (*before, name))
        return known

    async def schema_difference(self) -> str | None:
        """See `LogReader.schema_difference`."""
        try:
            await self._connection.check_schema()
        except OtherSchema as error:
            return str(error)
        return None

    async def close(self) -> None:
        """See `LogReader.close`."""
        await self._connection.close()

    async def _rows(self, caller: Caller, selection: Selection, limit: int) -> list[Line]:
        """At most *limit* copies in key order, those of one event together and in no order.

        To order them by precedence as well would cost five times as much: ClickHouse then reads whole blocks of every
        part before it knows what comes first.
        """
        direction = "DESC" if selection.order is Order.DESC else "ASC"
        where = conditions(selection)
        rows = await self._select(
            caller,
            _LINE_COLUMNS,
            "activity_log",
            where.clauses,
            f"ORDER BY occurred_at {direction}, event_id {direction} LIMIT {{limit:UInt32}}",
            {**where.parameters, "limit": limit},
        )
        return [Line(*row) for row in rows]

    async def _without_losing_copies(self, caller: Caller, lines: list[Line]) -> list[Line]:
        """*lines* without those that are not their event's first copy.

        Conditions on other columns than the key's hide copies. Where copies differ, the one that was found may not be
        the one that counts, and then the event is not what was asked for.
        """
        if not lines:
            return lines
        rows = await self._select(
            caller,
            "occurred_at, event_id, max(precedence)",
            "activity_log",
            ["occurred_at IN {times:Array(DateTime64(6, 'UTC'))}", "event_id IN {events:Array(UUID)}"],
            "GROUP BY occurred_at, event_id",
            {"times": [line.occurred_at for line in lines], "events": [line.event_id for line in lines]},
        )
        first = {(occurred_at, event_id): precedence for occurred_at, event_id, precedence in rows}
        return [line for line in lines if first[line.occurred_at, line.event_id] == line.precedence]

    async def _select(
        self,
        caller: Caller,
        columns: str,
        table: str,
        clauses: Collection[str],
        rest: str,
        parameters: Mapping[str, Any],
    ) -> list[tuple[Any, ...]]:
        """The one place that reads the log: no statement leaves it without the caller's client space.

        Every text is one of this package's own; values come as *parameters* and are bound.
        """
        where = " AND ".join(["client_space_id = {client_space_id:String}", *clauses])
        statement = f"SELECT {columns} FROM {{database}}.{table} WHERE {where} {rest}"  # noqa: S608 - see above
        return await self._connection.query(statement, {**parameters, "client_space_id": caller.client_space_id})


def _position(line: Line) -> Position:
    return Position(line.occurred_at, line.event_id)


def _precedence(line: Line) -> int:
    return line.precedence
