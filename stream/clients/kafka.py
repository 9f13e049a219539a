"""Kafka's clients as the worker uses them: opened for a block, with errors that say what to do."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from schemas import kafka
from schemas.kafka_address import KafkaAddress
from schemas.kafka_refusal import KafkaRefused
from stream.clients.fetched_records import read_every_header
from stream.errors import AccessRefused, Unavailable

_REMEDIES: dict[type[KafkaError], str] = {
    KafkaConnectionError: ": no broker answers: see KAFKA_BOOTSTRAP_SERVERS and KAFKA_SECURITY_PROTOCOL",
    UnknownTopicOrPartitionError: ": a topic is missing; `audit-stream topics` makes it",
}
_NO_RIGHT = ClusterAuthorizationFailedError, GroupAuthorizationFailedError, TopicAuthorizationFailedError


@contextmanager
def kafka_answers(what: str = "Kafka") -> Iterator[None]:
    """Make Kafka's errors in the block `Unavailable`, or `AccessRefused`; *what* names in it what was asked."""
    try:
        yield
    except KafkaRefused as error:
        raise AccessRefused(f"{what}: {error}") from error
    except _NO_RIGHT as error:
        raise AccessRefused(
            f"{what}: {type(error).__name__}: this account lacks a right; `audit-stream rights` lists what it needs"
        ) from error
    except KafkaError as error:
        # The class says what happened; its text may quote what the broker refused.
        raise Unavailable(f"{what}: {type(error).__name__}{_REMEDIES.get(type(error), '')}") from error


@asynccontextmanager
async def open_admin(address: KafkaAddress, what: str = "Kafka", **options: object) -> AsyncIterator[kafka.Admin]:
    """An admin client for the block. Raises `Unavailable`, as the block does for Kafka's errors."""
    with kafka_answers(what):
        client = await kafka.started(kafka.admin(address, **options), address)
        try:
            yield client
        finally:
            await kafka.close(client)


@asynccontextmanager
async def open_consumer(address: KafkaAddress, what: str = "Kafka", **options: object) -> AsyncIterator[kafka.Consumer]:
    """A consumer for the block, otherwise as `open_admin`."""
    read_every_header()
    with kafka_answers(what):
        client = await kafka.started(kafka.consumer(address, **options), address)
        try:
            yield client
        finally:
            await kafka.close(client)


async def group_members(admin: kafka.Admin, group: str) -> frozenset[str]:
    """The names that the coordinator has given to the members of *group*.

    Raises `KafkaError` where the coordinator does not say: aiokafka takes its error for a group without members.
    """
    (answer,) = await admin.describe_consumer_groups([group])
    ((code, _, _, _, _, members, *_),) = answer.groups
    if code:
        raise for_code(code)
    return frozenset(member[0] for member in members)
