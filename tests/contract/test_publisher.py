"""What every publisher promises, asked of the fake and of Kafka.

Kafka and the registry come from the session fixture `stack_environment`: the environment variables of a local stack.
"""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from producers import (
    Acknowledgement,
    AuditLog,
    InvalidEvent,
    KafkaPublisher,
    Person,
    ProducerSettings,
    Publisher,
    PublisherClosed,
    PublishFailed,
)
from producers.in_memory import InMemoryPublisher
from producers.kafka.link import abandon
from schemas.events import AdminRightsUpdate, Event, UserDeletion, UserLicenseUpdate
from schemas.registry import HttpSchemaRegistry
from schemas.topics import EVENTS_TOPIC
from schemas.wire import unframe
from tests.builders import NOW, an_event
from tests.decoding import decode


class FromThreads:
    """The blocking client, called from a thread."""

    def __init__(self, settings: ProducerSettings) -> None:
        self._log = AuditLog(settings)

    async def publish(self, event: Event) -> Acknowledgement:
        return await asyncio.to_thread(self._log.publish, event)

    async def publish_all(
        self, events: AsyncIterable[Event] | Iterable[Event], *, on_acknowledged: Callable[[int], None] | None = None
    ) -> int:
        given = [event async for event in events] if isinstance(events, AsyncIterable) else events
        count = await asyncio.to_thread(self._log.publish_all, given)
        if on_acknowledged is not None:
            on_acknowledged(count)
        return count

    async def close(self) -> None:
        await asyncio.to_thread(self._log.close)


@dataclass(frozen=True)
class Subject:
    """A publisher under test, a second one over the same records, and a way to read back what it acknowledged."""

    publisher: InMemoryPublisher | KafkaPublisher | FromThreads
    closed: InMemoryPublisher | KafkaPublisher | FromThreads
    read: Callable[[Acknowledgement], object]


@pytest.fixture(params=["memory", "kafka", "blocking"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param == "memory":
        async with InMemoryPublisher() as memory:
            yield Subject(memory, InMemoryPublisher(), lambda ack: _from_memory(memory, ack))
        return
    settings = kafka_settings(request.getfixturevalue("stack_environment"))
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(HttpSchemaRegistry(settings.registry))
        consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, enable_auto_commit=False)
        await consumer.start()
        stack.push_async_callback(consumer.stop)
        kafka = await stack.enter_async_context(KafkaPublisher(settings))
        subject: KafkaPublisher | FromThreads = kafka
        closed: KafkaPublisher | FromThreads = KafkaPublisher(settings)
        if request.param == "blocking":
            subject, closed = FromThreads(settings), FromThreads(settings)
            stack.push_async_callback(subject.close)
            await closed.close()
        yield Subject(subject, closed, lambda ack: _from_kafka(consumer, registry, ack))


def kafka_settings(environment: dict[str, str], *, timeout_seconds: float = 20.0) -> ProducerSettings:
    return ProducerSettings(
        kafka_bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"],
        schema_registry_url=environment["SCHEMA_REGISTRY_URL"],
        publish_timeout_seconds=timeout_seconds,
    )


async def _from_memory(publisher: InMemoryPublisher, ack: Acknowledgement) -> tuple[bytes, Event]:
    assert ack.offset is not None
    return publisher.records[ack.offset]


async def _from_kafka(
    consumer: AIOKafkaConsumer, registry: HttpSchemaRegistry, ack: Acknowledgement
) -> tuple[bytes, Event]:
    partition = TopicPartition(ack.topic, ack.partition)
    consumer.assign([partition])
    consumer.seek(partition, ack.offset)
    record = await consumer.getone(partition)
    schema_id, datum = unframe(record.value)
    schema = await registry.event_schema(schema_id)
    return record.key, decode(datum, writer_schema=schema, recorded_at=NOW)


async def read(subject: Subject, ack: Acknowledgement) -> tuple[bytes, Event]:
    return await subject.read(ack)  # type: ignore[no-any-return,misc]


@pytest.mark.parametrize(
    "activity",
    [None, UserDeletion(), UserLicenseUpdate(None, "Data Reader"), AdminRightsUpdate(granted=True)],
    ids=["user_creation", "user_deletion", "user_license_update", "admin_rights_update"],
)
async def test_an_acknowledged_event_can_be_read_back_under_its_users_key(
    subject: Subject, activity: UserDeletion | None
) -> None:
    event = an_event(activity)
    ack = await subject.publisher.publish(event)
    assert (ack.event_id, ack.topic) == (event.event_id, EVENTS_TOPIC)
    assert await read(subject, ack) == (b"acme/usr_ada", event)


async def test_events_of_one_user_share_a_partition_and_keep_their_order(subject: Subject) -> None:
    acks = [await subject.publisher.publish(an_event()) for _ in range(5)]
    assert len({ack.partition for ack in acks}) == 1
    offsets = [ack.offset for ack in acks]
    assert offsets == sorted(offsets, key=lambda offset: offset or 0)


async def test_the_same_event_again_is_another_record_of_the_same_event(subject: Subject) -> None:
    event = an_event()
    first, again = [await subject.publisher.publish(event) for _ in range(2)]
    assert first.offset != again.offset
    assert await read(subject, first) == await read(subject, again)


async def test_all_of_many_events_are_acknowledged_in_their_order(subject: Subject) -> None:
    events = [an_event(event_id=UUID(int=number)) for number in range(3000)]
    before = await subject.publisher.publish(an_event())
    steps: list[int] = []
    assert await subject.publisher.publish_all(events, on_acknowledged=steps.append) == len(events)
    assert sum(steps) == len(events)
    assert before.offset is not None
    for number in (0, 1234, 2999):
        ack = Acknowledgement(UUID(int=0), before.topic, before.partition, before.offset + 1 + number)
        assert (await read(subject, ack))[1] == events[number]


async def test_many_events_may_come_asynchronously(subject: Subject) -> None:
    async def events() -> AsyncIterator[Event]:
        for _ in range(3):
            yield an_event()

    assert await subject.publisher.publish_all(events()) == 3


async def test_an_event_that_breaks_the_contract_is_refused(subject: Subject) -> None:
    with pytest.raises(InvalidEvent, match=r"affected_user\.id: blank"):
        await subject.publisher.publish(an_event(affected_user=Person(" ")))


async def test_a_publisher_outside_its_context_refuses(subject: Subject) -> None:
    with pytest.raises(PublisherClosed):
        await subject.closed.publish(an_event())


async def test_closing_twice_is_closing(subject: Subject) -> None:
    await subject.publisher.close()
    await subject.publisher.close()
    with pytest.raises(PublisherClosed):
        await subject.publisher.publish(an_event())


async def test_without_kafka_a_publish_fails_within_its_time(stack_environment: dict[str, str]) -> None:
    environment = {**stack_environment, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}
    async with KafkaPublisher(kafka_settings(environment, timeout_seconds=1.0)) as publisher:
        with pytest.raises(PublishFailed) as caught:
            await publisher.publish(an_event())
    assert caught.value.retryable


async def test_a_producer_with_undelivered_records_can_be_abandoned(
    stack_environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    # Guards the private names of aiokafka that `abandon` uses.
    publisher = await KafkaPublisher(kafka_settings(stack_environment)).__aenter__()
    await publisher.publish(an_event())
    assert publisher._link is not None
    producer = publisher._link._producer
    assert producer is not None
    assert producer._closed is False
    await abandon(producer)
    assert producer._sender.sender_task.done()
    publisher._link._producer = None
    await publisher.close()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_parent_and_children_of_a_fork_publish_and_end_without_disturbing_one_another(
    stack_environment: dict[str, str], repository: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.prefork_server"],
        env={**os.environ, **stack_environment},
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(set(done.stdout.split())) == 4 + 1 + 4


INTERRUPTED = """
import signal, sys, threading
from producers import AuditLog, KafkaPublisher
from tests.builders import an_event

publish = KafkaPublisher.publish

async def publish_interrupted(publisher, event):
    signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)
    return await publish(publisher, event)

KafkaPublisher.publish = publish_interrupted
log, event = AuditLog(), an_event()
print(event.event_id)
signal.signal(signal.SIGALRM, lambda *_: sys.exit(3))
log.publish(event)
"""


def test_a_process_that_ends_while_kafka_is_away_waits_for_its_timeout_and_names_what_was_not_sent(
    repository: Path,
) -> None:
    away = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "SCHEMA_REGISTRY_URL": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        env={**os.environ, **away, "AUDIT_PRODUCER_PUBLISH_TIMEOUT_SECONDS": "1"},
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    expected = f"not acknowledged when the process ended, publish again: {done.stdout.strip()}\n"
    assert (done.returncode, done.stderr.rpartition("\n")[0].rpartition("\n")[2] + "\n") == (3, expected)


def _both_are_publishers(memory: InMemoryPublisher, kafka: KafkaPublisher) -> list[Publisher]:
    return [memory, kafka]  # mypy's to prove
