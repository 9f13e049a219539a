"""Creates the declared topics and registers the event's schemas; idempotent, and never changes what is there."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.metadata import MetadataRequest

from schemas.avro_schemas import event_schema_texts
from schemas.kafka import Admin
from schemas.kafka_address import KafkaAddress
from schemas.registry import HttpSchemaRegistry
from schemas.topics import EVENTS_SUBJECT, TOPICS, Topic
from stream.clients.kafka import kafka_answers, open_admin

FOR_EVER_MS = 2**53
HEARD_WITHIN_SECONDS = 30
ANSWER_SECONDS = 5
_ASK_AGAIN_SECONDS = 0.1


async def create_topics(kafka: KafkaAddress, *, replicas: int) -> list[str]:
    """Create the topics of `schemas.topics` that do not exist; the answer names them. Raises `Unavailable`.

    On return every broker that answers has heard of them, unless that takes longer than `HEARD_WITHIN_SECONDS`.
    """
    async with open_admin(kafka) as admin:
        existing = set(await admin.list_topics())
        missing = [topic for topic in TOPICS if topic.name not in existing]
        response = await admin.create_topics(
            [NewTopic(t.name, t.partitions, replicas, topic_configs=t.config_for(replicas)) for t in missing]
        )
        for name, code, *_message in response.topic_errors:
            with kafka_answers(f"creating topic {name}"):
                if code:
                    raise for_code(code)
        if missing:
            # The controller has answered. Whatever asks about the topics now may ask another broker.
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARD_WITHIN_SECONDS):
                    await heard_by_every_broker(admin, {topic.name for topic in missing})
        return [topic.name for topic in missing]


async def heard_by_every_broker(admin: Admin, topics: Collection[str]) -> None:
    """Return once each broker of the cluster knows *topics*, or has given no answer for `ANSWER_SECONDS`."""
    brokers = [broker["node_id"] for broker in (await admin.describe_cluster())["brokers"]]
    await asyncio.gather(*(_heard_by(admin, broker, topics) for broker in brokers))


async def _heard_by(admin: Admin, broker: int, topics: Collection[str]) -> None:
    question = MetadataRequest(list(topics), allow_auto_topic_creation=False)
    answered_at = time.monotonic()
    # One that is away learns of the topics when it comes back.
    while (left := answered_at + ANSWER_SECONDS - time.monotonic()) > 0:
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(left):
                answer = await admin._client.send(broker, question)  # noqa: SLF001 - the admin client chooses brokers itself
            answered_at = time.monotonic()
            if all(topic["error_code"] == 0 for topic in answer.to_object()["topics"]):
                return
        await asyncio.sleep(_ASK_AGAIN_SECONDS)


async def topic_differences(
    kafka: KafkaAddress, topics: Sequence[Topic] = TOPICS, *, replicas: int | None = None
) -> list[str]:
    """In words, where an existing topic is not as declared. They are not changed: a shorter retention would delete.

    Without *replicas* nobody has said how many each partition must have, and they are not looked at.
    """
    async with open_admin(kafka) as admin:
        found: list[str] = []
        described = {d["topic"]: d for d in await admin.describe_topics([topic.name for topic in topics])}
        for topic in topics:
            partitions = len(described[topic.name]["partitions"])
            if partitions != topic.partitions:
                found.append(f"{topic.name}: {partitions} partitions, declared {topic.partitions}")
            if replicas is not None:
                found += _too_few_replicas(topic.name, described[topic.name]["partitions"], replicas)
            actual = await topic_config(admin, topic.name)
            declared = topic.config if replicas is None else topic.config_for(replicas)
            found += [
                f"{topic.name}: {option} is {actual.get(option)}, declared {value}"
                for option, value in declared.items()
                if actual.get(option) != value
            ]
        return found


def _too_few_replicas(topic: str, partitions: Sequence[Mapping[str, Any]], replicas: int) -> list[str]:
    fewest = min((len(partition["replicas"]) for partition in partitions), default=0)
    return [f"{topic}: {fewest} replicas, declared {replicas}"] if fewest < replicas else []


async def register_schemas(registry_url: str) -> dict[int, int]:
    """Register every released version of the event, oldest first, and pin its compatibility; version → schema id."""
    async with HttpSchemaRegistry(registry_url) as registry:
        ids = {}
        for version, text in event_schema_texts().items():
            ids[version] = await registry.register(EVENTS_SUBJECT, text)
            await registry.set_compatibility(EVENTS_SUBJECT)
        return ids


def duration(config: Mapping[str, str], option: str) -> timedelta | None:
    """What *option*, a number of milliseconds, comes to; `None` for ever, which Kafka spells as -1 or as 2**63 - 1."""
    milliseconds = int(config.get(option, -1))
    return timedelta(milliseconds=milliseconds) if 0 <= milliseconds < FOR_EVER_MS else None


async def topic_config(admin: Admin, topic: str) -> dict[str, str]:
    """Every option of *topic*, defaults included."""
    (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    (resource,) = response.resources
    return {entry[0]: entry[1] for entry in resource[4]}
