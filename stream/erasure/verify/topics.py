"""Looks for a person in Kafka: every record of every topic that a consumer can read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from schemas.kafka_address import KafkaAddress
from schemas.topics import TOPICS, Topic
from stream.clients.kafka import open_admin
from stream.clients.topic_reader import TopicReader, open_reader
from stream.clients.topics import duration, topic_config
from stream.erasure.eraser import SWEEP_INTERVAL, compacted_within
from stream.erasure.verify.report import Trace, Wanted

RETENTION_SLACK = timedelta(minutes=6)
"""Kafka looks for expired segments every five minutes, and deletes their files a minute later."""


async def verify_topics(kafka: KafkaAddress, wanted: Wanted, topics: Sequence[Topic] = TOPICS) -> list[Trace]:
    """Look at every record of *topics* that a consumer can read. Raises `Unavailable`."""
    async with open_reader(kafka) as reader:
        found = [await _verify_topic(reader, topic, wanted) for topic in topics]
    async with open_admin(kafka) as admin:
        return [
            _until(trace, await topic_config(admin, topic.name), newest)
            for topic, (trace, newest) in zip(topics, found, strict=True)
            if trace is not None
        ]


async def _verify_topic(reader: TopicReader, topic: Topic, wanted: Wanted) -> tuple[Trace | None, int]:
    count, newest = 0, 0
    extents = await reader.extents(topic.name)
    async for records, _ in reader.records(topic.name, extents):
        for record in records:
            headers = (part for name, value in record.headers for part in (name.encode(), value or b""))
            content = b"\0".join((record.key or b"", record.value or b"", *headers))
            if wanted.spellings.count(content):
                count += 1
                newest = max(newest, record.timestamp)
    return (Trace(f"kafka:{topic.name}", count, None, "") if count else None), newest


def gone_by(config: Mapping[str, str], newest: datetime) -> datetime | None:
    """When a record of *newest* is gone by the topic's own configuration; `None` for never.

    In a compacted topic that is a record that the next sweep, within an hour from now, overwrites.
    """
    if "compact" in config["cleanup.policy"]:
        within = compacted_within(config)
        return None if within is None else datetime.now(UTC) + SWEEP_INTERVAL + within
    kept = duration(config, "retention.ms")
    # A segment goes as a whole, once its newest record is old enough.
    segment = duration(config, "segment.ms") or timedelta(0)
    return None if kept is None else newest + segment + kept + RETENTION_SLACK


def _until(trace: Trace, config: Mapping[str, str], newest_ms: int) -> Trace:
    """*trace* with the time at which the last of its records is gone."""
    until = gone_by(config, datetime.fromtimestamp(newest_ms / 1000, UTC))
    if "compact" in config["cleanup.policy"]:
        reason = "records; overwritten by the next sweep, then compacted"
    elif until is None:
        reason = "records; the topic keeps everything for ever"
    else:
        reason = "records; deleted by the topic's retention, which begins anew for one that is refused or replayed"
    return Trace(trace.place, trace.count, until, reason)
