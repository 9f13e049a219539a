"""Reads dead letters back, and closes them: by sending them to the events topic again, or by leaving them behind.

Open is what was neither replayed nor discarded (`dead_letter_ledger`). A run looks at what was there when it began: a
replayed record that is refused again is a new dead letter, for another run.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from aiokafka import ConsumerRecord, OffsetAndMetadata, TopicPartition

from schemas.fields import from_micros
from schemas.kafka_address import KafkaAddress
from schemas.topics import DEAD_LETTERS_TOPIC, EVENTS_TOPIC
from stream.clients.kafka import kafka_answers, open_admin, open_consumer
from stream.clients.kafka_producer import LastingProducer
from stream.dead_letters.ledger import Ledger
from stream.errors import Unavailable
from stream.fetch.records import MICROS_PER_MILLI
from stream.health.probes import partition_numbers
from stream.pipeline.dead_letters import MAX_BATCH_BYTES, MAX_RECORD_BYTES

LETTERS_PER_COMMIT = 100
"""What a crash may make a replay send again."""

_SILENCE_SECONDS = 30.0
_WHAT = "dead letters"


class Place(NamedTuple):
    """Where the record lies, or lay, in the events topic."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter: the record's own *key* and *value*, its place, and what the worker said of it.

    *at* is the dead letter's own partition and offset. A crash of the worker can leave several of one place.
    """

    at: tuple[int, int]
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
    """The kept dead letters and the ledgers over them. One caller at a time."""

    def letters(self) -> AsyncIterator[DeadLetter]:
        """Every dead letter that was there when the box was opened, in order. Raises `Unavailable`."""
        ...

    def ledger(self, partition: int) -> Ledger:
        """Which of *partition* are open. What is closed in it lasts once `save` has returned."""
        ...

    async def replay(self, letters: Sequence[DeadLetter]) -> None:
        """Append each record, key and value as they came, to its partition of the events topic.

        On return the broker has all of them. Raises `Unavailable` where it may not have: replaying again is harmless,
        since the event keeps its id.
        """
        ...

    async def save(self) -> None:
        """Remember the ledgers. Raises `Unavailable`, or `LedgerFull`."""
        ...


@dataclass(frozen=True, slots=True)
class Selection:
    """Which open dead letters a run is about: those of *reason*, all without one, and *at_most* so many records."""

    reason: str | None = None
    at_most: int | None = None

    def matches(self, letter: DeadLetter) -> bool:
        """Whether the reason is the chosen one."""
        return self.reason is None or letter.reason == self.reason


async def open_letters(box: DeadLetterBox, selection: Selection) -> AsyncIterator[DeadLetter]:
    """The open ones of *selection*, copies of one place included once the place is."""
    places: set[Place] = set()
    async for letter in box.letters():
        if not selection.matches(letter) or not box.ledger(letter.at[0]).is_open(letter.at[1]):
            continue
        if letter.place not in places and selection.at_most is not None and len(places) >= selection.at_most:
            continue
        places.add(letter.place)
        yield letter


async def close_letters(
    box: DeadLetterBox, selection: Selection, send: Callable[[Sequence[DeadLetter]], Awaitable[None]] | None
) -> int:
    """Close the open ones of *selection*, each after *send* has had its record; the answer counts records.

    Cut off anywhere, it is simply run again: at most `LETTERS_PER_COMMIT` records are then sent twice, and fold.
    """
    sent: set[Place] = set()
    due: list[DeadLetter] = []

    async def settle() -> None:
        fresh = list({letter.place: letter for letter in due if letter.place not in sent}.values())
        if send is not None:
            await send(fresh)
        # Killed here: the records are in the events topic, and their dead letters are still open; they are sent again.
        sent.update(letter.place for letter in fresh)
        for letter in due:
            box.ledger(letter.at[0]).close(letter.at[1])
        await box.save()
        due.clear()

    async for letter in open_letters(box, selection):
        due.append(letter)
        if len(due) >= LETTERS_PER_COMMIT:
            await settle()
    if due:
        await settle()
    return len(sent)


class KafkaDeadLetterBox:
    """`DeadLetterBox` in Kafka. The ledgers are the commits of *group*, which has no members.

    Two runs at once do no harm but this: what one closed, the other may open again.
    """

    def __init__(self, address: KafkaAddress, group: str) -> None:
        self._address = address
        self._group = group
        self._resources = AsyncExitStack()
        self._producer = LastingProducer(
            address, "replay", max_request_bytes=MAX_RECORD_BYTES, max_batch_bytes=MAX_BATCH_BYTES
        )
        self._resources.push_async_callback(self._producer.close)
        self._starts: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._ledgers: dict[int, Ledger] = {}
        self._changed = False

    async def __aenter__(self) -> Self:
        try:
            with kafka_answers(_WHAT):
                await self._open()
        except BaseException:
            await self._resources.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._resources.aclose()

    async def letters(self) -> AsyncIterator[DeadLetter]:
        """See `DeadLetterBox.letters`."""
        for partition, end in self._ends.items():
            if self._starts[partition] >= end:
                continue
            self._consumer.assign([partition])
            self._consumer.seek(partition, self._starts[partition])
            while await self._position(partition) < end:
                for record in await self._fetch(partition):
                    if record.offset < end:
                        yield _letter(record)

    def ledger(self, partition: int) -> Ledger:
        """See `DeadLetterBox.ledger`."""
        return self._ledgers[partition]

    async def replay(self, letters: Sequence[DeadLetter]) -> None:
        """See `DeadLetterBox.replay`."""
        async with self._producer.ready() as producer:
            pending = [
                await producer.send(EVENTS_TOPIC, letter.value, key=letter.key, partition=letter.place.partition)
                for letter in letters
            ]
            for acknowledgement in pending:
                await acknowledgement

    async def save(self) -> None:
        """See `DeadLetterBox.save`."""
        commits = {
            partition: OffsetAndMetadata(ledger.first_open, ledger.text())
            for partition in self._ends
            for ledger in [self._ledgers[partition.partition]]
        }
        with kafka_answers(_WHAT):
            await self._review.commit(commits)

    async def _open(self) -> None:
        enter = self._resources.enter_async_context
        self._consumer = await enter(
            open_consumer(self._address, _WHAT, auto_offset_reset="earliest", max_partition_fetch_bytes=8 * 1024 * 1024)
        )
        self._review = await enter(open_consumer(self._address, _WHAT, group_id=self._group))
        admin = await enter(open_admin(self._address, _WHAT))
        numbers = await partition_numbers(admin, DEAD_LETTERS_TOPIC)
        partitions = [TopicPartition(DEAD_LETTERS_TOPIC, number) for number in numbers]
        self._starts = await self._consumer.beginning_offsets(partitions)
        self._ends = await self._consumer.end_offsets(partitions)
        # A commit is only taken for what is assigned; paused, nothing is fetched for it.
        self._review.assign(partitions)
        self._review.pause(*partitions)
        for partition in partitions:
            self._ledgers[partition.partition] = await self._read_ledger(partition)

    async def _read_ledger(self, partition: TopicPartition) -> Ledger:
        # `committed()` leaves the metadata out.
        found = await self._review._coordinator.fetch_committed_offsets([partition])  # noqa: SLF001 - see above
        start = self._starts[partition]
        commit = found.get(partition)
        if commit is None or commit.offset < 0:
            return Ledger(start, [])
        ledger = Ledger.read(commit.offset, commit.metadata or "")
        ledger.forget_before(start)
        return ledger

    async def _position(self, partition: TopicPartition) -> int:
        with kafka_answers(_WHAT):
            position: int = await self._consumer.position(partition)
        return position

    async def _fetch(self, partition: TopicPartition) -> Sequence[ConsumerRecord]:
        try:
            with kafka_answers(_WHAT):
                async with asyncio.timeout(_SILENCE_SECONDS):
                    while not (fetched := await self._consumer.getmany(partition, timeout_ms=1000)):
                        pass
        except TimeoutError:
            raise Unavailable("dead letters: Kafka sends nothing") from None
        records: Sequence[ConsumerRecord] = fetched[partition]
        return records


def _letter(record: ConsumerRecord) -> DeadLetter:
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    return DeadLetter(
        at=(record.partition, record.offset),
        place=Place(int(headers["partition"]), int(headers["offset"])),
        reason=headers["reason"],
        field=headers["field"],
        recorded_at=from_micros(int(headers["recorded_at_ms"]) * MICROS_PER_MILLI),
        key=record.key,
        value=record.value,
    )
