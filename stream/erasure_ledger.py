"""The erasure ledger: each deletion and creation of a person, refs and times only, outside ClickHouse and its backups.

It is part of the topic of names, where nothing overwrites it. A ClickHouse that was restored from a backup does not
know whom to hide; the ledger does.
"""

import asyncio
from collections.abc import AsyncIterator

from schemas.history import read_person_key
from schemas.rows import PersonLifetimeRow
from schemas.topics import PERSON_NAMES_TOPIC
from stream.batches import Rows
from stream.history_reader import open_reader
from stream.sink import LogSink


async def reapply(bootstrap_servers: str, sink: LogSink) -> int:
    """Write the whole ledger to *sink*; the answer is its length. From then on every deletion masks again.

    To do so again changes nothing. Raises `Unavailable`.
    """
    count = 0
    async for rows in _lifetimes(bootstrap_servers):
        await asyncio.to_thread(sink.write, Rows(lifetimes=rows))
        count += len(rows)
    return count


async def _lifetimes(bootstrap_servers: str) -> AsyncIterator[list[PersonLifetimeRow]]:
    async with open_reader(bootstrap_servers) as reader:
        extents = await reader.extents(PERSON_NAMES_TOPIC)
        async for records, _ in reader.records(PERSON_NAMES_TOPIC, extents):
            places = [read_person_key(record.key) for record in records]
            yield [place for place in places if isinstance(place, PersonLifetimeRow)]
