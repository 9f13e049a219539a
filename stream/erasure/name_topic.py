"""The topic of names, as the eraser needs it: what must go is found by reading it, and overwritten."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiokafka import ConsumerRecord

from schemas.kafka_address import KafkaAddress
from schemas.rows import PersonLifetimeRow
from schemas.topics import PERSON_NAMES_TOPIC
from stream.clients.topic_reader import Extent, TopicReader, open_reader
from stream.erasure.guard import ErasedPersons
from stream.erasure.rules import PersonKey, left_of_record
from stream.pipeline.history import Message, TopicWriter
from stream.pipeline.rows.history_codec import (
    NameKey,
    OffBoarded,
    SegmentRoll,
    UnreadableHistory,
    decode_name,
    read_person_key,
    segment_roll_record,
)
from stream.pipeline.unreadable import place_of

Place = tuple[int, bytes]
"""A partition and a key in it. After partitions were added, several may hold a record of one key."""


@dataclass(frozen=True, slots=True)
class Swept:
    """How many names a sweep overwrote, and where records lie that it left because it cannot read them."""

    overwritten: int
    unreadable: tuple[str, ...] = ()


class NameTopic(Protocol):
    """The topic of names."""

    async def sweep(self, erased: ErasedPersons, expired: datetime) -> Swept:
        """Overwrite every name that must go for an erasure, or that was seen last before *expired*.

        Of a client space that has left, every name and every fact of a life goes.

        A name that a worker publishes meanwhile for a life that has just begun is there on return.

        A name that this version cannot read goes where its key tells that its person was ever deleted; it comes back
        with the next event that bears it. Everybody else's is left: a newer version may have written it. What has no
        key that this version can read is left, too, and nothing unreadable keeps the others from being erased.

        On return the broker has the overwriting records, and no reader that reads to the end is left with such a name.
        The overwritten bytes leave its disk when it next compacts, which the sweeps after this one bring about without
        any other traffic. Raises `Unavailable`; then sweep again.
        """
        ...


class KafkaNameTopic:
    """`NameTopic` on the real one.

    It is read whole. To know the keys of a person instead would take an index, and that would have to be right under
    every race between a worker that publishes a name and one that learns of the deletion; what is read is right.
    """

    def __init__(self, kafka: KafkaAddress) -> None:
        self._kafka = kafka

    async def sweep(self, erased: ErasedPersons, expired: datetime) -> Swept:
        writer = TopicWriter(self._kafka)
        try:
            async with open_reader(self._kafka) as reader:
                return await _Sweep(reader, writer, erased, expired).run()
        finally:
            await writer.close()


@dataclass(frozen=True, slots=True)
class _Sweep:
    """One sweep. It never judges by what was known before it read, and overwrites a name where it lies.

    A worker stores the beginning of a life before it publishes a name of it. So whatever was read, the store knows by
    then which life it is of.
    """

    reader: TopicReader
    writer: TopicWriter
    erased: ErasedPersons
    expired: datetime

    async def run(self) -> Swept:
        extents, suspects = await self._suspects()
        due, unreadable = await asyncio.to_thread(self._judged, suspects)
        # Killed here: nothing was overwritten.
        await self._write(due, extents)
        # Killed here: what a worker published in between under an overwritten key is hidden, until it is seen again.
        overwritten = len(due)
        while due:
            extents, due = await self._hidden(due, extents)
            # Each of these may in turn hide what came in between.
            await self._write(due)
        return Swept(overwritten, unreadable)

    async def _suspects(self) -> tuple[dict[int, Extent], list[ConsumerRecord]]:
        """How far the topic was read, and the last record of each key, of those that may have to go."""
        await asyncio.to_thread(self.erased.refresh)
        extents = await self.reader.extents(PERSON_NAMES_TOPIC)
        found: dict[Place, ConsumerRecord] = {}
        async for record in self._records(extents):
            found.pop((record.partition, record.key), None)
            if self._is_suspect(record):
                found[record.partition, record.key] = record
        return extents, list(found.values())

    def _is_suspect(self, record: ConsumerRecord) -> bool:
        if record.value is None:
            return False
        try:
            place = read_person_key(record.key)
            if isinstance(place, SegmentRoll | OffBoarded):
                return False
            has_left = place.client_space_id in self.erased.off_boarded()
            if has_left or isinstance(place, PersonLifetimeRow):
                return has_left
            if self.erased.was_erased(str(place.person_ref)):
                return True
            return decode_name(place, record.value).last_seen < self.expired
        except UnreadableHistory:
            return True

    def _judged(self, records: Collection[ConsumerRecord]) -> tuple[dict[Place, bytes | None], tuple[str, ...]]:
        """By place, what must be written over some of *records*; and where those lie that cannot be read.

        It asks the store anew, for it knows by now of every life that a record tells of. Blocks.
        """
        self.erased.refresh()
        erasures, off_boarded = self.erased.erasures(_persons(records)), self.erased.off_boarded()
        due: dict[Place, bytes | None] = {}
        unreadable = []
        for record in records:
            try:
                kept = left_of_record(record.key, record.value, erasures, self.expired, off_boarded)
            except UnreadableHistory:
                unreadable.append(place_of(record))
                continue
            if kept != record.value:
                due[record.partition, record.key] = kept
        return due, tuple(unreadable)

    async def _hidden(
        self, written: Mapping[Place, bytes | None], before: Mapping[int, Extent]
    ) -> tuple[dict[int, Extent], dict[Place, bytes | None]]:
        """What came in behind *before* and was hidden by what this sweep has *written*, as it may be kept.

        The answer is how far that goes, and the values by place.
        """
        extents = await self.reader.extents(PERSON_NAMES_TOPIC)
        others: dict[Place, ConsumerRecord] = {}
        last: dict[Place, bytes | None] = {}
        async for record in self._records(extents, {partition: extent.end for partition, extent in before.items()}):
            place = record.partition, record.key
            if place in written:
                last[place] = record.value
                if record.value != written[place]:
                    others[place] = record
        due, _ = await asyncio.to_thread(self._judged, others.values())
        kept = {place: due.get(place, record.value) for place, record in others.items()}
        return extents, {
            place: value
            for place, value in kept.items()
            if value is not None and last[place] == written[place] and value != written[place]
        }

    async def _records(
        self, extents: Mapping[int, Extent], start: Mapping[int, int] | None = None
    ) -> AsyncIterator[ConsumerRecord]:
        async for records, _ in self.reader.records(PERSON_NAMES_TOPIC, extents, start):
            for record in records:
                yield record

    async def _write(self, values: Mapping[Place, bytes | None], rolled: Iterable[int] = ()) -> None:
        """Write *values*, each into its partition, and a segment roll to each of the partitions *rolled*."""
        messages = [
            Message(PERSON_NAMES_TOPIC, key, value, partition=partition) for (partition, key), value in values.items()
        ]
        # The broker compacts no segment that it writes to. Where nobody publishes, these end the last sweep's.
        messages += [
            Message(PERSON_NAMES_TOPIC, *segment_roll_record(partition), partition=partition) for partition in rolled
        ]
        await self.writer.write(messages)


def _persons(records: Iterable[ConsumerRecord]) -> set[PersonKey]:
    found = set()
    for record in records:
        try:
            place = read_person_key(record.key)
        except UnreadableHistory:
            continue
        if isinstance(place, NameKey):
            found.add(PersonKey(place.client_space_id, place.person_ref))
    return found
