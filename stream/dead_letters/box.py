"""The kept dead letters: the port, and the Kafka topic behind it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

import structlog
from aiokafka import ConsumerRecord

from schemas.fields import from_micros
from schemas.kafka_address import KafkaAddress
from schemas.topics import DEAD_LETTERS_TOPIC, EVENTS_TOPIC
from stream.clients.kafka_producer import LastingProducer
from stream.clients.topic_reader import TopicReader, open_reader
from stream.fetch.records import MICROS_PER_MILLI
from stream.pipeline.dead_letters import MAX_BATCH_BYTES, MAX_RECORD_BYTES

log = structlog.get_logger(__name__)


class Place(NamedTuple):
    """Where the refused record lies, or lay, in the events topic."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A refused record: its own *key* and *value*, its place, and why the worker refused it.

    A crash of the worker can leave several for one place.
    """

    place: Place
    reason: str
    field: str
    recorded_at: datetime
    key: bytes | None
    value: bytes | None

    @property
    def size_bytes(self) -> int:
        """Bytes of key and value."""
        return len(self.key or b"") + len(self.value or b"")


class DeadLetterBox(Protocol):
    """The kept dead letters. One caller at a time."""

    def letters(self) -> AsyncIterator[DeadLetter]:
        """Every dead letter that the topic holds when the reading begins. Raises `Unavailable`.

        A record that no worker wrote is left out, with a warning.
        """
        ...

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Append each record, key and value to the byte, to its partition of the events topic.

        On return the broker has acknowledged all of them. Raises `Unavailable` where it may not have: send them again.
        """
        ...


class KafkaDeadLetterBox:
    """`DeadLetterBox` in Kafka. Open it with `open_box`."""

    def __init__(self, reader: TopicReader, producer: LastingProducer) -> None:
        self._reader = reader
        self._producer = producer

    async def letters(self) -> AsyncIterator[DeadLetter]:
        extents = await self._reader.extents(DEAD_LETTERS_TOPIC)
        async for records, _ in self._reader.records(DEAD_LETTERS_TOPIC, extents):
            for record in records:
                if (letter := _letter(record)) is not None:
                    yield letter

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        async with self._producer.ready() as producer:
            pending = [
                await producer.send(EVENTS_TOPIC, letter.value, key=letter.key, partition=letter.place.partition)
                for letter in letters
            ]
            for acknowledgement in pending:
                await acknowledgement


@asynccontextmanager
async def open_box(address: KafkaAddress) -> AsyncIterator[KafkaDeadLetterBox]:
    """The box for the block. Raises `Unavailable` where no broker answers."""
    producer = LastingProducer(address, "replay", max_request_bytes=MAX_RECORD_BYTES, max_batch_bytes=MAX_BATCH_BYTES)
    async with open_reader(address) as reader:
        try:
            yield KafkaDeadLetterBox(reader, producer)
        finally:
            await producer.close()


def _letter(record: ConsumerRecord) -> DeadLetter | None:
    """What *record* is about; `None`, and a warning, where no worker wrote it."""
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
    try:
        return DeadLetter(
            place=Place(int(headers["partition"]), int(headers["offset"])),
            reason=headers["reason"],
            field=headers["field"],
            recorded_at=from_micros(int(headers["recorded_at_ms"]) * MICROS_PER_MILLI),
            key=record.key,
            value=record.value,
        )
    except (KeyError, ValueError, OverflowError):
        log.warning(
            "no worker wrote this record", topic=DEAD_LETTERS_TOPIC, partition=record.partition, offset=record.offset
        )
        return None
