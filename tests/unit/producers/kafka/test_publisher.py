"""What the publisher for Kafka says when Kafka or the registry fails, tried on a scripted producer."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import errors as kafka
from aiokafka.structs import RecordMetadata, TopicPartition
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from producers import (
    Acknowledgement,
    DeliveryUnknown,
    InvalidEvent,
    KafkaPublisher,
    Person,
    ProducerSettings,
    PublisherClosed,
    PublishFailed,
)
from producers.kafka.bulk import murmur2
from schemas.avro_schemas import AvroSchema, current_event_schema
from schemas.errors import IncompatibleSchema, RegistryUnavailable
from schemas.topics import EVENTS_SUBJECT, EVENTS_TOPIC
from schemas.wire import unframe
from tests.builders import NOW, an_event
from tests.decoding import decode

SCHEMA_ID = 7
SETTINGS = ProducerSettings(
    kafka_bootstrap_servers="localhost:9092", schema_registry_url="http://localhost", publish_timeout_seconds=1.0
)
NEVER = "never"
Answer = Exception | str | None


class Broker:
    """What happens to records: each producer's start and each record takes the next answer; no answer is success."""

    def __init__(self) -> None:
        self.starts: list[Answer] = []
        self.answers: list[Answer] = []
        self.on_send: list[Exception] = []
        self.headers: list[list[tuple[str, bytes]] | None] = []
        self.records: list[tuple[bytes, bytes]] = []
        self.producers: list[Producer] = []
        self.partitions = {0}
        self.room: asyncio.Barrier | None = None

    def answer_late(self) -> None:
        """Acknowledge what was to be answered `NEVER`."""
        for future in self.producers[-1].waiting:
            future.set_result(RecordMetadata(EVENTS_TOPIC, 0, TopicPartition(EVENTS_TOPIC, 0), 0, 0, 1, 0))


class Batch:
    """aiokafka's builder of a batch, which is full with five records."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes]] = []

    def append(self, *, timestamp: None, key: bytes, value: bytes) -> object | None:
        assert timestamp is None
        if len(self.records) == 5:
            return None
        self.records.append((key, value))
        return self

    def close(self) -> None:
        assert self.records


class Producer:
    """As much of aiokafka's producer as the link touches."""

    def __init__(self, broker: Broker, **options: Any) -> None:
        self.options = options
        self.client = self
        self.open = True
        self._broker = broker
        self._sender = self
        self._closed = False
        self.waiting: list[asyncio.Future[RecordMetadata]] = []
        broker.producers.append(self)

    async def start(self) -> None:
        if self._broker.starts and (answer := self._broker.starts.pop(0)):
            assert isinstance(answer, Exception)
            raise answer

    async def send(
        self, topic: str, value: bytes, key: bytes, *, headers: list[tuple[str, bytes]] | None = None
    ) -> asyncio.Future[RecordMetadata]:
        if self._broker.on_send:
            raise self._broker.on_send.pop(0)
        self._broker.headers.append(headers)
        future: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        answer = self._broker.answers.pop(0) if self._broker.answers else None
        if isinstance(answer, Exception):
            future.set_exception(answer)
        elif answer == NEVER:
            self.waiting.append(future)
        else:
            self._broker.records.append((key, value))
            offset = len(self._broker.records) - 1
            future.set_result(RecordMetadata(topic, 0, TopicPartition(topic, 0), offset, 0, 1, 0))
        return future

    async def partitions_for(self, topic: str) -> set[int]:
        assert topic == EVENTS_TOPIC
        return self._broker.partitions

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[RecordMetadata]:
        """As aiokafka: one future for all, and one answer; waits until there is room."""
        if self._broker.room is not None:
            await self._broker.room.wait()
        if self._broker.on_send:
            raise self._broker.on_send.pop(0)
        future = await self.send(topic, *reversed(batch.records[0]))
        if future.done() and future.exception() is None:
            self._broker.records += batch.records[1:]
        assert partition in self._broker.partitions
        return future

    async def flush(self) -> None:
        if self.waiting:
            await asyncio.wait(self.waiting)

    async def stop(self) -> None:
        self.open = False

    async def close(self) -> None:
        self.open = False


class Registry:
    """A registry that fails as often as it is told."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.subjects: list[str] = []

    async def register(self, subject: str, schema_text: str) -> int:
        if self.failures:
            raise self.failures.pop(0)
        self.subjects.append(subject)
        assert schema_text
        return SCHEMA_ID

    async def event_schema(self, schema_id: int) -> AvroSchema:
        raise NotImplementedError


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr("schemas.kafka.AIOKafkaProducer", lambda **options: Producer(broker, **options))
    return broker


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def open_publisher(broker: Broker, registry: Registry) -> Callable[[], KafkaPublisher]:
    assert broker.producers == []  # entering connects to nothing
    return lambda: KafkaPublisher(SETTINGS, registry=registry, clock=lambda: NOW)


Open = Callable[[], KafkaPublisher]


async def test_an_acknowledged_event_is_one_record_under_its_users_key(open_publisher: Open, broker: Broker) -> None:
    event = an_event()
    async with open_publisher() as publisher:
        assert await publisher.publish(event) == Acknowledgement(event.event_id, EVENTS_TOPIC, 0, 0)
    ((key, value),) = broker.records
    schema_id, datum = unframe(value)
    assert (key, schema_id) == (b"acme/usr_ada", SCHEMA_ID)
    assert decode(datum, writer_schema=current_event_schema(), recorded_at=NOW) == event
    assert not any(producer.open for producer in broker.producers)


async def test_an_event_that_is_published_within_a_span_carries_its_trace(open_publisher: Open, broker: Broker) -> None:
    span = SpanContext(
        0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, is_remote=False, trace_flags=TraceFlags(1)
    )
    async with open_publisher() as publisher:
        with use_span(NonRecordingSpan(span)):
            await publisher.publish(an_event())
        await publisher.publish(an_event())
    assert broker.headers == [[("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")], None]


async def test_without_the_extra_an_event_carries_no_trace(
    open_publisher: Open, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.kafka.traces.get_current_span", None)
    async with open_publisher() as publisher:
        await publisher.publish(an_event())
    assert broker.headers == [None]


async def test_every_spelling_of_an_e_mail_that_is_an_id_is_one_key_and_one_id(
    open_publisher: Open, broker: Broker
) -> None:
    async with open_publisher() as publisher:
        for spelling in ("ada@x.de", "Ada@X.de", " ada@x.de\u00a0"):
            await publisher.publish(an_event(affected_user=Person(spelling), admin=Person(spelling)))
    assert {key for key, _ in broker.records} == {b"acme/ada@x.de"}
    events = [
        decode(unframe(value)[1], writer_schema=current_event_schema(), recorded_at=NOW) for _, value in broker.records
    ]
    assert {(event.affected_user.id, event.admin.id) for event in events} == {("ada@x.de", "ada@x.de")}


async def test_the_producer_is_idempotent_and_waits_for_all_replicas(open_publisher: Open, broker: Broker) -> None:
    async with open_publisher() as publisher:
        await publisher.publish(an_event())
    options = broker.producers[0].options
    assert (options["enable_idempotence"], options["acks"]) == (True, "all")


async def test_the_schema_is_registered_once_and_only_when_it_is_needed(
    open_publisher: Open, registry: Registry
) -> None:
    async with open_publisher() as publisher:
        assert registry.subjects == []
        await publisher.publish_all([an_event(), an_event()])
    assert registry.subjects == [EVENTS_SUBJECT]


async def test_an_invalid_event_is_refused_before_any_io(
    open_publisher: Open, broker: Broker, registry: Registry
) -> None:
    async with open_publisher() as publisher:
        with pytest.raises(InvalidEvent, match=r"affected_user\.id: blank"):
            await publisher.publish(an_event(affected_user=Person("")))
    assert (broker.producers, registry.subjects) == ([], [])


async def test_a_short_absence_of_registry_and_broker_is_waited_out(
    open_publisher: Open, broker: Broker, registry: Registry
) -> None:
    registry.failures = [RegistryUnavailable("away")]
    broker.starts = [kafka.KafkaConnectionError("away")]
    async with open_publisher() as publisher:
        await publisher.publish(an_event())
    assert len(broker.records) == 1
    assert not any(producer.open for producer in broker.producers)


@pytest.mark.parametrize("obstacle", ["registry", "broker", "topic"])
async def test_an_event_that_never_left_failed_and_may_be_tried_again(
    obstacle: str, open_publisher: Open, broker: Broker, registry: Registry
) -> None:
    if obstacle == "registry":
        registry.failures = [RegistryUnavailable("away")] * 99
    elif obstacle == "broker":
        broker.starts = [kafka.KafkaConnectionError("away")] * 99
    else:
        broker.on_send = [kafka.UnknownTopicOrPartitionError()] * 99
    event = an_event()
    async with open_publisher() as publisher:
        with pytest.raises(PublishFailed) as caught:
            await publisher.publish(event)
    assert caught.value.retryable
    assert {"registry": "away", "broker": "see KAFKA_BOOTSTRAP_SERVERS", "topic": "audit-stream topics"}[
        obstacle
    ] in caught.value.reason
    assert [stamp.event_id for stamp in caught.value.stamps] == [event.event_id]
    assert broker.records == []


async def test_a_refused_schema_is_not_tried_again(open_publisher: Open, registry: Registry) -> None:
    registry.failures = [IncompatibleSchema("no")]
    async with open_publisher() as publisher:
        with pytest.raises(PublishFailed) as caught:
            await publisher.publish(an_event())
    assert not caught.value.retryable


@pytest.mark.parametrize("when", ["on_send", "answers"])
async def test_a_refused_record_is_not_tried_again(when: str, open_publisher: Open, broker: Broker) -> None:
    getattr(broker, when).append(kafka.TopicAuthorizationFailedError(EVENTS_TOPIC))
    async with open_publisher() as publisher:
        with pytest.raises(PublishFailed, match="TopicAuthorizationFailedError") as caught:
            await publisher.publish(an_event())
        assert not caught.value.retryable
        await publisher.publish(an_event())
    assert len(broker.records) == 1


@pytest.mark.parametrize("error", [kafka.OutOfOrderSequenceNumber(), kafka.ProducerFenced(), kafka.UnknownError()])
async def test_a_producer_that_cannot_go_on_is_replaced_and_the_event_published(
    error: Exception, open_publisher: Open, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    broker.answers = [None, error]
    async with open_publisher() as publisher:
        for _ in range(3):
            await publisher.publish(an_event())
    assert (len(broker.records), len(broker.producers)) == (3, 2)
    assert [record.levelname for record in caplog.records if record.name == "producers.kafka.link"] == ["WARNING"]
    assert not any(producer.open for producer in broker.producers)


async def test_an_event_without_an_answer_is_unknown_at_the_call_and_again_at_the_close(
    open_publisher: Open, broker: Broker
) -> None:
    broker.answers = [NEVER]
    event = an_event()
    publisher = open_publisher()
    await publisher.__aenter__()
    with pytest.raises(DeliveryUnknown) as at_call:
        await publisher.publish(event)
    with pytest.raises(DeliveryUnknown) as at_close:
        await publisher.close()
    assert at_call.value.stamp == at_close.value.stamp
    assert (at_call.value.stamp.event_id, at_call.value.stamp.occurred_at) == (event.event_id, event.occurred_at)
    assert not any(producer.open for producer in broker.producers)


async def test_an_event_that_left_once_is_never_said_to_have_failed(open_publisher: Open, broker: Broker) -> None:
    broker.answers = [kafka.OutOfOrderSequenceNumber()]
    broker.starts = [None, *[kafka.KafkaConnectionError("away")] * 99]
    async with open_publisher() as publisher:
        with pytest.raises(DeliveryUnknown):
            await publisher.publish(an_event())


async def test_a_refusal_after_an_answer_that_was_lost_does_not_say_that_nothing_was_written(
    open_publisher: Open, broker: Broker
) -> None:
    broker.answers = [kafka.RequestTimedOutError(), kafka.TopicAuthorizationFailedError(EVENTS_TOPIC)]
    event = an_event()
    async with open_publisher() as publisher:
        with pytest.raises(DeliveryUnknown) as caught:
            await publisher.publish(event)
    assert (caught.value.stamp.event_id, caught.value.stamp.occurred_at) == (event.event_id, event.occurred_at)


async def test_a_cancelled_call_leaves_its_event_to_the_close(open_publisher: Open, broker: Broker) -> None:
    broker.answers = [NEVER]
    event = an_event()
    publisher = open_publisher()
    await publisher.__aenter__()
    call = asyncio.create_task(publisher.publish(event))
    while not broker.headers:  # noqa: ASYNC110 - a list has no event
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    with pytest.raises(DeliveryUnknown) as caught:
        await publisher.close()
    assert caught.value.stamp.event_id == event.event_id


async def test_the_bodys_own_error_is_not_hidden_by_what_is_unacknowledged(
    open_publisher: Open, broker: Broker
) -> None:
    broker.answers = [NEVER]
    with pytest.raises(DeliveryUnknown) as caught:
        async with open_publisher() as publisher:
            await publisher.publish(an_event())
    assert ["without an answer" in note for note in caught.value.__notes__] == [True]


async def test_many_events_keep_their_order_and_are_counted(open_publisher: Open, broker: Broker) -> None:
    events = [an_event() for _ in range(2500)]
    acknowledged = 0

    def count(more: int) -> None:
        nonlocal acknowledged
        acknowledged += more

    async with open_publisher() as publisher:
        assert await publisher.publish_all(iter(events), on_acknowledged=count) == 2500
    written = [
        decode(unframe(value)[1], writer_schema=current_event_schema(), recorded_at=NOW) for _, value in broker.records
    ]
    assert (written, acknowledged) == (events, 2500)


async def test_an_event_counts_once_those_before_it_are_acknowledged_too(open_publisher: Open, broker: Broker) -> None:
    broker.partitions = {0, 1}
    by_partition = {murmur2(f"acme/u{number}".encode()) % 2: f"u{number}" for number in range(9)}
    events = [an_event(affected_user=Person(by_partition[partition])) for partition in (0, 0, 1, 0, 1)]
    broker.answers = [None, NEVER, None]  # the first by itself, the batch of partition 0, that of partition 1
    acknowledged: list[int] = []
    async with open_publisher() as publisher:
        task = asyncio.create_task(publisher.publish_all(events, on_acknowledged=acknowledged.append))
        for _ in range(50):
            await asyncio.sleep(0)
        assert (acknowledged, task.done()) == ([1], False)
        broker.answer_late()
        assert await task == 5
    assert acknowledged == [1, 4]


async def test_the_last_batches_wait_for_room_together_and_not_one_after_the_other(
    open_publisher: Open, broker: Broker
) -> None:
    broker.partitions = {0, 1}
    by_partition = {murmur2(f"acme/u{number}".encode()) % 2: f"u{number}" for number in range(9)}
    broker.room = asyncio.Barrier(2)
    async with open_publisher() as publisher, asyncio.timeout(60):
        # The first goes by itself.
        await publisher.publish_all(an_event(affected_user=Person(by_partition[partition])) for partition in (0, 0, 1))
    assert len(broker.records) == 3


async def test_the_events_in_flight_are_bounded(
    broker: Broker, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.kafka.publisher.MAX_IN_FLIGHT", 10)
    broker.answers = [NEVER] * 99
    taken = 0

    def events() -> Any:
        nonlocal taken
        for _ in range(99):
            taken += 1
            yield an_event()

    publisher = KafkaPublisher(SETTINGS, registry=registry, clock=lambda: NOW)
    await publisher.__aenter__()
    with pytest.raises(DeliveryUnknown) as caught:
        await publisher.publish_all(events())
    assert (taken, len(caught.value.stamps)) == (11, 10)
    with pytest.raises(DeliveryUnknown):
        await publisher.close()


async def test_a_failure_among_many_names_all_that_are_not_acknowledged(open_publisher: Open, broker: Broker) -> None:
    refused = kafka.MessageSizeTooLargeError()
    broker.answers = [None, None, refused]
    events = [an_event() for _ in range(9)]
    async with open_publisher() as publisher:
        with pytest.raises(PublishFailed) as caught:
            await publisher.publish_all(events)
    # Batches of one, five and three: the broker refuses a batch as a whole.
    assert [stamp.event_id for stamp in caught.value.stamps] == [event.event_id for event in events[6:]]


async def test_a_batch_whose_answer_is_lost_is_published_again_in_its_order(
    open_publisher: Open, broker: Broker
) -> None:
    broker.answers = [None, kafka.RequestTimedOutError()]
    events = [an_event() for _ in range(12)]
    async with open_publisher() as publisher:
        assert await publisher.publish_all(events) == 12
    written = [
        decode(unframe(value)[1], writer_schema=current_event_schema(), recorded_at=NOW) for _, value in broker.records
    ]
    assert {event.event_id for event in written} == {event.event_id for event in events}
    assert not any(producer.open for producer in broker.producers)


REFUSED = kafka.MessageSizeTooLargeError()


@pytest.mark.parametrize(
    ("answers", "kind", "unacknowledged"),
    [([REFUSED, REFUSED], PublishFailed, [0, 1]), ([None, NEVER], DeliveryUnknown, [1])],
)
async def test_an_invalid_event_does_not_hide_those_that_are_not_acknowledged(
    answers: list[Answer], kind: type[Exception], unacknowledged: list[int], open_publisher: Open, broker: Broker
) -> None:
    broker.answers = answers
    events = [an_event(), an_event(), an_event(affected_user=Person(" ")), an_event()]
    publisher = open_publisher()
    await publisher.__aenter__()
    with pytest.raises(ExceptionGroup) as caught:
        await publisher.publish_all(events)
    left, invalid = caught.value.exceptions
    assert isinstance(left, kind)
    assert isinstance(left, PublishFailed | DeliveryUnknown)
    assert [stamp.event_id for stamp in left.stamps] == [events[index].event_id for index in unacknowledged]
    assert isinstance(invalid, InvalidEvent)
    assert invalid.__notes__ == ["2 event(s) had been handed over before it"]
    with contextlib.suppress(DeliveryUnknown):
        await publisher.close()


async def test_an_invalid_event_after_acknowledged_ones_says_how_many_there_were(open_publisher: Open) -> None:
    async with open_publisher() as publisher:
        with pytest.raises(InvalidEvent) as caught:
            await publisher.publish_all([an_event(), an_event(affected_user=Person(" "))])
    assert caught.value.__notes__ == ["1 event(s) had been handed over before it"]


async def test_a_closed_publisher_refuses(open_publisher: Open) -> None:
    publisher = open_publisher()
    with pytest.raises(PublisherClosed):
        await publisher.publish(an_event())
    async with publisher:
        pass
    with pytest.raises(PublisherClosed):
        await publisher.publish(an_event())


async def test_another_event_loop_is_refused_at_once(open_publisher: Open) -> None:
    async with open_publisher() as publisher:
        with pytest.raises(PublisherClosed, match="another event loop"):
            await asyncio.to_thread(asyncio.run, publisher.publish(an_event()))
        await publisher.publish(an_event())


@pytest.mark.parametrize("name", ["aiokafka.producer.producer", "aiokafka.conn"])
def test_aiokafka_never_logs_a_record(name: str) -> None:
    assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
