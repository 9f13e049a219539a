"""What a chunk waits for before it is decoded."""

import asyncio
from collections.abc import Awaitable, Callable

from schemas.avro_schemas import AvroSchema
from schemas.errors import Reason
from schemas.wire import frame
from stream.pipeline.chunk_lookup import LOOKUPS_AT_ONCE, ChunkLookup
from tests.builders import FakeRecord, a_chunk
from tests.fakes.stream import InMemoryRegistry, InMemoryTopicEpochs


class SlowRegistry(InMemoryRegistry):
    """Answers once every task that could ask has asked, and counts how many wait at once."""

    asking = most = 0

    async def event_schema(self, schema_id: int) -> AvroSchema:
        self.asking += 1
        self.most = max(self.most, self.asking)
        for _ in range(5):
            await asyncio.sleep(0)
        self.asking -= 1
        return await super().event_schema(schema_id)


async def once(_: str, attempt: Callable[[], Awaitable[None]]) -> None:
    await attempt()


async def test_unknown_ids_of_a_chunk_are_looked_up_side_by_side_and_not_all_at_once() -> None:
    """A registry takes ten seconds to be believed, and a broken producer may name thousands of ids."""
    registry = SlowRegistry()
    lookup = ChunkLookup(registry, InMemoryTopicEpochs(), once)
    ids = range(1_000, 1_000 + 3 * LOOKUPS_AT_ONCE)
    working = asyncio.create_task(lookup.run())

    lookup.put_nowait(a_chunk(*(FakeRecord(number, frame(one, b"datum")) for number, one in enumerate(ids))))
    _, schemas = await lookup.ready.get()

    assert schemas == dict.fromkeys(ids, Reason.UNKNOWN_SCHEMA_ID)
    assert registry.most == LOOKUPS_AT_ONCE
    working.cancel()
