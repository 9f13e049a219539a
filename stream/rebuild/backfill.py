"""Publishes to the two long-lived topics what only ClickHouse holds, such as lines from before there were topics."""

import asyncio
import itertools
from datetime import UTC, datetime
from uuid import uuid4

from schemas.retention import retention_start
from schemas.topics import PERSON_NAMES_TOPIC
from stream.erasure.guard import ErasedPersons
from stream.pipeline.history import Message, TopicWriter, line_messages
from stream.pipeline.rows.history_codec import NameKey, encode_name, lifetime_record
from stream.rebuild.store import RebuildStore


async def backfill(store: RebuildStore, erased: ErasedPersons, writer: TopicWriter) -> int:
    """Publish what the served tables of *store* hold and the rebuilt ones do not; the answer is the number of lines.

    Once the rebuilt tables have been loaded, that is what the topics lack. Cut off, it is repeated after another load,
    and publishes the rest; what is published twice folds. *erased* are those of the served database: their names are
    left out. Raises `Unavailable`.
    """
    await asyncio.to_thread(erased.refresh)
    since = retention_start(datetime.now(UTC))
    epoch, serials, count = uuid4().hex[:16], itertools.count(), 0
    for space in await asyncio.to_thread(store.client_spaces):
        parts = store.only_served(space, since)
        # One part at a time: a client space may hold more lines than memory does.
        while (rows := await asyncio.to_thread(next, parts, None)) is not None:
            messages = [Message(PERSON_NAMES_TOPIC, *lifetime_record(row)) for row in rows.lifetimes]
            messages += [
                Message(PERSON_NAMES_TOPIC, key.encoded(), encode_name(row))
                for row in erased.living(rows.names)
                for key in [NameKey(row.client_space_id, row.person_ref, epoch, next(serials))]
            ]
            await writer.write(messages + line_messages(rows.activities))
            count += len(rows.activities)
    return count
