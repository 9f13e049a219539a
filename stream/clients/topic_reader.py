"""Reads a topic as it is now, from any offsets to the end it had when the reading began."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from schemas.kafka import Consumer
from schemas.kafka_address import KafkaAddress
from stream.clients.kafka import kafka_answers, open_consumer
from stream.clients.topic_id import authorized_operations
from stream.errors import Unavailable

FETCH_MILLISECONDS = 1_000
MAX_RECORDS = 10_000
STALLED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Extent:
    """What a partition held when it was looked at: the first offset, and the one behind the last."""

    first: int
    end: int


class TopicReader:
    """Reads whole topics without a consumer group; nothing is committed anywhere. Open it with `open_reader`."""

    def __init__(self, consumer: Consumer, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._consumer = consumer
        self._clock = clock

    async def extents(self, topic: str) -> dict[int, Extent]:
        """What each partition of *topic* holds now. Raises `Unavailable`, for a topic that does not exist too."""
        with kafka_answers(topic):
            await self._consumer._client.set_topics([topic])  # noqa: SLF001 - nothing public asks for one topic anew
            partitions = self._consumer.partitions_for_topic(topic)
            if not partitions:
                if await authorized_operations(self._consumer._client, topic) == 0:  # noqa: SLF001 - see `Connection`
                    raise TopicAuthorizationFailedError
                raise Unavailable(f"topic {topic} does not exist")
            places = [TopicPartition(topic, partition) for partition in sorted(partitions)]
            first = await self._consumer.beginning_offsets(places)
            end = await self._consumer.end_offsets(places)
        return {place.partition: Extent(first[place], end[place]) for place in places}

    async def records(
        self, topic: str, extents: Mapping[int, Extent], start: Mapping[int, int] | None = None
    ) -> AsyncIterator[tuple[Sequence[ConsumerRecord], dict[int, int]]]:
        """The records within *extents*, in the order of each partition; with them, where to begin the next time.

        *start* names offsets to begin at instead of the first. Raises `Unavailable`, also where no partition moves for
        `STALLED_SECONDS`: one without a leader would be waited for without end.
        """
        position = {p: max(extent.first, (start or {}).get(p, 0)) for p, extent in extents.items()}
        places = [TopicPartition(topic, p) for p, extent in extents.items() if position[p] < extent.end]
        with kafka_answers(topic):
            self._consumer.assign(places)
            for place in places:
                self._consumer.seek(place, position[place.partition])
            moved_at = self._clock()
            while any(position[place.partition] < extents[place.partition].end for place in places):
                before = dict(position)
                fetched = await self._consumer.getmany(timeout_ms=FETCH_MILLISECONDS, max_records=MAX_RECORDS)
                found: list[ConsumerRecord] = []
                for place in places:
                    end = extents[place.partition].end
                    found += [record for record in fetched.get(place, ()) if record.offset < end]
                    # Not the last record's offset: compaction leaves holes, at the end of a partition too.
                    position[place.partition] = min(end, await self._consumer.position(place))
                if position != before:
                    moved_at = self._clock()
                elif self._clock() - moved_at > STALLED_SECONDS:
                    raise Unavailable(f"{topic}: no record for {STALLED_SECONDS:g} s")
                yield found, dict(position)


@asynccontextmanager
async def open_reader(kafka: KafkaAddress) -> AsyncIterator[TopicReader]:
    """A reader for as long as the block lasts. Raises `Unavailable` where no broker answers."""
    async with open_consumer(
        kafka,
        fetch_max_bytes=16 * 1024 * 1024,
        max_partition_fetch_bytes=16 * 1024 * 1024,
        # At the end of a topic a fetch waits at the broker for so long, and what is asked next waits behind it.
        fetch_max_wait_ms=20,
    ) as consumer:
        yield TopicReader(consumer)
