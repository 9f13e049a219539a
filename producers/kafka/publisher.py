"""The publisher for Kafka: bounded in time, and certain about what it says."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from aiokafka import errors as kafka_errors
from aiokafka.structs import RecordMetadata

from producers.activities import Clock, utc_now
from producers.errors import DeliveryUnknown, PublisherClosed, PublishFailed
from producers.kafka.bulk import Bulk
from producers.kafka.link import Delivery, KafkaLink
from producers.kafka.record import Record
from producers.kafka.window import MAX_IN_FLIGHT, Window
from producers.prepared import prepared
from producers.publisher import Acknowledgement, record_key
from producers.settings import ProducerSettings
from schemas.avro_schemas import current_event_schema_text
from schemas.errors import IncompatibleSchema, RegistryUnavailable
from schemas.events import Event
from schemas.kafka_refusal import KafkaRefused
from schemas.registry import HttpSchemaRegistry, SchemaRegistry
from schemas.topics import EVENTS_SUBJECT, EVENTS_TOPIC
from schemas.wire import frame

_REFUSALS = (
    kafka_errors.ClusterAuthorizationFailedError,
    kafka_errors.InvalidTopicError,
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.PolicyViolationError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.SaslAuthenticationFailed,
    kafka_errors.TopicAuthorizationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
    KafkaRefused,
)
"""Kafka's answers that say no rather than not now."""

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0


class KafkaPublisher:
    """`Publisher` for Kafka. Use it as an async context manager; it is bound to one event loop.

    Entering needs neither Kafka nor the registry: a service starts while they are away, and its first publish waits
    for them within the timeout. Repetitions within one publish carry the same id and time, hence no second line.
    """

    def __init__(
        self, settings: ProducerSettings, *, registry: SchemaRegistry | None = None, clock: Clock = utc_now
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._clock = clock
        self._schema_id: int | None = None
        self._link: KafkaLink | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._in_flight: dict[asyncio.Future[RecordMetadata], list[Record]] = {}
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._registry is None:
            registry = HttpSchemaRegistry(self._settings.registry)
            self._registry = await self._resources.enter_async_context(registry)
        self._link = KafkaLink(self._settings.kafka, self._settings.publish_timeout_seconds)
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.close()
        except DeliveryUnknown as unknown:
            if error is None:
                raise
            error.add_note(str(unknown))

    async def close(self) -> None:
        """Wait for what is in flight, within the timeout, and disconnect.

        Raises `DeliveryUnknown` with every event that is then still unacknowledged. Idempotent.
        """
        link, self._link = self._link, None
        if link is None:
            return
        try:
            if self._in_flight:
                await asyncio.wait(self._in_flight, timeout=self._settings.publish_timeout_seconds)
        finally:  # also where the wait is broken off
            left = [record.stamp for records in self._in_flight.values() for record in records]
            await link.close(patience_seconds=0.0 if left else self._settings.publish_timeout_seconds)
            await self._resources.aclose()
        if left:
            raise DeliveryUnknown(left)

    async def publish(self, event: Event) -> Acknowledgement:
        """See `Publisher.publish`."""
        record = self._encode(event)
        return await self.settle(record, await self.hand_over(record))

    async def publish_all(
        self, events: AsyncIterable[Event] | Iterable[Event], *, on_acknowledged: Callable[[int], None] | None = None
    ) -> int:
        """See `Publisher.publish_all`."""
        window = Window(self, on_acknowledged)
        try:
            async for event in _as_async(events):
                if len(window.records) >= MAX_IN_FLIGHT:
                    await window.settle_oldest()
                await window.add(self._encode(event))
            await window.send_open()
            while window.records:
                await window.settle_oldest()
        except (PublishFailed, DeliveryUnknown) as error:
            raise await window.settle_rest(error) from error
        except Exception as error:
            error.add_note(f"{window.count} event(s) had been handed over before it")
            left = await window.settle_rest(None)
            if left.stamps:
                raise ExceptionGroup("the source of the events and their delivery failed", [left, error]) from None
            raise
        return window.count

    def _encode(self, event: Event) -> Record:
        if self._link is None:
            raise PublisherClosed("the publisher is not open: use it inside `async with`")
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # no answer would ever come here
            raise PublisherClosed("the publisher is open in another event loop: use one per event loop")
        event, datum = prepared(event, now=self._clock())
        deadline = loop.time() + self._settings.publish_timeout_seconds
        return Record(event, record_key(event), datum, deadline)

    async def hand_over(self, record: Record) -> Delivery:
        """Give *record* to aiokafka, trying again until its deadline. Raises `PublishFailed`: it has not left."""
        obstacle: BaseException | None = None
        try:
            async with asyncio.timeout_at(record.deadline):
                for pause in _pauses():
                    try:
                        return await self._send(record)
                    except _REFUSALS as error:
                        raise PublishFailed(_reason(error), [record.stamp], retryable=False) from error
                    except IncompatibleSchema as error:
                        raise PublishFailed(str(error), [record.stamp], retryable=False) from error
                    except (RegistryUnavailable, kafka_errors.KafkaError, OSError) as error:
                        obstacle = error
                    await asyncio.sleep(pause)
        except TimeoutError:
            reason = "no connection in time" if obstacle is None else _reason(obstacle)
            raise PublishFailed(reason, [record.stamp], retryable=True) from obstacle
        raise AssertionError("the pauses have no end")

    async def _send(self, record: Record) -> Delivery:
        if self._link is None or self._registry is None:
            raise PublishFailed("the publisher was closed", [record.stamp], retryable=True)
        if self._schema_id is None:
            self._schema_id = await self._registry.register(EVENTS_SUBJECT, current_event_schema_text())
        delivery = await self._link.send(record.key, frame(self._schema_id, record.datum))
        self.note_in_flight(delivery, [record])
        return delivery

    async def bulk(self) -> Bulk | None:
        """Batches for the producer that works; `None` while there is none, or before the schema is known."""
        producer = None if self._link is None else self._link.producer
        if producer is None or self._schema_id is None:
            return None
        return Bulk(producer, await producer.partitions_for(EVENTS_TOPIC), self._schema_id)

    def is_current(self, bulk: Bulk) -> bool:
        """Whether the producer of *bulk* still works."""
        return self._link is not None and self._link.producer is bulk.producer

    def note_in_flight(self, delivery: Delivery, records: list[Record]) -> None:
        """Remember the events of *delivery* until they have an answer."""
        self._in_flight[delivery.acknowledged] = records
        delivery.acknowledged.add_done_callback(self._forget)

    def _forget(self, acknowledged: asyncio.Future[RecordMetadata]) -> None:
        self._in_flight.pop(acknowledged, None)
        if not acknowledged.cancelled():
            acknowledged.exception()  # a cancelled publish has nobody else to look at it

    async def settle(self, record: Record, delivery: Delivery) -> Acknowledgement:
        """Wait for the broker's answer, until the deadline, through as many producers as it takes."""
        is_first = True
        for pause in _pauses():
            acknowledged = delivery.acknowledged
            if not acknowledged.done():
                # `wait` cancels nothing: aiokafka delivers the record whether or not anyone waits, and `close` sees it.
                await asyncio.wait([acknowledged], timeout=record.deadline - asyncio.get_running_loop().time())
            if not acknowledged.done():
                raise DeliveryUnknown([record.stamp])
            try:
                return _acknowledgement(record, acknowledged.result())
            except _REFUSALS as error:
                self._replace(delivery, error)
                if is_first:
                    raise PublishFailed(_reason(error), [record.stamp], retryable=False) from error
                # That this delivery was refused says nothing of the one before, whose answer was lost.
                raise DeliveryUnknown([record.stamp]) from error
            except kafka_errors.KafkaError as error:
                self._replace(delivery, error)
            await asyncio.sleep(pause)
            try:
                delivery = await self.hand_over(record)
            except PublishFailed as error:
                # The first handing over may have been written, whatever became of this one.
                raise DeliveryUnknown([record.stamp]) from error
            is_first = False
        raise AssertionError("the pauses have no end")

    def _replace(self, delivery: Delivery, error: BaseException) -> None:
        if self._link is not None:
            self._link.replace(delivery.producer, error)


def _acknowledgement(record: Record, metadata: RecordMetadata) -> Acknowledgement:
    offset = metadata.offset if metadata.offset >= 0 else None
    return Acknowledgement(record.event.event_id, metadata.topic, metadata.partition, offset)


def _reason(error: BaseException) -> str:
    # Kafka's own texts can quote what they refuse; ours cannot.
    if isinstance(error, kafka_errors.TopicAuthorizationFailedError | kafka_errors.ClusterAuthorizationFailedError):
        return f"{type(error).__name__}: this account lacks Write on the topic {EVENTS_TOPIC}"
    if isinstance(error, kafka_errors.UnknownTopicOrPartitionError):
        return f"{type(error).__name__}: no topic {EVENTS_TOPIC}; `audit-stream topics` makes it"
    if type(error) is kafka_errors.KafkaConnectionError:
        return "no broker answers: see KAFKA_BOOTSTRAP_SERVERS and KAFKA_SECURITY_PROTOCOL"
    return str(error) if isinstance(error, RegistryUnavailable | KafkaRefused) else type(error).__name__


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _as_async(events: AsyncIterable[Event] | Iterable[Event]) -> AsyncIterator[Event]:
    if isinstance(events, AsyncIterable):
        async for event in events:
            yield event
    else:
        for event in events:
            yield event
