"""The erasure ledger, outside ClickHouse and its backups: deletions and creations of persons, and who has left.

It holds refs, client spaces and times only. It is part of the topic of names, where nothing but the off-boarding of a
client space overwrites it. A ClickHouse that was restored from a backup does not know whom to hide; the ledger does.
"""

import asyncio
from datetime import datetime
from typing import NamedTuple

from aiokafka import ConsumerRecord

from schemas.rows import PersonLifetimeRow
from schemas.topics import PERSON_NAMES_TOPIC
from stream.clients.topic_reader import TopicReader
from stream.erasure.spaces import SpaceStore
from stream.pipeline.rows.history_codec import OffBoarded, read_off_boarded, read_person_key
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import LogSink
from stream.pipeline.unreadable import UnreadableRecords


async def reapply(reader: TopicReader, sink: LogSink, spaces: SpaceStore, unreadable: UnreadableRecords) -> int:
    """Write the whole ledger to *sink*; the answer is its length. From then on every deletion masks again.

    Client spaces that have left go from *spaces* again. What cannot be read is left out, since the rest must mask in
    any case, and noted in *unreadable*: a deletion may be among it. To do so again changes nothing. Raises
    `Unavailable`.
    """
    count = 0
    left: dict[str, datetime] = {}
    extents = await reader.extents(PERSON_NAMES_TOPIC)
    async for records, _ in reader.records(PERSON_NAMES_TOPIC, extents):
        found = [unreadable.read(record, fact_in) for record in records]
        rows = [fact for fact in found if isinstance(fact, PersonLifetimeRow)]
        await asyncio.to_thread(sink.write, Rows(lifetimes=rows))
        count += len(rows)
        left.update(fact for fact in found if isinstance(fact, LeftSpace))
    if left:
        await asyncio.to_thread(spaces.mark, left)
    await asyncio.to_thread(spaces.remove)
    return count


class LeftSpace(NamedTuple):
    """A client space that has left, and when."""

    client_space_id: str
    at: datetime


def fact_in(record: ConsumerRecord) -> PersonLifetimeRow | LeftSpace | None:
    """What the ledger says in *record*, if anything. Raises `UnreadableHistory`."""
    if record.value is None:
        # What is overwritten can be a key of anything.
        return None
    place = read_person_key(record.key)
    if isinstance(place, OffBoarded):
        return LeftSpace(place.client_space_id, read_off_boarded(record.value))
    return place if isinstance(place, PersonLifetimeRow) else None
