"""Where the workers stand in the topic of events, asked of the broker."""

import asyncio

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.topics import EVENTS_TOPIC
from stream.clients.topic_reader import open_reader
from stream.errors import Unavailable

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 60.0
_MEMBERS = 5


async def workers_are_past(bootstrap_servers: str, group: str) -> None:
    """Return once *group* has committed every event that is in the topic now, or has no worker that could store any.

    Raises `Unavailable` where it does not get there in a minute. What a worker that is down had not committed, it will
    read and store again.
    """
    async with open_reader(bootstrap_servers) as reader:
        ends = {
            p: extent.end for p, extent in (await reader.extents(EVENTS_TOPIC)).items() if extent.end > extent.first
        }
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        await admin.start()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await _behind(admin, group, ends):  # noqa: ASYNC110 - the broker tells nobody of a commit
                await asyncio.sleep(POLL_SECONDS)
    except KafkaError as error:
        raise Unavailable(f"Kafka: {type(error).__name__}") from error
    except TimeoutError:
        raise Unavailable(f"the workers are not past the events of {PATIENCE_SECONDS:.0f} seconds ago") from None
    finally:
        await admin.close()


async def _behind(admin: AIOKafkaAdminClient, group: str, ends: dict[int, int]) -> bool:
    (described,) = await admin.describe_consumer_groups([group])
    if not any(found[_MEMBERS] for found in described.groups):
        return False
    committed = await admin.list_consumer_group_offsets(group)
    return any(
        (place := committed.get(TopicPartition(EVENTS_TOPIC, p))) is None or place.offset < end
        for p, end in ends.items()
    )
