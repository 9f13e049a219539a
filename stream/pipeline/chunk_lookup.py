"""Look up what a chunk needs before it can be decoded: the schemas of its records, and the epoch of its topic."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from functools import partial
from uuid import UUID

from schemas.avro_schemas import AvroSchema
from schemas.errors import InvalidEvent, Reason, UnknownSchemaId
from schemas.registry import SchemaRegistry
from schemas.wire import HEADER_BYTES, unframe
from stream.fetch.records import Chunk, Partition
from stream.pipeline.accept import SchemasById
from stream.pipeline.topic_epochs import TopicEpochs

LOOKUPS_AT_ONCE = 50
"""Schema ids of one chunk that are looked up side by side: a denial is believed after ten seconds, and a chunk of
broken records may name thousands."""

UntilPossible = Callable[[str, Callable[[], Awaitable[None]]], Awaitable[None]]
"""Does a step, by its name, again until it succeeds."""


class ChunkLookup:
    """Takes chunks with `put_nowait` and gives them on in `ready`, in the order of each partition.

    A chunk that waits for an answer holds up its own partition alone. It waits while the registry or ClickHouse is
    down, and while the registry denies a schema id and is not believed yet: no record is bad for that.
    """

    def __init__(self, registry: SchemaRegistry, topic_epochs: TopicEpochs, until_possible: UntilPossible) -> None:
        self._registry = registry
        self._topic_epochs = topic_epochs
        self._until_possible = until_possible
        self._schemas: dict[int, AvroSchema | Reason] = {}
        self._epochs: dict[UUID | None, int] = {None: 0}
        self._arrived: asyncio.Queue[Chunk] = asyncio.Queue()
        self.ready: asyncio.Queue[tuple[Chunk, SchemasById]] = asyncio.Queue()

    def put_nowait(self, chunk: Chunk) -> None:
        """Take the next *chunk*, in the order of its partition."""
        self._arrived.put_nowait(chunk)

    async def run(self) -> None:
        """Work for ever."""
        queues: dict[Partition, deque[Chunk]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                chunk = await self._arrived.get()
                queue = queues.setdefault(chunk.place, deque())
                queue.append(chunk)
                if len(queue) > 1:
                    continue
                if chunk.topic_id in self._epochs and schema_ids(chunk) <= self._schemas.keys():
                    self._give_on(queue, self._schemas)
                else:
                    tasks.create_task(self._work_off(queue))

    async def _work_off(self, queue: deque[Chunk]) -> None:
        while queue:
            chunk = queue[0]
            await self._until_possible("epoch", partial(self._look_up_epoch, chunk.topic_id))
            found = await self._look_up_schemas(schema_ids(chunk) - self._schemas.keys())
            # Not a refusal: the registry may learn the id, and is asked again for the next chunk.
            self._schemas.update((one, schema) for one, schema in found.items() if not isinstance(schema, Reason))
            self._give_on(queue, self._schemas | found)

    async def _look_up_epoch(self, topic_id: UUID | None) -> None:
        if topic_id is not None and topic_id not in self._epochs:
            self._epochs[topic_id] = await asyncio.to_thread(self._topic_epochs.epoch, topic_id)

    async def _look_up_schemas(self, ids: Collection[int]) -> dict[int, AvroSchema | Reason]:
        found: dict[int, AvroSchema | Reason] = {}
        left = iter(ids)

        async def work() -> None:
            for schema_id in left:
                await self._until_possible("registry", partial(self._look_up_schema, schema_id, found))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(LOOKUPS_AT_ONCE, len(ids))):
                tasks.create_task(work())
        return found

    async def _look_up_schema(self, schema_id: int, found: dict[int, AvroSchema | Reason]) -> None:
        try:
            found[schema_id] = await self._registry.event_schema(schema_id)
        except UnknownSchemaId:
            found[schema_id] = Reason.UNKNOWN_SCHEMA_ID
        except InvalidEvent as error:
            found[schema_id] = error.reason

    def _give_on(self, queue: deque[Chunk], schemas: SchemasById) -> None:
        chunk = queue.popleft()
        self.ready.put_nowait((replace(chunk, epoch=self._epochs[chunk.topic_id]), schemas))


def schema_ids(chunk: Chunk) -> set[int]:
    """The schema ids that *chunk* names; a record without a frame names none and is refused when it is decoded."""
    ids = set()
    # The frames of a chunk are all alike, so each is looked at once.
    for header in {record.value[:HEADER_BYTES] for record in chunk.records if record.value}:
        with contextlib.suppress(InvalidEvent):
            ids.add(unframe(header)[0])
    return ids
