"""Builds the database anew from the two long-lived topics, beside the one that is served, and lets them change places.

The worker goes on meanwhile. What it stores in the served tables it publishes too, before it commits, so the rebuild
reads after it until nothing is left, exchanges, and reads once more what came in between.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiokafka import ConsumerRecord

from schemas.history import NameKey, decode_lines, decode_name, read_person_key
from schemas.retention import retention_start
from schemas.rows import PersonLifetimeRow
from schemas.topics import ACTIVITY_LOG_TOPIC, PERSON_NAMES_TOPIC
from stream.batches import Rows
from stream.erasure_guard import ErasedPersons
from stream.history import LAST_SIGHT_SLACK
from stream.history_reader import Extent, TopicReader
from stream.rebuild_store import RebuildStore
from stream.sink import LogSink

ROWS_PER_INSERT = 50_000
CLOSE_ENOUGH = 100
"""Records that came during a round. Once a round finds no more than so many, it is time to exchange."""

MAX_ROUNDS = 20

Turn = Callable[[Sequence[ConsumerRecord]], Rows]


@dataclass(frozen=True, slots=True)
class Step:
    """What a rebuild has just done: *done* of *total* records of one pass."""

    name: str
    done: int
    total: int


@dataclass(slots=True)
class Rebuild:
    """One rebuild; `load` may be repeated, and goes on where it was cut off."""

    store: RebuildStore
    sink: LogSink
    erased: ErasedPersons
    reader: TopicReader
    report: Callable[[Step], None] = lambda _: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    lines: int = field(default=0, init=False)

    async def load(self) -> None:
        """Fill the database until it is as good as level with the topics. Raises `Unavailable`; then load again."""
        await asyncio.to_thread(self.store.prepare)
        for _ in range(MAX_ROUNDS):
            if await self.catch_up() <= CLOSE_ENOUGH:
                return

    async def catch_up(self) -> int:
        """Read what the topics hold beyond what was read; the answer is the number of records.

        Lifetimes first, names second, lines last, as the worker stores them. A name that was overwritten in the topic
        may still come by: its person was erased, which the lifetimes tell, or it has expired.
        """
        count = await self._pass("lifetimes", PERSON_NAMES_TOPIC, self._lifetimes)
        await asyncio.to_thread(self.erased.refresh)
        count += await self._pass("names", PERSON_NAMES_TOPIC, self._names)
        return count + await self._pass("lines", ACTIVITY_LOG_TOPIC, self._lines)

    async def _pass(self, name: str, topic: str, turn: Turn) -> int:
        start = await asyncio.to_thread(self.store.progress, name)
        extents = await self.reader.extents(topic)
        total = _left(extents, start)
        pending = Rows()
        position: dict[int, int] = {}
        async for records, position in self.reader.records(topic, extents, start):
            _extend(pending, await asyncio.to_thread(turn, records))
            if _size(pending) >= ROWS_PER_INSERT:
                await self._insert(name, pending, position)
                pending = Rows()
            self.report(Step(name, total - _left(extents, position), total))
        if position:
            await self._insert(name, pending, position)
        return total

    async def _insert(self, name: str, rows: Rows, position: dict[int, int]) -> None:
        await asyncio.to_thread(self.sink.write, rows)
        # Killed here: the rows are there and will be inserted again; the tables fold the copies.
        await asyncio.to_thread(self.store.advance, name, position)
        self.lines += len(rows.activities)

    async def hand_over(
        self, worker_is_past: Callable[[], Awaitable[None]], sink: LogSink, erased: ErasedPersons
    ) -> None:
        """Exchange the tables, and bring in what the worker stored in the ones before.

        *worker_is_past* returns once the worker has committed whatever it may have begun to store when it was called.
        *sink* and *erased* are those of the served database, where the rebuilt tables are by then.
        """
        await asyncio.to_thread(self.store.exchange)
        # Killed here: the rebuilt tables are served, and lack what came since the last round. Its records are in the
        # topics; another rebuild finds them.
        self.sink, self.erased = sink, erased
        await worker_is_past()
        # From the worker's commit on its rows are in the topics, and what it stores later goes to the new tables.
        await self.catch_up()

    def _lifetimes(self, records: Sequence[ConsumerRecord]) -> Rows:
        places = (read_person_key(record.key) for record in records)
        return Rows(lifetimes=[place for place in places if isinstance(place, PersonLifetimeRow)])

    def _names(self, records: Sequence[ConsumerRecord]) -> Rows:
        start = retention_start(self.clock()) - LAST_SIGHT_SLACK
        places = ((read_person_key(record.key), record.value) for record in records if record.value is not None)
        names = (decode_name(place, value) for place, value in places if isinstance(place, NameKey))
        return Rows(names=self.erased.living(name for name in names if name.last_seen >= start))

    def _lines(self, records: Sequence[ConsumerRecord]) -> Rows:
        start = retention_start(self.clock())
        lines = itertools.chain.from_iterable(decode_lines(record.value) for record in records)
        return Rows(activities=[line for line in lines if line.occurred_at >= start])


def _extend(rows: Rows, more: Rows) -> None:
    rows.lifetimes += more.lifetimes
    rows.names += more.names
    rows.activities = [*rows.activities, *more.activities]


def _size(rows: Rows) -> int:
    return len(rows.lifetimes) + len(rows.names) + len(rows.activities)


def _left(extents: dict[int, Extent], position: dict[int, int]) -> int:
    """How many offsets lie between *position* and the end."""
    return sum(extent.end - max(extent.first, position.get(p, 0)) for p, extent in extents.items())
