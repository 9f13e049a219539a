"""Looks for a person everywhere: the proof of an erasure.

It looks at what is there, not at what should be there: every text column of every table, every record of every topic,
and every file of the given directories. It takes the id and the names in clear, and prints none of them.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from schemas.kafka_address import KafkaAddress
from schemas.lifetimes import erasure_of
from schemas.topics import TOPICS
from stream.erasure.persons import ClickHousePersonStore
from stream.erasure.rules import PersonKey
from stream.erasure.verify.clickhouse import verify_clickhouse
from stream.erasure.verify.files import verify_directory
from stream.erasure.verify.report import Report, Wanted
from stream.erasure.verify.topics import verify_topics


async def verify(
    *, clickhouse: tuple[str, str], kafka: KafkaAddress, directories: Sequence[Path], wanted: Wanted
) -> Report:
    """Look everywhere. *clickhouse* is its URL and database. Raises `Unavailable` where a part cannot be looked at."""
    space, ref, erasure = wanted.client_space_id, wanted.person_ref, None
    if ref is not None:
        facts = await asyncio.to_thread(ClickHousePersonStore(*clickhouse).of, [PersonKey(space, ref)])
        erasure = erasure_of(fact[2:] for fact in facts)
    looked_at, traces = await asyncio.to_thread(verify_clickhouse, *clickhouse, wanted)
    traces += await verify_topics(kafka, wanted)
    for directory in directories:
        traces += await asyncio.to_thread(verify_directory, directory, wanted)
    looked_at += [f"kafka:{topic.name}" for topic in TOPICS]
    looked_at += [f"directory:{directory.name}" for directory in directories]
    return Report(
        space,
        None if ref is None else str(ref),
        None if erasure is None else erasure.erased_at,
        None if erasure is None else erasure.recreated_at,
        tuple(looked_at),
        tuple(traces),
    )
