"""The publisher for Kafka: bounded in time, and certain about what it says."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from aiokafka import errors as kafka_errors
from aiokafka.structs import RecordMetadata

from producers.activities import Clock, canonical, utc_now
from producers.errors import DeliveryUnknown, PublisherClosed, PublishFailed, Stamp
from producers.kafka_link import Delivery, KafkaLink
from producers.publisher import Acknowledgement, record_key
from producers.settings import ProducerSettings
from schemas.avro_schemas import current_event_schema_text
from schemas.codec import encode
from schemas.errors import IncompatibleSchema, RegistryUnavailable
from schemas.events import Event
from schemas.registry import HttpSchemaRegistry, SchemaRegistry
from schemas.topics import EVENTS_SUBJECT
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
)
"""Kafka's answers that say no rather than not now."""

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Record:
    """An encoded event on its way, and the loop time at which its publisher must have an answer for the caller."""

    stamp: Stamp
    key: bytes
    datum: bytes
    deadline: float


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
        self._in_flight: dict[asyncio.Future[RecordMetadata], Stamp] = {}
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._registry is None:
            registry = HttpSchemaRegistry(self._settings.registry)
            self._registry = await self._resources.enter_async_context(registry)
        self._link = KafkaLink(self._settings.kafka, self._settings.publish_timeout_seconds)
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
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=self._settings.publish_timeout_seconds)
        left = list(self._in_flight.values())
        await link.close(patience_seconds=0.0 if left else self._settings.publish_timeout_seconds)
        await self._resources.aclose()
        if left:
            raise DeliveryUnknown(left)

    async def publish(self, event: Event) -> Acknowledgement:
        """See `Publisher.publish`."""
        record = self._encode(event)
        return await self._settle(record, await self._hand_over(record))

    async def publish_all(
        self, events: AsyncIterable[Event] | Iterable[Event], *, on_acknowledged: Callable[[int], None] | None = None
    ) -> int:
        """See `Publisher.publish_all`."""
        window: deque[tuple[_Record, Delivery]] = deque()
        count = 0

        async def settle_oldest() -> None:
            await self._settle(*window.popleft())
            if on_acknowledged is not None:
                on_acknowledged(1)

        try:
            async for event in _as_async(events):
                if len(window) >= self._settings.max_in_flight:
                    await settle_oldest()
                record = self._encode(event)
                window.append((record, await self._hand_over(record)))
                count += 1
            while window:
                await settle_oldest()
        except (PublishFailed, DeliveryUnknown) as error:
            raise await self._settle_rest(error, window) from error
        except Exception as error:
            error.add_note(f"{count} event(s) had been handed over before it")
            left = await self._settle_rest(None, window)
            if left.stamps:
                raise ExceptionGroup("the source of the events and their delivery failed", [left, error]) from None
            raise
        return count

    async def _settle_rest(
        self, error: PublishFailed | DeliveryUnknown | None, window: Iterable[tuple[_Record, Delivery]]
    ) -> PublishFailed | DeliveryUnknown:
        """Wait for every record of *window*. Returns one error for *error* and all that failed beside it."""
        errors = [] if error is None else [error]
        for record, delivery in window:
            try:
                await self._settle(record, delivery)
            except (PublishFailed, DeliveryUnknown) as another:
                errors.append(another)
        stamps = [stamp for each in errors for stamp in each.stamps]
        refusals = [each for each in errors if isinstance(each, PublishFailed)]
        if refusals and len(refusals) == len(errors):
            return PublishFailed(refusals[0].reason, stamps, retryable=refusals[0].retryable)
        return DeliveryUnknown(stamps)

    def _encode(self, event: Event) -> _Record:
        if self._link is None:
            raise PublisherClosed("the publisher is used outside its context")
        event = replace(event, admin=canonical(event.admin), affected_user=canonical(event.affected_user))
        datum = encode(event, now=self._clock())
        deadline = asyncio.get_running_loop().time() + self._settings.publish_timeout_seconds
        return _Record(Stamp(event.event_id, event.occurred_at), record_key(event), datum, deadline)

    async def _hand_over(self, record: _Record) -> Delivery:
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

    async def _send(self, record: _Record) -> Delivery:
        if self._link is None or self._registry is None:
            raise PublishFailed("the publisher was closed", [record.stamp], retryable=True)
        if self._schema_id is None:
            self._schema_id = await self._registry.register(EVENTS_SUBJECT, current_event_schema_text())
        delivery = await self._link.send(record.key, frame(self._schema_id, record.datum))
        self._in_flight[delivery.acknowledged] = record.stamp
        delivery.acknowledged.add_done_callback(self._forget)
        return delivery

    def _forget(self, acknowledged: asyncio.Future[RecordMetadata]) -> None:
        self._in_flight.pop(acknowledged, None)
        if not acknowledged.cancelled():
            acknowledged.exception()  # a cancelled publish has nobody else to look at it

    async def _settle(self, record: _Record, delivery: Delivery) -> Acknowledgement:
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
                delivery = await self._hand_over(record)
            except PublishFailed as error:
                # The first handing over may have been written, whatever became of this one.
                raise DeliveryUnknown([record.stamp]) from error
            is_first = False
        raise AssertionError("the pauses have no end")

    def _replace(self, delivery: Delivery, error: BaseException) -> None:
        if self._link is not None:
            self._link.replace(delivery.producer, error)


def _acknowledgement(record: _Record, metadata: RecordMetadata) -> Acknowledgement:
    offset = metadata.offset if metadata.offset >= 0 else None
    return Acknowledgement(record.stamp.event_id, metadata.topic, metadata.partition, offset)


def _reason(error: BaseException) -> str:
    # Kafka's own texts can quote what they refuse; ours cannot.
    return str(error) if isinstance(error, RegistryUnavailable) else type(error).__name__


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
