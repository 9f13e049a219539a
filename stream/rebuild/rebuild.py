"""Fills a second database from the two long-lived topics. The workers may go on meanwhile."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import compress
from typing import Any, cast

from aiokafka import ConsumerRecord

from schemas.fields import to_micros
from schemas.retention import retention_start
from schemas.rows import PersonLifetimeRow, PersonNameRow
from schemas.topics import ACTIVITY_LOG_TOPIC, PERSON_NAMES_TOPIC
from stream.clients.topic_reader import Extent, TopicReader
from stream.erasure.guard import ErasedPersons
from stream.erasure.ledger import LeftSpace, fact_in
from stream.erasure.spaces import SpaceStore
from stream.errors import RebuildRefused
from stream.pipeline.published_names import LAST_SIGHTING_SLACK
from stream.pipeline.rows.history_codec import NameKey, UnreadableHistory, decode_lines, decode_name, read_person_key
from stream.pipeline.rows.lines import LineColumns, Lines
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import LogSink
from stream.pipeline.unreadable import UnreadableRecords
from stream.rebuild.store import RebuildStore

ROWS_PER_INSERT = 50_000
CLOSE_ENOUGH = 100
"""Once a round finds no more records than this, the rebuild has caught up with workers that go on."""

MAX_ROUNDS = 20


@dataclass(slots=True)
class Pile:
    """What was read and is not stored yet."""

    lifetimes: list[PersonLifetimeRow] = field(default_factory=list)
    names: list[PersonNameRow] = field(default_factory=list)
    lines: tuple[list[Any], ...] = field(default_factory=lambda: tuple([] for _ in LineColumns._fields))
    off_boarded: dict[str, datetime] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lifetimes) + len(self.names) + len(self.lines[0])

    def rows(self) -> Rows:
        """All of it but client spaces."""
        return Rows(self.lifetimes, self.names, Lines(LineColumns._make(self.lines)))


Turn = Callable[[Sequence[ConsumerRecord], Pile], None]
"""Adds what records hold to a pile. Blocks."""

Report = Callable[[str, int, int], None]
"""Tells of a pass, by its name, how many of how many records it has read."""


@dataclass(slots=True)
class Rebuild:
    """One rebuild; `load` may be repeated, and goes on where it was cut off."""

    store: RebuildStore
    sink: LogSink
    erased: ErasedPersons
    spaces: SpaceStore
    reader: TopicReader
    report: Report = lambda *_: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    unreadable: UnreadableRecords = field(default_factory=lambda: UnreadableRecords(refuses=True))

    async def load(self) -> None:
        """Fill the database until it has all but caught up with the topics. Raises `Unavailable`; then load again.

        Raises `UnreadableRecord` for a record that this version cannot read, since it may be a deletion; *unreadable*
        can allow to leave it out. A name of a person who was ever deleted is left out, as the sweep overwrites it.
        Raises `RebuildRefused` where a topic was made anew since an earlier run read it.
        """
        await asyncio.to_thread(self.store.prepare)
        for _ in range(MAX_ROUNDS):
            if await self.catch_up() <= CLOSE_ENOUGH:
                return

    async def catch_up(self) -> int:
        """Read what the topics have gained since they were read; the answer is the number of records.

        Lifetimes first, names second, lines last, as the worker stores them. A name that a sweep has overwritten can
        still be in the topic: the lifetimes say that its person was erased, or it has expired. Lines of a client space
        that has left are in the topic for a year: the mark among the lifetimes keeps them out.
        """
        count = await self._pass("lifetimes", PERSON_NAMES_TOPIC, self._lifetimes)
        await asyncio.to_thread(self.erased.refresh)
        # It may have left since an earlier round.
        await asyncio.to_thread(self.spaces.remove)
        count += await self._pass("names", PERSON_NAMES_TOPIC, self._names)
        return count + await self._pass("lines", ACTIVITY_LOG_TOPIC, self._lines)

    async def _pass(self, name: str, topic: str, turn: Turn) -> int:
        start = await asyncio.to_thread(self.store.progress, name)
        extents = await self.reader.extents(topic)
        refuse_another_topic(topic, extents, start)
        total = _left(extents, start)
        pile, position, storing = Pile(), dict[int, int](), asyncio.create_task(asyncio.sleep(0))
        try:
            async for records, position in self.reader.records(topic, extents, start):
                await asyncio.to_thread(turn, records, pile)
                if len(pile) >= ROWS_PER_INSERT:
                    # While ClickHouse stores one pile, the next is read.
                    await storing
                    storing = asyncio.create_task(self._store(name, pile, position))
                    pile = Pile()
                self.report(name, total - _left(extents, position), total)
        finally:
            await storing
        if position:
            await self._store(name, pile, position)
        return total

    async def _store(self, name: str, pile: Pile, position: dict[int, int]) -> None:
        if pile.off_boarded:
            await asyncio.to_thread(self.spaces.mark, pile.off_boarded)
        await asyncio.to_thread(self.sink.write, pile.rows())
        # Killed here: the rows are there and will be inserted again; the tables fold the copies.
        await asyncio.to_thread(self.store.advance, name, position)

    def _lifetimes(self, records: Sequence[ConsumerRecord], pile: Pile) -> None:
        found = [self.unreadable.read(record, fact_in) for record in records]
        pile.lifetimes += [fact for fact in found if isinstance(fact, PersonLifetimeRow)]
        pile.off_boarded.update(fact for fact in found if isinstance(fact, LeftSpace))

    def _names(self, records: Sequence[ConsumerRecord], pile: Pile) -> None:
        start = retention_start(self.clock()) - LAST_SIGHTING_SLACK
        found = (self.unreadable.read(record, self._name_in) for record in records)
        pile.names += self.erased.living([name for name in found if name is not None and name.last_seen >= start])

    def _name_in(self, record: ConsumerRecord) -> PersonNameRow | None:
        if record.value is None:
            return None
        place = read_person_key(record.key)
        if not isinstance(place, NameKey) or place.client_space_id in self.erased.off_boarded():
            return None
        try:
            return decode_name(place, record.value)
        except UnreadableHistory:
            if self.erased.was_erased(str(place.person_ref)):
                return None
            raise

    def _lines(self, records: Sequence[ConsumerRecord], pile: Pile) -> None:
        start = to_micros(retention_start(self.clock()))
        for record in records:
            lines = self.unreadable.read(record, _lines_in)
            if lines is None or _is_of(lines, self.erased.off_boarded()):
                continue
            columns: Sequence[Sequence[object]] = lines.columns
            is_shown = [at >= start for at in cast("LineColumns", columns).occurred_at]
            if not all(is_shown):
                columns = [list(compress(column, is_shown)) for column in columns]
            for column, more in zip(pile.lines, columns, strict=True):
                column.extend(more)


def refuse_another_topic(topic: str, extents: Mapping[int, Extent], start: Mapping[int, int]) -> None:
    """Raise `RebuildRefused` where *topic* ends before *start*, up to which an earlier run has read it."""
    if any(offset > extents[p].end if p in extents else offset > 0 for p, offset in start.items()):
        raise RebuildRefused(
            f"topic {topic} ends before what this rebuild has read of it: it was made anew."
            " Drop the rebuild (`audit-stream rebuild drop`) and begin again"
        )


def _lines_in(record: ConsumerRecord) -> Lines:
    return decode_lines(record.value or b"")


def _is_of(lines: Lines, spaces: Collection[str]) -> bool:
    """Whether *lines*, all of one client space, are of one of *spaces*."""
    return bool(spaces) and any(space in spaces for space in lines.columns.client_space_id[:1])


def _left(extents: dict[int, Extent], position: dict[int, int]) -> int:
    """How many offsets lie between *position* and the end."""
    return sum(extent.end - max(extent.first, position.get(p, 0)) for p, extent in extents.items())
