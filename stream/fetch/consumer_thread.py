"""The thread in which aiokafka's consumer runs, as Faust has it, but for what it reads and what it commits.

It reads committed transactions only. A commit carries the id of the topic that its offset counts in, so that the offset
is not taken for one of a topic that was made later under the same name.
"""

from collections.abc import Mapping
from typing import cast
from uuid import UUID

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from schemas.kafka import Consumer
from stream.clients.fetched_records import read_every_header
from stream.clients.topic_id import topic_id
from stream.fetch.broker import following

log = structlog.get_logger(__name__)


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's thread. Its methods may be called from the event loop of Faust's consumer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.topic_ids: dict[str, UUID | None] = {}
        """The ids of the topics in which the present generation reads and commits."""

    def _create_worker_consumer(self, transport: driver.Transport) -> Consumer:
        read_every_header()
        consumer = following(super()._create_worker_consumer(transport), self.app)
        # Faust reads so only in its exactly-once mode. What was aborted is no event.
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - guarded by `tests/contract/test_faust.py`
        return consumer

    async def seek_to_committed(self) -> Mapping[TP, int | None]:  # type: ignore[override]
        """Seek every assigned partition to the group's offset, or to 0 where that counts in another topic.

        The answer has these offsets, and `None` where the group has none.
        """
        return cast("Mapping[TP, int | None]", await self.call_thread(self._seek_to_committed))

    async def rejoin(self) -> None:
        """Have this worker's partitions assigned anew, by what the brokers know of the topic now."""
        await self.call_thread(self._rejoin)

    def member_id(self) -> str:
        """The name that the group's coordinator has given to this worker; empty before it has."""
        return "" if self._consumer is None else str(self._consumer._coordinator.member_id)  # noqa: SLF001 - as above

    async def _seek_to_committed(self) -> Mapping[TP, int | None]:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        if not assigned:
            raise IllegalStateError("no partition is assigned")
        topics = {tp.topic for tp in assigned}
        self.topic_ids = {topic: await topic_id(consumer._client, topic) for topic in topics}  # noqa: SLF001 - as above
        committed = await consumer._coordinator.fetch_committed_offsets(list(assigned))  # noqa: SLF001 - as above
        starts: dict[TP, int | None] = {}
        for tp in assigned:
            starts[TP(*tp)] = start = self._start(tp, committed.get(tp))
            if start is not None:
                consumer.seek(tp, start)
        return starts

    def _start(self, tp: TopicPartition, committed: OffsetAndMetadata | None) -> int | None:
        if committed is None:
            return None
        current = self.topic_ids[tp.topic]
        if current is None or committed.metadata in ("", str(current)):
            # Who resets a group's offsets with Kafka's tools names no topic, and means this one.
            return cast("int", committed.offset)
        log.error("the topic was made anew and is read whole", topic=tp.topic, partition=tp.partition)
        return 0

    async def _rejoin(self) -> None:
        consumer = self._ensure_consumer()
        await consumer._client.force_metadata_update()  # noqa: SLF001 - as above
        consumer._coordinator.request_rejoin()  # noqa: SLF001 - as above

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit *offsets*; `False` where a rebalance came first. Any other failure crashes Faust's consumer."""
        due = {
            TopicPartition(*tp): OffsetAndMetadata(offset, str(self.topic_ids.get(tp.topic) or ""))
            for tp, offset in offsets.items()
            if tp in self.assignment()
        }
        try:
            await self._ensure_consumer().commit(due)
        except Exception as error:
            if isinstance(error, CommitFailedError) and "already rebalanced" in str(error):
                return False
            log.exception("a commit has failed", error=type(error).__name__)
            await self.crash(error)
            return False
        return True
