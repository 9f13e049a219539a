"""`LogReader` over ClickHouse's HTTP interface."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from query_api.auth import Caller
from query_api.clickhouse_counts import CountsReader
from query_api.errors import OtherSchema
from query_api.filters import Order, Position, Selection, conditions
from query_api.people import KnownName, KnownPerson, Lifetime
from query_api.reader import Line, StoredLine, StoredPage
from schemas.rows import ACTIVITY_LOG, CREATED, ERASED, PERSON_LIFETIMES

_SPARE_ROWS = 32
"""Rows read beyond a page, so that a few copies do not cost a second query."""

_MAX_EVENTS_PER_QUERY = 1_000
"""ClickHouse takes 128 KiB a parameter by default; this many event ids are a third of that."""

_MAX_REFS_PER_QUERY = 3_000
"""As above: a ref is 39 characters of a parameter."""

_BEYOND = (
    "kafka_offset > transform(toInt64(kafka_partition), {partitions:Array(Int64)}, {offsets:Array(Int64)}, toInt64(-1))"
)
_NEAR = timedelta(days=31)

_LINE_COLUMNS = ", ".join(Line._fields)


class ClickHouseLogReader(CountsReader):
    """See `LogReader`. Nothing is read, and no connection made, before the first call: ClickHouse may be down then.

    `FINAL` and `LIMIT 1 BY` are not used: both read a whole client space for one page. Copies of an event have one
    sorting key and lie side by side, so a plain page in key order, its neighbors dropped, is exact and stops early.
    """

    async def lines(self, caller: Caller, selection: Selection) -> list[Line]:
        """See `LogReader.lines`.

        The nearest month is read first, unless persons are asked for: it fills the page in all but the quietest client
        spaces, and the parts of the other months are not opened.
        """
        near = None if selection.names_persons() else _nearest(selection, datetime.now(UTC))
        if near is None:
            return await self._lines(caller, selection)
        found = await self._lines(caller, near)
        if len(found) == selection.limit:
            return found
        after = _position(found[-1]) if found else selection.after
        rest = replace(selection, after=after, limit=selection.limit - len(found))
        return found + await self._lines(caller, rest)

    async def _lines(self, caller: Caller, selection: Selection) -> list[Line]:
        found: list[Line] = []
        rows_asked = selection.limit + _SPARE_ROWS
        while True:
            rows = await self._rows(caller, selection, rows_asked)
            events = [list(copies) for _, copies in groupby(rows, key=_position)]
            is_end = len(rows) < rows_asked
            if not is_end:
                # More copies of the last event may follow, and one of them may be its first.
                events.pop()
            lines = [max(copies, key=_precedence) for copies in events]
            if selection.tells_copies_apart():
                lines = await self.winners(caller, lines)
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
            ACTIVITY_LOG,
            ["event_id = {event_id:UUID}", "occurred_at >= {since:DateTime64(6, 'UTC')}"],
            "ORDER BY precedence DESC LIMIT 1",
            {"event_id": event_id, "since": since},
        )
        return Line(*rows[0]) if rows else None

    async def winners(self, caller: Caller, lines: list[Line]) -> list[Line]:
        """See `LogReader.winners`.

        Conditions on other columns than the key's hide copies. Where copies differ, the one that was found may not be
        the one that counts, and then the event is not what was asked for.
        """
        first: dict[tuple[datetime, UUID], int] = {}
        for start in range(0, len(lines), _MAX_EVENTS_PER_QUERY):
            part = lines[start : start + _MAX_EVENTS_PER_QUERY]
            rows = await self._select(
                caller,
                "occurred_at, event_id, max(precedence)",
                ACTIVITY_LOG,
                ["occurred_at IN {times:Array(DateTime64(6, 'UTC'))}", "event_id IN {events:Array(UUID)}"],
                "GROUP BY occurred_at, event_id",
                {"times": [line.occurred_at for line in part], "events": [line.event_id for line in part]},
            )
            first |= {(occurred_at, event_id): precedence for occurred_at, event_id, precedence in rows}
        return [line for line in lines if first[line.occurred_at, line.event_id] == line.precedence]

    async def stored(
        self, caller: Caller, selection: Selection, offsets: Mapping[int, int], before: datetime
    ) -> StoredPage:
        """See `LogReader.stored`."""
        where = conditions(selection)
        bounds = {"before": before, "partitions": list(offsets), "offsets": list(offsets.values())}
        rows = await self._select(
            caller,
            f"{_LINE_COLUMNS}, kafka_partition, kafka_offset",
            ACTIVITY_LOG,
            [*where.clauses, "recorded_at < {before:DateTime64(6, 'UTC')}", *([_BEYOND] if offsets else [])],
            "ORDER BY kafka_partition, kafka_offset LIMIT {limit:UInt32}",
            {**where.parameters, **bounds, "limit": selection.limit},
        )
        # Asked after the rows, so that it knows of each row that was stored before one of them.
        held_back = await self._held_back(caller, before)
        found = [StoredLine(Line(*row[:-2]), *row[-2:]) for row in rows]
        given = [row for row in found if row.kafka_offset < held_back.get(row.kafka_partition, row.kafka_offset + 1)]
        return StoredPage(given, has_more=len(found) == selection.limit, is_complete=len(given) == len(found))

    async def _held_back(self, caller: Caller, before: datetime) -> dict[int, int]:
        """By partition, the first offset that the broker took at *before* or later."""
        rows = await self._select(
            caller,
            "kafka_partition, min(kafka_offset)",
            ACTIVITY_LOG,
            ["recorded_at >= {before:DateTime64(6, 'UTC')}"],
            "GROUP BY kafka_partition",
            {"before": before},
        )
        return dict(rows)

    async def lifetimes(self, caller: Caller, refs: Collection[UUID] | None) -> dict[UUID, Lifetime]:
        """See `LogReader.lifetimes`."""
        if refs is None:
            rows = await self._select(caller, "person_ref, erased_at, recreated_at", "erased_persons", [], "", {})
            # The view shows the epoch for a creation that never was.
            return {ref: Lifetime(erased, created if created > erased else None) for ref, erased, created in rows}
        # A few facts a person: to fold them here costs two thirds of what the view costs for a page.
        facts: dict[UUID, dict[str, list[datetime]]] = {}
        rows = await self._of_persons(caller, "person_ref, change, occurred_at", PERSON_LIFETIMES, "", refs)
        for ref, change, occurred_at in rows:
            facts.setdefault(ref, {CREATED: [], ERASED: []})[change].append(occurred_at)
        return {
            ref: Lifetime(
                erased := max(changes[ERASED]), min((at for at in changes[CREATED] if at > erased), default=None)
            )
            for ref, changes in facts.items()
            if changes[ERASED]
        }

    async def known_persons(self, caller: Caller, refs: Collection[UUID]) -> dict[UUID, KnownPerson]:
        """See `LogReader.known_persons`."""
        rows = await self._of_persons(
            caller,
            "n.person_ref, anyLast(n.person_id), n.username, n.display_name, min(n.first_seen), max(n.last_seen)",
            "person_names AS n",
            "GROUP BY n.person_ref, n.username, n.display_name",
            refs,
        )
        known: dict[UUID, KnownPerson] = {}
        for ref, person_id, username, display_name, first_seen, last_seen in rows:
            name = KnownName(first_seen, last_seen, username, display_name)
            before = known[ref].names if ref in known else ()
            known[ref] = KnownPerson(person_id, (*before, name))
        return known

    async def _of_persons(
        self, caller: Caller, columns: str, table: str, rest: str, refs: Collection[UUID]
    ) -> list[tuple[Any, ...]]:
        """Rows about *refs*, which may be more than one parameter takes."""
        rows, ordered = [], sorted(refs)
        for first in range(0, len(ordered), _MAX_REFS_PER_QUERY):
            part = {"refs": ordered[first : first + _MAX_REFS_PER_QUERY]}
            rows += await self._select(caller, columns, table, ["person_ref IN {refs:Array(UUID)}"], rest, part)
        return rows

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
            ACTIVITY_LOG,
            where.clauses,
            f"ORDER BY occurred_at {direction}, event_id {direction} LIMIT {{limit:UInt32}}",
            {**where.parameters, "limit": limit},
        )
        return [Line(*row) for row in rows]


def _nearest(selection: Selection, now: datetime) -> Selection | None:
    """*selection* cut to the month in which its walk goes on; `None` where it is no longer than that."""
    if selection.order is Order.DESC:
        end = now if selection.until is None else max(min(selection.until, now), selection.since)
        since = (end if selection.after is None else min(selection.after.occurred_at, end)) - _NEAR
        return replace(selection, since=since) if since > selection.since else None
    start = min(selection.since if selection.after is None else max(selection.after.occurred_at, selection.since), now)
    end = selection.until or now
    return replace(selection, until=start + _NEAR) if start + _NEAR < end else None


def _position(line: Line) -> Position:
    return Position(line.occurred_at, line.event_id)


def _precedence(line: Line) -> int:
    return line.precedence
