"""The two long-lived topics from which the whole log can be built again: the port, and Kafka behind it."""

import asyncio
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.kafka import Producer
from schemas.kafka_address import KafkaAddress
from schemas.rows import ActivityRow
from schemas.topics import ACTIVITY_LOG_TOPIC, PERSON_NAMES_TOPIC
from stream.clients.kafka_producer import LastingProducer
from stream.pipeline.published_names import Due, NameGuard, PublishedNames
from stream.pipeline.rows.history_codec import encode_lines, lifetime_records
from stream.pipeline.rows.lines import Lines
from stream.pipeline.rows.rows import Rows

MAX_LINES = 500
"""Lines in one record; with every text as long as it may be, a megabyte and a half."""

MAX_BATCH_BYTES = 512 * 1024
MAX_REQUEST_BYTES = 16 * 1024 * 1024


class Message(NamedTuple):
    """A record to publish. Without a value it overwrites what has its key; without a partition that follows from it."""

    topic: str
    key: bytes
    value: bytes | None
    timestamp_ms: int | None = None
    partition: int | None = None


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

    def __init__(self, kafka: KafkaAddress, guard: NameGuard) -> None:
        self._topics = TopicWriter(kafka)
        self._guard = guard
        self._names = PublishedNames()

    async def publish(self, rows: Rows) -> None:
        # In a thread: of a full batch that takes a while, and the event loop must go on answering the group.
        due, messages = await asyncio.to_thread(self._messages, rows)
        await self._topics.write(messages)
        # Only now: what was not acknowledged is published again.
        self._names.remember(due)

    def _messages(self, rows: Rows) -> tuple[list[Due], list[Message]]:
        """The names in *rows* that are due, and a record for each of them, each lifetime, and some lines each."""
        due = self._names.due(rows.names, self._guard)
        messages = [Message(PERSON_NAMES_TOPIC, *record) for record in lifetime_records(rows.lifetimes)]
        messages += [Message(PERSON_NAMES_TOPIC, name.key, name.value) for name in due]
        return due, messages + line_messages(rows.activities)

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


class TopicWriter:
    """Writes records in whole batches, and knows each of them to be written. One caller at a time.

    A record's partition is a function of its key, unless it names one. Records are put into batches here: sent one by
    one, each would cost more than the rest of the worker's work on it.
    """

    def __init__(self, kafka: KafkaAddress) -> None:
        self._producer = LastingProducer(
            kafka, "history", max_request_bytes=MAX_REQUEST_BYTES, max_batch_bytes=MAX_BATCH_BYTES
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


async def _batches(producer: Producer, messages: Iterable[Message]) -> list[tuple[tuple[str, int], BatchBuilder]]:
    """*messages* in batches for their partitions, in their order."""
    partitions: dict[str, list[int]] = {}
    filled: list[tuple[tuple[str, int], BatchBuilder]] = []
    open_batches: dict[tuple[str, int], BatchBuilder] = {}
    for message in messages:
        if message.topic not in partitions:
            partitions[message.topic] = sorted(await producer.partitions_for(message.topic))
        of_topic = partitions[message.topic]
        partition = message.partition
        if partition is None:
            partition = of_topic[zlib.crc32(message.key) % len(of_topic)]
        place = message.topic, partition
        entry = {"timestamp": message.timestamp_ms, "key": message.key, "value": message.value}
        batch = open_batches.get(place)
        if batch is None or batch.append(**entry) is None:
            batch = open_batches[place] = producer.create_batch()
            filled.append((place, batch))
            # A batch takes its first record whatever its size.
            batch.append(**entry)
    return filled
