"""Counts over ClickHouse: how many lines, about whom, of which file imports, with which licenses.

Counts use `FINAL`, unlike pages. A count reads a whole range anyway, and `FINAL` counts each line once, by its first
copy. So does every query here grow with the client space, and is costly.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from query_api.access.auth import Caller
from query_api.clickhouse.space import SpaceReader
from query_api.log.filters import Conditions, Position, Selection, conditions, is_gone, lives
from query_api.log.reader import Count, FileImport, Mentions, Role, ValueCount
from schemas.fields import from_micros, to_micros
from schemas.rows import ACTIVITY_LOG, PERSON_NAMES

_NOBODY = UUID(int=0)

_LINES = f"{ACTIVITY_LOG} FINAL"
_AMONG = "{among:Array(UUID)}"
_BEGUN = lives("(groupArray(person_ref), groupArray(recreated_at))")
_OF_THIS_LIFE = f"last_seen >= transform(person_ref, {_BEGUN}.1, {_BEGUN}.2, toDateTime64(0, 6, 'UTC'))"

_VALUES = "activity_type, channel, previous_license, new_license"

_IMPORTS = (
    "import_id, min(occurred_at), max(occurred_at) AS last_at,"
    " argMax((admin_ref, precedence), (occurred_at, event_id)) AS last_line, sumMap(map(activity_type, 1))"
)
_BEHIND = "HAVING (last_at, assumeNotNull(import_id)) < ({behind_time:DateTime64(6, 'UTC')}, {behind_import:UUID})"

_MAX_BOUND_PERSONS = 3_000
"""ClickHouse takes 128 KiB a parameter by default. More persons than this are told apart here."""
_MANY_PERSONS, _MAX_PERSONS = 5_000, 999_999
"""How many are read to tell them apart: of so many who are wanted, a few are nearly always among the first."""


class CountsReader(SpaceReader):
    """The counting part of `LogReader`."""

    async def counts(self, caller: Caller, selection: Selection, starts: Sequence[datetime]) -> list[Count]:
        where = conditions(selection)
        rows = await self._select(
            caller,
            "roundDown(toUnixTimestamp64Micro(occurred_at), {starts:Array(Int64)}), activity_type, count()",
            _LINES,
            where.clauses,
            "GROUP BY 1, 2",
            {**where.parameters, "starts": [to_micros(start) for start in starts]},
            is_costly=True,
        )
        return [Count(from_micros(start), activity_type, lines) for start, activity_type, lines in rows]

    async def value_counts(self, caller: Caller, selection: Selection) -> list[ValueCount]:
        where = conditions(selection)
        rows = await self._select(
            caller,
            f"{_VALUES}, count()",
            _LINES,
            where.clauses,
            f"GROUP BY {_VALUES}",
            where.parameters,
            is_costly=True,
        )
        return [ValueCount(*row) for row in rows]

    async def imports(self, caller: Caller, selection: Selection, behind: Position | None) -> list[FileImport]:
        where = conditions(selection)
        place = {} if behind is None else {"behind_time": behind.occurred_at, "behind_import": behind.event_id}
        order = "ORDER BY last_at DESC, import_id DESC LIMIT {limit:UInt32}"
        rows = await self._select(
            caller,
            _IMPORTS,
            _LINES,
            [*where.clauses, "import_id IS NOT NULL"],
            f"GROUP BY import_id {_BEHIND if place else ''} {order}",
            {**where.parameters, **place, "limit": selection.limit},
            is_costly=True,
        )
        return [
            FileImport(its_id, first, last, admin_ref, precedence, lines)
            for its_id, first, last, (admin_ref, precedence), lines in rows
        ]

    async def mentions(  # noqa: PLR0913 - who, in which range, and how many
        self,
        caller: Caller,
        role: Role,
        among: Collection[UUID] | None,
        since: datetime,
        until: datetime | None,
        limit: int,
        *,
        with_deleted: bool,
    ) -> list[Mentions]:
        where = conditions(Selection(since=since, until=until, limit=limit))
        if among is None or len(among) <= _MAX_BOUND_PERSONS:
            return await self._mentions(caller, role, where, limit, among, with_deleted=with_deleted)
        for reach in (_MANY_PERSONS, _MAX_PERSONS):
            found = await self._mentions(caller, role, where, reach, with_deleted=with_deleted)
            living = [entry for entry in found if entry.ref in among]
            if len(living) >= limit or len(found) < reach:
                break
        return living[:limit] + [entry for entry in found if entry.ref is None]

    async def _mentions(
        self,
        caller: Caller,
        role: Role,
        where: Conditions,
        limit: int,
        among: Collection[UUID] | None = None,
        *,
        with_deleted: bool,
    ) -> list[Mentions]:
        person, wanted = _persons_of(f"{role}_ref", is_bound=among is not None, with_deleted=with_deleted)
        rows = await self._select(
            caller,
            f"{person} AS person, count(), max(occurred_at)",
            _LINES,
            [*where.clauses, *wanted],
            "GROUP BY person ORDER BY person = {nobody:UUID} DESC, max(occurred_at) DESC, person LIMIT {limit:UInt32}",
            {
                **where.parameters,
                "limit": limit + 1,
                "nobody": _NOBODY,
                **({} if among is None else {"among": sorted(among)}),
            },
            is_costly=True,
        )
        found = [Mentions(None if ref == _NOBODY else ref, lines, last) for ref, lines, last in rows]
        gone = [entry for entry in found if entry.ref is None]
        return [entry for entry in found if entry.ref is not None][:limit] + gone

    async def named_persons(self, caller: Caller) -> list[str]:
        # One text a person: a column of a hundred thousand UUIDs takes Python half a second.
        columns = "concatWithSeparator('\\0', toString(person_ref), person_id, username, display_name)"
        rows = await self._select(caller, columns, PERSON_NAMES, [_OF_THIS_LIFE], "", {}, is_costly=True)
        return [person for (person,) in rows]

    async def licenses(self, caller: Caller, since: datetime, limit: int) -> list[str]:
        where = conditions(Selection(since=since, limit=1))
        rows = await self._select(
            caller,
            "arraySlice(arraySort(groupUniqArrayArray("
            "arrayFilter(x -> x IS NOT NULL, [previous_license, new_license]))), 1, {limit:UInt32})",
            ACTIVITY_LOG,
            where.clauses,
            "",
            {**where.parameters, "limit": limit},
            is_costly=True,
        )
        return list(rows[0][0])


def _persons_of(ref: str, *, is_bound: bool, with_deleted: bool) -> tuple[str, list[str]]:
    """What lines are grouped by, and the conditions on them. *is_bound*: to those in `_AMONG`, and to the deleted."""
    if with_deleted:
        gone = is_gone(ref)
        return f"if({gone}, {{nobody:UUID}}, {ref})", [f"({gone} OR {ref} IN {_AMONG})"] if is_bound else []
    if is_bound:
        # First: ClickHouse looks at the lives of the lines that are left, and folds no other persons'.
        return ref, [f"{ref} IN {_AMONG}", f"NOT ({is_gone(ref, _AMONG)})"]
    return ref, [f"NOT ({is_gone(ref)})"]
