"""The workers' consumer group, asked of Kafka: whether it has members, and how far it has committed."""

from schemas.kafka_address import KafkaAddress
from schemas.topics import EVENTS_TOPIC
from stream.clients.kafka import group_members, open_admin
from stream.clients.topic_reader import TopicReader
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
    """From where on the next worker of *group* reads each partition of events. Raises `Unavailable`.

    A partition of which it has committed nothing has no entry: *group* may be another one than the workers', and then
    no line is excused. Nor is one whose record has left the topic since: nobody stores it again.
    """
    extents = await reader.extents(EVENTS_TOPIC)
    async with open_admin(kafka) as admin:
        committed = await admin.list_consumer_group_offsets(group)
    return {
        place.partition: Commit(max(found.offset, extents[place.partition].first), found.metadata)
        for place, found in committed.items()
        if place.topic == EVENTS_TOPIC and found.offset >= 0 and place.partition in extents
    }
