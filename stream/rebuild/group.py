"""The workers' consumer group, asked of Kafka: whether it has members, and how far it has committed."""

from aiokafka import TopicPartition

from schemas.kafka_address import KafkaAddress
from schemas.topics import EVENTS_TOPIC
from stream.clients.kafka import group_members, open_admin
from stream.clients.topic_reader import Extent, TopicReader
from stream.errors import RebuildRefused
from stream.rebuild.compare import Commit


async def refuse_members(kafka: KafkaAddress, group: str) -> None:
    """Return where *group* has no members, so that nobody writes to ClickHouse; raise `RebuildRefused` otherwise.

    Raises `Unavailable` where Kafka does not say.
    """
    async with open_admin(kafka) as admin:
        count = len(await group_members(admin, group))
    if count:
        raise RebuildRefused(
            f"consumer group {group} has {count} members: stop the workers and repeat the command."
            " A worker that was stopped stays a member until its session times out (AUDIT_SESSION_TIMEOUT_SECONDS)."
            " Events wait in Kafka, and readers see the served log meanwhile"
        )


async def commits_of(kafka: KafkaAddress, group: str, reader: TopicReader) -> dict[int, Commit]:
    """How far *group* has committed each partition of events, where that can be told. Raises `Unavailable`.

    A partition has no entry where the group has committed nothing, or where it has no record there: *group* may be
    another one than the workers', and then no line is excused.
    """
    extents = await reader.extents(EVENTS_TOPIC)
    async with open_admin(kafka) as admin:
        committed = await admin.list_consumer_group_offsets(group)
    commits, around = {}, {}
    for partition, extent in extents.items():
        found = committed.get(TopicPartition(EVENTS_TOPIC, partition))
        if found is None or found.offset < 0:
            continue
        commits[partition] = found.offset
        around[partition] = Extent(max(extent.first, commits[partition] - 1), min(extent.end, commits[partition] + 1))
    times: dict[int, int] = {}
    async for records, _ in reader.records(EVENTS_TOPIC, around):
        for record in records:
            times.setdefault(record.partition, record.timestamp)
    return {partition: Commit(commits[partition], at) for partition, at in times.items()}
