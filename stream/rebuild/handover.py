"""Where the workers stand in the topic of events, asked of the broker."""

import asyncio

from aiokafka import TopicPartition

from schemas.kafka import Admin
from schemas.kafka_address import KafkaAddress
from schemas.topics import EVENTS_TOPIC
from stream.clients.kafka import open_admin
from stream.clients.topic_reader import open_reader
from stream.errors import Unavailable

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 60.0
_MEMBERS = 5


async def workers_are_past(kafka: KafkaAddress, group: str) -> None:
    """Return once *group* has committed every event that is in the topic now, or has no worker that could store any.

    Raises `Unavailable` where it does not get there in a minute. What a worker that is down had not committed, it will
    read and store again.
    """
    async with open_reader(kafka) as reader:
        ends = {
            p: extent.end for p, extent in (await reader.extents(EVENTS_TOPIC)).items() if extent.end > extent.first
        }
    try:
        async with open_admin(kafka) as admin, asyncio.timeout(PATIENCE_SECONDS):
            while await _behind(admin, group, ends):  # noqa: ASYNC110 - the broker tells nobody of a commit
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise Unavailable(f"the workers are not past the events of {PATIENCE_SECONDS:.0f} seconds ago") from None


async def _behind(admin: Admin, group: str, ends: dict[int, int]) -> bool:
    (described,) = await admin.describe_consumer_groups([group])
    if not any(found[_MEMBERS] for found in described.groups):
        return False
    committed = await admin.list_consumer_group_offsets(group)
    return any(
        (place := committed.get(TopicPartition(EVENTS_TOPIC, p))) is None or place.offset < end
        for p, end in ends.items()
    )
