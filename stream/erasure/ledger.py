"""The erasure ledger: each deletion and creation of a person, refs and times only, outside ClickHouse and its backups.

It is part of the topic of names, where nothing overwrites it. A ClickHouse that was restored from a backup does not
know whom to hide; the ledger does.
"""

import asyncio
from collections.abc import AsyncIterator

from aiokafka import ConsumerRecord

from schemas.rows import PersonLifetimeRow
from schemas.topics import PERSON_NAMES_TOPIC
from stream.clients.topic_reader import TopicReader
from stream.pipeline.rows.history_codec import read_person_key
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import LogSink
from stream.pipeline.unreadable import UnreadableRecords


async def reapply(reader: TopicReader, sink: LogSink, unreadable: UnreadableRecords) -> int:
    """Write the whole ledger to *sink*; the answer is its length. From then on every deletion masks again.

    What cannot be read is left out, since the rest must mask in any case, and noted in *unreadable*: a deletion may be
    among it. To do so again changes nothing. Raises `Unavailable`.
    """
    count = 0
    async for rows in _lifetimes(reader, unreadable):
        await asyncio.to_thread(sink.write, Rows(lifetimes=rows))
        count += len(rows)
    return count


async def _lifetimes(reader: TopicReader, unreadable: UnreadableRecords) -> AsyncIterator[list[PersonLifetimeRow]]:
    extents = await reader.extents(PERSON_NAMES_TOPIC)
    async for records, _ in reader.records(PERSON_NAMES_TOPIC, extents):
        found = [unreadable.read(record, lifetime_in) for record in records]
        yield [row for row in found if row is not None]


def lifetime_in(record: ConsumerRecord) -> PersonLifetimeRow | None:
    """The beginning or end of a life that *record* tells of, if any. Raises `UnreadableHistory`."""
    if record.value is None:
        # Facts are not overwritten; what is can be a key of anything.
        return None
    place = read_person_key(record.key)
    return place if isinstance(place, PersonLifetimeRow) else None
