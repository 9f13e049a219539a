"""Off-boarding: a client space leaves, and takes its lines, names and facts along.

The mark comes first, in the topic of names and in ClickHouse. It stays for ever: without it a record that is read
again, a rebuild or a restored backup would bring the client space back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from schemas.kafka_address import KafkaAddress
from schemas.rows import PersonLifetimeRow
from schemas.topics import PERSON_NAMES_TOPIC, TOPICS
from stream.clients.kafka import open_admin
from stream.clients.topic_reader import open_reader
from stream.clients.topics import topic_config
from stream.erasure.guard import KNOWN_SECONDS
from stream.erasure.name_topic import Swept
from stream.erasure.spaces import SpaceStore
from stream.erasure.verify.topics import gone_by
from stream.pipeline.history import Message, TopicWriter
from stream.pipeline.rows.history_codec import NameKey, UnreadableHistory, off_boarded_record, read_person_key

SETTLING = timedelta(seconds=KNOWN_SECONDS) + timedelta(minutes=3)
"""How long after its mark a client space may still be written to: a worker learns of the mark within `KNOWN_SECONDS`,
and a write that it has begun by then gives up its connection, and each of its four inserts, after 30 s."""

_SETTLED = timedelta(days=1)
"""The age from which a mark needs no wait. A mark holds the time before it was written, which may have taken long."""


class SpaceTopic(Protocol):
    """The topic of names, as an off-boarding needs it. Every method raises `Unavailable`."""

    async def mark(self, client_space_id: str, at: datetime) -> None:
        """Write that the client space left *at* that time; on return the broker has it."""
        ...

    async def held(self, client_space_id: str) -> int:
        """How many names and facts of lives of the client space a reader of the whole topic is left with."""
        ...


class KafkaSpaceTopic:
    """`SpaceTopic` on the real one."""

    def __init__(self, kafka: KafkaAddress) -> None:
        self._kafka = kafka

    async def mark(self, client_space_id: str, at: datetime) -> None:
        writer = TopicWriter(self._kafka)
        try:
            await writer.write([Message(PERSON_NAMES_TOPIC, *off_boarded_record(client_space_id, at))])
        finally:
            await writer.close()

    async def held(self, client_space_id: str) -> int:
        found: set[tuple[int, bytes]] = set()
        async with open_reader(self._kafka) as reader:
            async for records, _ in reader.records(PERSON_NAMES_TOPIC, await reader.extents(PERSON_NAMES_TOPIC)):
                for record in records:
                    if not _is_of(record.key, client_space_id):
                        continue
                    if record.value is None:
                        found.discard((record.partition, record.key))
                    else:
                        found.add((record.partition, record.key))
        return len(found)


def _is_of(key: bytes | None, client_space_id: str) -> bool:
    try:
        place = read_person_key(key)
    except UnreadableHistory:
        return False
    return isinstance(place, NameKey | PersonLifetimeRow) and place.client_space_id == client_space_id


@dataclass(frozen=True, slots=True)
class OffBoarding:
    """Off-boards client spaces. A call that was cut off is repeated, and goes on."""

    store: SpaceStore
    topic: SpaceTopic
    sweep: Callable[[], Awaitable[Swept]]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    tell: Callable[[str], None] = lambda _: None

    async def run(self, client_space_id: str, left_at: datetime | None) -> Swept:
        """Remove all that can be removed now of the client space; *left_at* is the time of an earlier mark, if any.

        The answer has the records of the topic that could not be read. Raises `Unavailable`; then run again.
        """
        at = left_at or self.clock()
        await self.topic.mark(client_space_id, at)
        # Killed here: the topic alone has the mark. Nothing was removed, and every row is as it was.
        await asyncio.to_thread(self.store.mark, {client_space_id: at})
        # Killed here: workers store nothing more of it. What was stored is still shown.
        if self.clock() - at < _SETTLED:
            seconds = SETTLING.total_seconds()
            self.tell(f"the client space is marked; its rows are removed in {seconds:.0f} s, when every worker knows")
            await self.sleep(seconds)
        await asyncio.to_thread(self.store.remove)
        self.tell("ClickHouse has nothing more of it")
        # Killed here, or meanwhile: a part of the rows is gone, names first. The topic's names are left to the sweep,
        # and the workers' hourly sweep would do it, too.
        return await self.sweep()


@dataclass(frozen=True, slots=True)
class Remains:
    """What only time removes: records of *topic*, none of them later than *gone_by*, where that is known."""

    topic: str
    gone_by: datetime | None


async def what_time_removes(kafka: KafkaAddress, now: datetime) -> list[Remains]:
    """Of each topic, until when it keeps what was published until *now*. Raises `Unavailable`."""
    async with open_admin(kafka) as admin:
        return [Remains(topic.name, gone_by(await topic_config(admin, topic.name), now)) for topic in TOPICS]
