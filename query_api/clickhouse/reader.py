"""`LogReader` over ClickHouse's HTTP interface."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from query_api.access.auth import Caller
from query_api.clickhouse.connection import ClickHouseConnection
from query_api.clickhouse.counts import CountsReader
from query_api.clickhouse.recorded import RecordedReader
from query_api.clickhouse.space import LINE_COLUMNS
from query_api.clickhouse.turns import COSTLY_ROWS
from query_api.clickhouse.windows import Windows, beyond, kind_of, nearest, start_of
from query_api.errors import OtherSchema
from query_api.log.filters import Order, Position, Selection, conditions
from query_api.log.persons import KnownName, KnownPerson
from query_api.log.reader import Line
from schemas.lifetimes import Erasure, Fact, erasure_of
from schemas.rows import ACTIVITY_LOG, ERASED, PERSON_LIFETIMES

_SPARE_ROWS = 32
"""Rows read beyond a page, so that a few copies do not cost a second query."""

_MAX_EVENTS_PER_QUERY = 1_000
"""ClickHouse takes 128 KiB a parameter by default; this many event ids are a third of that."""

_MAX_REFS_PER_QUERY = 3_000
"""As above: a ref is 39 characters of a parameter."""

_MAX_FACTS = 20_000
"""Facts of lives that one query brings here, some seven for each of its persons. ClickHouse folds more of them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_AT_PLACES = ("occurred_at IN {times:Array(DateTime64(6, 'UTC'))}", "event_id IN {events:Array(UUID)}")

_PERSON_LINES = "person_lines"


class _Step(NamedTuple):
    """What one read brought, and where the next goes on."""

    lines: list[Line]
    is_end: bool
    after: Position | None


class ClickHouseLogReader(CountsReader, RecordedReader):
    """See `LogReader`. Nothing is read, and no connection made, before the first call: ClickHouse may be down then.

    `FINAL` and `LIMIT 1 BY` are not used: both read a whole client space for one page. Copies of an event have one
    sorting key and lie side by side, so a plain page in key order, its neighbors dropped, is exact and stops early.
    """

    def __init__(self, connection: ClickHouseConnection) -> None:
        super().__init__(connection)
        self._windows = Windows()

    async def lines(self, caller: Caller, selection: Selection) -> list[Line]:
        """See `LogReader.lines`.

        The log is read in windows of time, the nearest first, each wider than the last. Most pages are in the first
        window, and parts of other months are not opened. Lines of named persons are looked up by person, in the whole
        range at once.
        """
        if selection.named_role():
            return await self._walk(caller, selection)
        found: list[Line] = []
        kind, now = kind_of(caller.client_space_id, selection), datetime.now(UTC)
        start, rest = start_of(selection, now), selection
        for span in self._windows.spans(kind):
            part = nearest(rest, span, now)
            found += await self._walk(caller, part)
            if len(found) == selection.limit or part is rest:
                break
            rest = replace(beyond(rest, part), limit=selection.limit - len(found))
        self._windows.learn(kind, _looked_through(selection, found, start))
        return found

    async def _walk(self, caller: Caller, selection: Selection) -> list[Line]:
        """The lines of *selection*, up to its limit. Copies may make several reads necessary."""
        read = self._matching if selection.tells_copies_apart() else self._plain
        found: list[Line] = []
        rows_asked = selection.limit + _SPARE_ROWS
        while True:
            step = await read(caller, selection, rows_asked)
            found += step.lines
            if step.is_end or len(found) >= selection.limit:
                return found[: selection.limit]
            selection = replace(selection, after=step.after)
            rows_asked *= 2

    async def _plain(self, caller: Caller, selection: Selection, rows_asked: int) -> _Step:
        """Lines of a selection that every copy of an event fits, or none."""
        rows = [Line(*row) for row in await self._rows(caller, LINE_COLUMNS, selection, rows_asked)]
        events = [list(copies) for _, copies in groupby(rows, key=_position)]
        is_end = len(rows) < rows_asked
        if not is_end:
            # More copies of the last event may follow, and one of them may be its first.
            events.pop()
        after = _position(events[-1][0]) if events else selection.after
        return _Step([max(copies, key=_precedence) for copies in events], is_end, after)

    async def _matching(self, caller: Caller, selection: Selection, rows_asked: int) -> _Step:
        """Lines whose first copy fits.

        Conditions on columns outside the key hide copies. So the places of matching copies are read first, few columns
        of many rows, and then every copy at these places.
        """
        rows = await self._rows(caller, "occurred_at, event_id, precedence", selection, rows_asked)
        fitting: dict[Position, set[int]] = {}
        for occurred_at, event_id, precedence in rows:
            fitting.setdefault(Position(occurred_at, event_id), set()).add(precedence)
        is_end = len(rows) < rows_asked
        if not is_end:
            # More fitting copies of the last event may follow, and one of them may be its first.
            fitting.popitem()
        first: dict[Position, Line] = {}
        for row in await self._at(caller, LINE_COLUMNS, "", list(fitting)):
            line = Line(*row)
            place = _position(line)
            first[place] = max(first.get(place, line), line, key=_precedence)
        lines = [
            first[place] for place, those in fitting.items() if place in first and first[place].precedence in those
        ]
        return _Step(lines, is_end, next(reversed(fitting), selection.after))

    async def line(self, caller: Caller, event_id: UUID, since: datetime) -> Line | None:
        rows = await self._select(
            caller,
            LINE_COLUMNS,
            ACTIVITY_LOG,
            ["event_id = {event_id:UUID}", "occurred_at >= {since:DateTime64(6, 'UTC')}"],
            "ORDER BY precedence DESC LIMIT 1",
            {"event_id": event_id, "since": since},
        )
        return Line(*rows[0]) if rows else None

    async def winners(self, caller: Caller, lines: list[Line]) -> list[Line]:
        """See `LogReader.winners`.

        Conditions on columns outside the key hide copies. Where copies differ, the one that was found may not count.
        The event then does not match.
        """
        first: dict[Position, int] = {}
        columns = "occurred_at, event_id, max(precedence)"
        rest = "GROUP BY occurred_at, event_id"
        for occurred_at, event_id, precedence in await self._at(caller, columns, rest, list(map(_position, lines))):
            first[Position(occurred_at, event_id)] = precedence
        return [line for line in lines if first[_position(line)] == line.precedence]

    async def _at(self, caller: Caller, columns: str, rest: str, places: list[Position]) -> list[tuple[Any, ...]]:
        """Rows of the log at *places*, which may be more than one parameter takes."""
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(places), _MAX_EVENTS_PER_QUERY):
            part = places[start : start + _MAX_EVENTS_PER_QUERY]
            values = {
                "times": [place.occurred_at for place in part],
                "events": [place.event_id for place in part],
            }
            is_costly = len(places) > COSTLY_ROWS
            rows += await self._select(caller, columns, ACTIVITY_LOG, _AT_PLACES, rest, values, is_costly=is_costly)
        return rows

    async def lifetimes(self, caller: Caller, refs: Collection[UUID]) -> dict[UUID, Erasure]:
        # A few facts a person: to fold them here costs two thirds of what the view costs for a page.
        columns = "person_ref, change, occurred_at, event_id, precedence"
        rows = await self._of_persons(caller, columns, PERSON_LIFETIMES, f"LIMIT {_MAX_FACTS}", refs)
        if len(rows) >= _MAX_FACTS:
            return await self._lifetimes_of_many_facts(caller, refs)
        facts: dict[UUID, list[Fact]] = {}
        for ref, change, at, event_id, precedence in rows:
            facts.setdefault(ref, []).append((change, at, event_id, precedence))
        found = {ref: erasure_of(of_person) for ref, of_person in facts.items()}
        return {ref: erasure for ref, erasure in found.items() if erasure is not None}

    async def _lifetimes_of_many_facts(self, caller: Caller, refs: Collection[UUID]) -> dict[UUID, Erasure]:
        """The same from the view: an upstream service that creates a person again and again costs its readers time."""
        # Most persons were never deleted, and then their creations need not be folded.
        erased = "GROUP BY person_ref, change HAVING change = 'erased'"
        gone = [ref for (ref,) in await self._of_persons(caller, "person_ref", PERSON_LIFETIMES, erased, refs)]
        columns = "person_ref, erased_at, recreated_at, is_doubtful"
        rows = await self._of_persons(caller, columns, "erased_persons", "", gone)
        return {ref: Erasure(at, began if began > _EPOCH else None, bool(doubt)) for ref, at, began, doubt in rows}

    async def deleted(self, caller: Caller) -> list[UUID]:
        is_erasure, parameters = ["change = {change:String}"], {"change": ERASED}
        rows = await self._select(caller, "DISTINCT person_ref", PERSON_LIFETIMES, is_erasure, "", parameters)
        return [ref for (ref,) in rows]

    async def known_persons(self, caller: Caller, refs: Collection[UUID]) -> dict[UUID, KnownPerson]:
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
            rows += await self._select(
                caller,
                columns,
                table,
                ["person_ref IN {refs:Array(UUID)}"],
                rest,
                part,
                is_costly=len(refs) > COSTLY_ROWS,
            )
        return rows

    async def schema_difference(self) -> str | None:
        try:
            await self._connection.check_schema()
        except OtherSchema as error:
            return str(error)
        return None

    async def close(self) -> None:
        await self._connection.close()

    async def _rows(self, caller: Caller, columns: str, selection: Selection, limit: int) -> list[tuple[Any, ...]]:
        """*columns* of at most *limit* copies in key order, those of one event together and in no order.

        Ordering by precedence as well would cost five times as much: ClickHouse would read whole blocks of every part.
        """
        direction = "DESC" if selection.order is Order.DESC else "ASC"
        where = conditions(selection)
        table, clauses = ACTIVITY_LOG, where.clauses
        if role := selection.named_role():
            table, clauses = _PERSON_LINES, (f"role = '{role}'", _who(selection, role), *clauses)
        rest = f"ORDER BY occurred_at {direction}, event_id {direction} LIMIT {{limit:UInt32}}"
        values = {**where.parameters, "limit": limit}
        return await self._select(caller, columns, table, clauses, rest, values, is_costly=limit > COSTLY_ROWS)


def _who(selection: Selection, role: str) -> str:
    """The condition on `person_lines`. Only with a single person can it be read in the order of the page."""
    spans = selection.affected_users if role == "affected_user" else selection.admins
    return (
        f"person_ref = {{{role}s:Array(UUID)}}[1]"
        if spans and len(spans) == 1
        else f"person_ref IN {{{role}s:Array(UUID)}}"
    )


def _looked_through(selection: Selection, found: list[Line], start: datetime) -> timedelta:
    """How much time the page from *start* covers, or the whole walk where it reached its end."""
    if len(found) == selection.limit:
        return abs(start - found[-1].occurred_at)
    end = selection.since if selection.order is Order.DESC else selection.until or datetime.now(UTC)
    return abs(start - end)


def _position(line: Line) -> Position:
    return Position(line.occurred_at, line.event_id)


def _precedence(line: Line) -> int:
    return line.precedence
