"""This worker's membership of the consumer group, as the other rooms see it: `Membership` of the pipeline, and more."""

from collections.abc import Mapping
from typing import cast
from uuid import UUID

import faust
from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from stream.fetch.consumer_thread import ConsumerThread
from stream.fetch.records import Chunk, Partition
from stream.fetch.transport import ChunkConsumer


class GroupMembership:
    """The membership of *app*'s consumer in its group."""

    def __init__(self, app: faust.App) -> None:
        self._app = app

    def current_generation(self) -> int:
        return self._consumer.generation

    def assigned(self) -> set[Partition]:
        try:
            return {(tp.topic, tp.partition) for tp in self._consumer.assignment()}
        except ConsumerNotStarted:
            # It starts when Kafka answers, which may take an outage long.
            return set()

    def started_at(self, chunk: Chunk) -> int | None:
        return self._consumer.positions.start(chunk.generation, chunk.place)

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Commit *offsets*; `False` where a rebalance came first.

        Any other failure ends the worker, as Faust crashes its consumer. The next worker reads the records again.
        """
        due = {TP(*partition): offset for partition, offset in offsets.items()}
        return await self._consumer._commit(due)  # noqa: SLF001 - `commit()` only knows Faust's own acknowledgements

    async def rejoin(self) -> None:
        """Have this worker's partitions assigned anew, by what the brokers know of the topic now."""
        await self._consumer.rejoin()

    def topic_id(self, topic: str) -> UUID | None:
        """The id of *topic* as this worker reads it; `None` where it reads nothing of it, or no id is known."""
        return None if self._thread is None else self._thread.topic_ids.get(topic)

    def member_id(self) -> str:
        """The name that the group's coordinator has given to this worker; empty before it has."""
        return "" if self._thread is None else self._thread.member_id()

    @property
    def _thread(self) -> ConsumerThread | None:
        return cast("ConsumerThread | None", getattr(self._consumer, "_thread", None))

    @property
    def _consumer(self) -> ChunkConsumer:
        return cast("ChunkConsumer", self._app.consumer)
