"""The query API's store in memory, over the same rows that the worker writes."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from query_api.access.auth import Caller
from query_api.errors import StoreError
from query_api.log.access_log import Access
from query_api.log.filters import Order, Position, Selection, Spans
from query_api.log.persons import KnownName, KnownPerson
from query_api.log.reader import Count, FileImport, Line, Mentions, Role, StoredLine, StoredPage, ValueCount
from query_api.log.search import SEPARATOR
from schemas.lifetimes import Erasure, erasure_of, happened_at
from schemas.rows import ERASED, ActivityRow, PersonLifetimeRow, PersonNameRow

_HALF = 2**64

Row = TypeVar("Row", ActivityRow, PersonNameRow, PersonLifetimeRow)


class InMemoryAccessLog:
    """`AccessLog` in a list, which fails while *failure* is set."""

    def __init__(self) -> None:
        self.accesses: list[Access] = []
        self.failure: StoreError | None = None

    async def record(self, accesses: Sequence[Access]) -> None:
        if self.failure is not None:
            raise self.failure
        self.accesses += accesses


class InMemoryLogReader:
    """`LogReader` in lists. *before_persons* is called between the reads of a page's lines and of its persons.

    *searches* counts how often everyone deleted was asked for. While *is_cut_off*, no insert is whole.
    """

    def __init__(self) -> None:
        self.activities: list[ActivityRow] = []
        self.names: list[PersonNameRow] = []
        self.lifetime_rows: list[PersonLifetimeRow] = []
        self.difference: str | None = None
        self.failure: StoreError | None = None
        self.names_failure: StoreError | None = None
        self.before_persons: Callable[[], None] = lambda: None
        self.closed = False
        self.searches = 0
        self.is_cut_off = False
        self._through: dict[tuple[str, int], int] = {}

    def insert(
        self,
        activities: Iterable[ActivityRow] = (),
        names: Iterable[PersonNameRow] = (),
        lifetimes: Iterable[PersonLifetimeRow] = (),
    ) -> None:
        """Store rows; none replaces another."""
        activities = list(activities)
        self.activities += activities
        for row in [] if self.is_cut_off else activities:
            place = row.client_space_id, row.kafka_partition
            self._through[place] = max(row.kafka_offset, self._through.get(place, 0))
        self.names += names
        self.lifetime_rows += lifetimes

    async def lines(self, caller: Caller, selection: Selection) -> list[Line]:
        self._fail()
        lives = self._lifetimes(caller)
        rows = [row for row in self._first_copies(caller) if _fits(row, selection, lives)]
        rows.sort(key=_key, reverse=selection.order is Order.DESC)
        if selection.after is not None:
            after = (selection.after.occurred_at, _clickhouse_order(selection.after.event_id))
            rows = [row for row in rows if (_key(row) < after if selection.order is Order.DESC else _key(row) > after)]
        return [_to_line(row) for row in rows[: selection.limit]]

    async def line(self, caller: Caller, event_id: UUID, since: datetime) -> Line | None:
        self._fail()
        rows = [row for row in self._of(caller, self.activities) if row.event_id == event_id]
        rows = [row for row in rows if row.occurred_at >= since]
        return _to_line(max(rows, key=lambda row: row.precedence)) if rows else None

    async def stored(
        self, caller: Caller, selection: Selection, met: Mapping[int, int], before: datetime
    ) -> StoredPage:
        self._fail()
        rows = self._of(caller, self.activities)
        whole = [row for row in rows if self._is_whole(row) and row.kafka_offset > met.get(row.kafka_partition, -1)]
        lives = self._lifetimes(caller)
        fitting = [row for row in whole if _fits(row, selection, lives)]
        found = sorted(fitting, key=lambda row: (row.kafka_partition, row.kafka_offset))[: selection.limit]
        given = [StoredLine(_to_line(row), row.kafka_partition, row.kafka_offset) for row in found]
        is_complete = all(self._is_whole(row) for row in rows if row.recorded_at < before)
        return StoredPage(given, has_more=len(found) == selection.limit, is_complete=is_complete)

    def _is_whole(self, row: ActivityRow) -> bool:
        return row.kafka_offset <= self._through.get((row.client_space_id, row.kafka_partition), -1)

    async def winners(self, caller: Caller, lines: list[Line]) -> list[Line]:
        self._fail()
        first = {(row.occurred_at, row.event_id): row.precedence for row in self._first_copies(caller)}
        return [line for line in lines if first[line.occurred_at, line.event_id] == line.precedence]

    async def counts(self, caller: Caller, selection: Selection, starts: Sequence[datetime]) -> list[Count]:
        self._fail()
        lives = self._lifetimes(caller)
        rows = [row for row in self._first_copies(caller) if _fits(row, selection, lives)]
        counted = Counter((starts[bisect_right(starts, row.occurred_at) - 1], row.activity_type) for row in rows)
        return [Count(*key, lines) for key, lines in counted.items()]

    async def value_counts(self, caller: Caller, selection: Selection) -> list[ValueCount]:
        self._fail()
        lives = self._lifetimes(caller)
        rows = [row for row in self._first_copies(caller) if _fits(row, selection, lives)]
        counted = Counter((row.activity_type, row.channel, row.previous_license, row.new_license) for row in rows)
        return [ValueCount(*values, lines) for values, lines in counted.items()]

    async def imports(self, caller: Caller, selection: Selection, behind: Position | None) -> list[FileImport]:
        self._fail()
        lives, of_import = self._lifetimes(caller), dict[UUID, list[ActivityRow]]()
        for row in self._first_copies(caller):
            if row.import_id is not None and _fits(row, selection, lives):
                of_import.setdefault(row.import_id, []).append(row)
        found = []
        for import_id, rows in of_import.items():
            last, times = max(rows, key=_key), [row.occurred_at for row in rows]
            lines = Counter(row.activity_type for row in rows)
            found.append(FileImport(import_id, min(times), max(times), last.admin_ref, last.precedence, lines))
        found.sort(key=_import_key, reverse=True)
        if behind is not None:
            place = behind.occurred_at, _clickhouse_order(behind.event_id)
            found = [one for one in found if _import_key(one) < place]
        return found[: selection.limit]

    async def mentions(  # noqa: PLR0913 - the port's
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
        self._fail()
        lifetimes, found = self._lifetimes(caller), dict[UUID | None, list[datetime]]()
        for row in self._first_copies(caller):
            if _fits(row, Selection(since=since, until=until, limit=1), lifetimes):
                ref: UUID = getattr(row, f"{role}_ref")
                life = lifetimes.get(ref)
                if life is not None and life.is_deleted(happened_at(row.occurred_at, row.precedence)):
                    found.setdefault(None, []).append(row.occurred_at)
                elif among is None or ref in among:
                    found.setdefault(ref, []).append(row.occurred_at)
        mentions = [Mentions(ref, len(times), max(times)) for ref, times in found.items()]
        living = sorted((found for found in mentions if found.ref is not None), key=lambda found: found.last)
        return living[::-1][:limit] + [found for found in mentions if with_deleted and found.ref is None]

    async def licenses(self, caller: Caller, since: datetime, limit: int) -> list[str]:
        self._fail()
        rows = [row for row in self._of(caller, self.activities) if row.occurred_at >= since]
        found = {text for row in rows for text in (row.previous_license, row.new_license) if text is not None}
        return sorted(found)[:limit]

    async def named_persons(self, caller: Caller) -> list[str]:
        self._fail()
        lives = self._lifetimes(caller)
        starts = {ref: life.recreated_at for ref, life in lives.items() if life.recreated_at is not None}
        return [
            SEPARATOR.join((str(row.person_ref), row.person_id, row.username, row.display_name))
            for row in self._of(caller, self.names)
            if row.person_ref not in starts or row.last_seen >= starts[row.person_ref]
        ]

    async def lifetimes(self, caller: Caller, refs: Collection[UUID]) -> dict[UUID, Erasure]:
        self._fail()
        return self._lifetimes(caller, refs)

    async def deleted(self, caller: Caller) -> list[UUID]:
        self._fail()
        self.searches += 1
        rows = self._of(caller, self.lifetime_rows)
        return list({row.person_ref for row in rows if row.change == ERASED})

    def _lifetimes(self, caller: Caller, refs: Collection[UUID] | None = None) -> dict[UUID, Erasure]:
        found = {}
        facts: dict[UUID, list[PersonLifetimeRow]] = {}
        for row in self._of(caller, self.lifetime_rows):
            if refs is None or row.person_ref in refs:
                facts.setdefault(row.person_ref, []).append(row)
        for ref, rows in facts.items():
            erasure = erasure_of(row[2:] for row in rows)
            if erasure is not None:
                found[ref] = erasure
        return found

    async def known_persons(self, caller: Caller, refs: Collection[UUID]) -> dict[UUID, KnownPerson]:
        self._fail()
        self.before_persons()
        if self.names_failure is not None:
            raise self.names_failure
        known: dict[UUID, KnownPerson] = {}
        for row in self._of(caller, self.names):
            if row.person_ref in refs:
                names = known[row.person_ref].names if row.person_ref in known else ()
                name = KnownName(row.first_seen, row.last_seen, row.username, row.display_name)
                known[row.person_ref] = KnownPerson(row.person_id, _merged([*names, name]))
        return known

    async def schema_difference(self) -> str | None:
        self._fail()
        return self.difference

    async def close(self) -> None:
        self.closed = True

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _first_copies(self, caller: Caller) -> list[ActivityRow]:
        first: dict[tuple[datetime, UUID], ActivityRow] = {}
        for row in self._of(caller, self.activities):
            key = row.occurred_at, row.event_id
            if key not in first or row.precedence > first[key].precedence:
                first[key] = row
        return list(first.values())

    @staticmethod
    def _of(caller: Caller, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if row.client_space_id == caller.client_space_id]


def _fits(row: ActivityRow, selection: Selection, lifetimes: Mapping[UUID, Erasure]) -> bool:
    def fits_person(ref: UUID, spans: Spans | None, *, deleted: bool) -> bool:
        if not deleted:
            return _in_spans(ref, happened_at(row.occurred_at, row.precedence), spans)
        is_gone = ref in lifetimes and lifetimes[ref].is_deleted(happened_at(row.occurred_at, row.precedence))
        return is_gone or (spans is not None and _in_spans(ref, happened_at(row.occurred_at, row.precedence), spans))

    return (
        row.occurred_at >= selection.since
        and (selection.until is None or row.occurred_at < selection.until)
        and (not selection.activity_types or row.activity_type in selection.activity_types)
        and (not selection.channels or row.channel in selection.channels)
        and (not selection.import_ids or row.import_id in selection.import_ids)
        and (not selection.admin_rights or row.admin_rights_granted in selection.admin_rights)
        and (not selection.licenses or not selection.licenses.isdisjoint((row.previous_license, row.new_license)))
        and fits_person(row.affected_user_ref, selection.affected_users, deleted=selection.deleted_affected_users)
        and fits_person(row.admin_ref, selection.admins, deleted=selection.deleted_admins)
    )


def _in_spans(ref: UUID, at: datetime, spans: Spans | None) -> bool:
    if spans is None:
        return True
    span = spans.get(ref)
    return span is not None and (span.since is None or at >= span.since) and (span.until is None or at < span.until)


def _key(row: ActivityRow) -> tuple[datetime, tuple[int, int]]:
    return row.occurred_at, _clickhouse_order(row.event_id)


def _import_key(found: FileImport) -> tuple[datetime, tuple[int, int]]:
    return found.last_at, _clickhouse_order(found.import_id)


def _clickhouse_order(event_id: UUID) -> tuple[int, int]:
    """ClickHouse sorts UUIDs by their second half."""
    return event_id.int % _HALF, event_id.int // _HALF


def _to_line(row: ActivityRow) -> Line:
    return Line(*(getattr(row, name) for name in Line._fields))


def _merged(names: list[KnownName]) -> tuple[KnownName, ...]:
    """One row a name, as the table's engine folds them."""
    folded: dict[tuple[str, str], KnownName] = {}
    for name in names:
        key = name.username, name.display_name
        known = folded.get(key, name)
        folded[key] = KnownName(min(known.first_seen, name.first_seen), max(known.last_seen, name.last_seen), *key)
    return tuple(folded.values())
