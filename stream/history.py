"""The two long-lived topics from which the whole log can be built again: the port, and Kafka behind it."""

import asyncio
import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.history import NameKey, encode_lines, encode_name, lifetime_record
from schemas.lines import Lines
from schemas.rows import ActivityRow, PersonNameRow
from schemas.topics import ACTIVITY_LOG_TOPIC, PERSON_NAMES_TOPIC
from stream.batches import Rows
from stream.kafka_producer import LastingProducer

MAX_LINES = 500
"""Lines in one record; with every text as long as it may be, a megabyte and a half."""

MAX_BATCH_BYTES = 512 * 1024
MAX_REQUEST_BYTES = 16 * 1024 * 1024
MAX_REMEMBERED_NAMES = 30_000

LAST_SIGHT_SLACK = timedelta(days=7)
"""How much later than published a name may have been seen. To publish every sight would cost as much as all the rest of
a record's way. Who asks for the last sight, to let a name expire, can wait as long as Kafka keeps the event itself."""


_NO_SLACK = timedelta(0)
_Person = tuple[str, UUID]
_Name = tuple[str, UUID, str, str]


class NameGuard(Protocol):
    """What keeps names of erased persons out; see `ErasedPersons`."""

    def living(self, rows: Iterable[PersonNameRow]) -> list[PersonNameRow]:
        """Those of *rows* that may be kept, as they may be kept."""
        ...

    def was_erased(self, row: PersonNameRow) -> bool:
        """Whether the person of *row* was ever deleted."""
        ...


class Message(NamedTuple):
    """A record to publish. Without a value it overwrites what has its key."""

    topic: str
    key: bytes
    value: bytes | None
    timestamp_ms: int | None = None


class History(Protocol):
    """The log's second home, beside the store. One caller at a time."""

    async def publish(self, rows: Rows) -> None:
        """Publish *rows*, but for names of erased persons; on return the broker has all of them.

        Raises `Unavailable` where it may not have: publish all of them again. A row may thus be there twice, as it may
        after a replay; who reads the history folds the copies.
        """
        ...


class KafkaHistory:
    """`History` in two topics of the same cluster."""

    def __init__(self, bootstrap_servers: str, guard: NameGuard) -> None:
        self._topics = TopicWriter(bootstrap_servers)
        self._guard = guard
        self._names = PublishedNames()

    async def publish(self, rows: Rows) -> None:
        """See `History.publish`."""
        due = self._names.due(rows.names, self._guard)
        messages = [Message(PERSON_NAMES_TOPIC, *lifetime_record(row)) for row in rows.lifetimes]
        messages += [Message(PERSON_NAMES_TOPIC, key.encoded(), encode_name(row)) for key, row in due]
        messages += line_messages(rows.activities)
        await self._topics.write(messages)
        # Only now: what was not acknowledged is published again.
        self._names.remember(due)

    async def close(self) -> None:
        """End the producer; the next `publish` starts another."""
        await self._topics.close()


def line_messages(rows: Sequence[ActivityRow]) -> list[Message]:
    """*rows* as records of the activity log, each of one client space."""
    messages = []
    for space, of_space in Lines.of(rows).by_client_space().items():
        for start in range(0, len(of_space), MAX_LINES):
            part = of_space[start : start + MAX_LINES]
            newest_ms = max(part.columns.recorded_at) // 1000
            messages.append(Message(ACTIVITY_LOG_TOPIC, space.encode(), encode_lines(space, part), newest_ms))
    return messages


@dataclass(slots=True, eq=False)
class _Sights:
    """What this process knows of one name: under which number it is published, over which span, and the span seen.

    *is_one_of_several* tells whether its person was seen under another name, too.
    """

    name: _Name
    serial: int
    first_seen: datetime
    last_seen: datetime
    is_one_of_several: bool = False
    published: PersonNameRow | None = None

    def is_due(self, row: PersonNameRow) -> bool:
        """Whether what was seen, the last time as *row*, must be published."""
        published = self.published
        return (
            published is None
            or self.first_seen < published.first_seen
            or self.last_seen - published.last_seen > (_NO_SLACK if self.is_one_of_several else LAST_SIGHT_SLACK)
            or row.person_id != published.person_id
        )

    def spanning(self, row: PersonNameRow) -> PersonNameRow:
        """*row* over all of what was seen."""
        if row.first_seen == self.first_seen and row.last_seen == self.last_seen:
            return row
        return row._replace(first_seen=self.first_seen, last_seen=self.last_seen)


@dataclass(slots=True)
class PublishedNames:
    """What this process has published of each name, so that a compacted topic keeps its first sight as well.

    The broker keeps the last record of a key, and that must tell the whole span over which a name was seen. No process
    knows the whole span; so each writes under keys of its own, an *epoch*, and a reader unites them. Nothing need be
    asked of the store for that, and two workers cannot overwrite each other. What is forgotten starts a new epoch.
    """

    epoch: str = field(default_factory=lambda: uuid4().hex[:16])
    _known: dict[_Name, _Sights] = field(default_factory=dict)
    _first_names: dict[_Person, _Sights] = field(default_factory=dict)
    # Sights that did not matter before their person was seen under a second name.
    _owed: dict[_Name, PersonNameRow] = field(default_factory=dict)
    # Never used twice in a process, whatever was published of what was due.
    _serials: Iterator[int] = field(default_factory=itertools.count)

    def due(self, rows: Sequence[PersonNameRow], guard: NameGuard) -> list[tuple[NameKey, PersonNameRow]]:
        """The records that *rows* call for: none for a sighting within the span that is published, but for a week.

        For somebody of whom this process has seen several names every sight is due: which of them a line shows depends
        on the last one, too.
        """
        if len(self._known) > MAX_REMEMBERED_NAMES:
            for memory in (self._known, self._first_names, self._owed):
                memory.clear()
            self.epoch = uuid4().hex[:16]
        seen = [(self._noted(row), row) for row in rows]
        seen += [(self._known[name], row) for name, row in self._owed.items()]
        due: dict[_Name, tuple[NameKey, PersonNameRow]] = {}
        for sights, row in seen:
            # Of a person who was ever erased the sweep may have taken away what was published, and what counts is to
            # which side of a creation the last sight lies.
            if sights.is_due(row) or guard.was_erased(row):
                # The span as a whole is judged: it may reach back into a life that has ended since it was published.
                kept = guard.living([sights.spanning(row)])
                if not kept:
                    self._forget(sights)
                for span in kept:
                    sights.first_seen = span.first_seen
                    key = NameKey(row.client_space_id, row.person_ref, self.epoch, sights.serial)
                    due[sights.name] = key, span
        return list(due.values())

    def remember(self, published: Iterable[tuple[NameKey, PersonNameRow]]) -> None:
        """Note that the broker has *published*."""
        for _, row in published:
            name = _name_of(row)
            self._known[name].published = row
            self._owed.pop(name, None)

    def _noted(self, row: PersonNameRow) -> _Sights:
        """What is known of the name of *row*, *row* included."""
        name = _name_of(row)
        sights = self._known.get(name)
        if sights is None:
            sights = self._known[name] = _Sights(name, next(self._serials), row.first_seen, row.last_seen)
            first = self._first_names.setdefault(name[:2], sights)
            if first is not sights:
                first.is_one_of_several = sights.is_one_of_several = True
                if first.published is not None and first.is_due(first.published):
                    self._owed[first.name] = first.published
        elif row.last_seen > sights.last_seen or row.first_seen < sights.first_seen:
            sights.first_seen = min(sights.first_seen, row.first_seen)
            sights.last_seen = max(sights.last_seen, row.last_seen)
        return sights

    def _forget(self, sights: _Sights) -> None:
        self._known.pop(sights.name, None)
        self._owed.pop(sights.name, None)
        if self._first_names.get(sights.name[:2]) is sights:
            del self._first_names[sights.name[:2]]


def _name_of(row: PersonNameRow) -> _Name:
    return row.client_space_id, row.person_ref, row.username, row.display_name


class TopicWriter:
    """Writes records in whole batches, and knows each of them to be written. One caller at a time.

    A record's partition is a function of its key. Records are put into batches here: sent one by one, each would cost
    more than the rest of the worker's work on it.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        self._producer = LastingProducer(
            bootstrap_servers, "history", max_request_bytes=MAX_REQUEST_BYTES, max_batch_bytes=MAX_BATCH_BYTES
        )

    async def write(self, messages: Sequence[Message]) -> None:
        """Write *messages*; on return the broker has all of them. Raises `Unavailable` where it may not have."""
        if not messages:
            return
        async with self._producer.ready() as producer:
            sent = [
                await producer.send_batch(batch, topic, partition=partition)
                for (topic, partition), batch in await _batches(producer, messages)
            ]
            await asyncio.gather(*sent)

    async def close(self) -> None:
        """End the producer; the next `write` starts another."""
        await self._producer.close()


async def _batches(
    producer: AIOKafkaProducer, messages: Iterable[Message]
) -> list[tuple[tuple[str, int], BatchBuilder]]:
    """*messages* in batches for their partitions, in their order."""
    partitions: dict[str, list[int]] = {}
    filled: list[tuple[tuple[str, int], BatchBuilder]] = []
    open_batches: dict[tuple[str, int], BatchBuilder] = {}
    for message in messages:
        if message.topic not in partitions:
            partitions[message.topic] = sorted(await producer.partitions_for(message.topic))
        of_topic = partitions[message.topic]
        place = message.topic, of_topic[zlib.crc32(message.key) % len(of_topic)]
        entry = {"timestamp": message.timestamp_ms, "key": message.key, "value": message.value}
        batch = open_batches.get(place)
        if batch is None or batch.append(**entry) is None:
            batch = open_batches[place] = producer.create_batch()
            filled.append((place, batch))
            # A batch takes its first record whatever its size.
            batch.append(**entry)
    return filled
