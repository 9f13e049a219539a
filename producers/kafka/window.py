"""The events of one `publish_all` that await their acknowledgement: handed over in batches, settled in their order."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from producers.errors import DeliveryUnknown, PublishFailed
from producers.kafka.bulk import Batch, Bulk
from producers.kafka.link import Delivery
from producers.kafka.record import Record

MAX_IN_FLIGHT = 4000
"""How many events of one `publish_all` may await their acknowledgement at once."""


class Sender(Protocol):
    """What hands records over and waits for them, as `KafkaPublisher` does."""

    async def hand_over(self, record: Record) -> Delivery:
        """Give *record* to aiokafka. Raises `PublishFailed`: it has not left."""
        ...

    async def settle(self, record: Record, delivery: Delivery) -> object:
        """Wait for the broker's answer. Raises `PublishFailed` or `DeliveryUnknown`."""
        ...

    async def bulk(self) -> Bulk | None:
        """Batches for the producer that works, if there is one."""
        ...

    def is_current(self, bulk: Bulk) -> bool:
        """Whether the producer of *bulk* still works."""
        ...

    def note_in_flight(self, delivery: Delivery, records: list[Record]) -> None:
        """Remember the events of *delivery* until they have an answer."""
        ...


class Window:
    """The events of one `publish_all` that are not acknowledged yet, oldest first."""

    def __init__(self, publisher: Sender, on_acknowledged: Callable[[int], None] | None) -> None:
        self._publisher = publisher
        self._on_acknowledged = on_acknowledged or (lambda _: None)
        self._bulk: Bulk | None = None
        self.records: deque[tuple[Record, Delivery]] = deque()
        self.count = 0

    async def add(self, record: Record) -> None:
        """Hand *record* over: in a batch if a producer works, else by itself, which waits for one."""
        if self._bulk is None or not self._publisher.is_current(self._bulk):
            await self.send_open()
            self._bulk = await self._publisher.bulk()
        if self._bulk is None:
            self.records.append((record, await self._publisher.hand_over(record)))
        else:
            batch, full = self._bulk.add(record)
            self.records.append((record, batch))
            if full is not None:
                await self._send(full)
        self.count += 1

    async def send_open(self) -> None:
        """Send the batches that wait for more records."""
        # All at once: while Kafka is away each waits as long as a request may take for the one before it.
        await asyncio.gather(*(self._send(batch) for batch in ([] if self._bulk is None else self._bulk.open())))

    async def settle_oldest(self) -> None:
        """Wait for the oldest record's answer, and take those after it that have theirs by now."""
        record, delivery = self.records[0]
        await self._send(delivery)
        self.records.popleft()
        await self._publisher.settle(record, delivery)
        acknowledged = 1
        while self.records and self.records[0][1].is_done:
            self.records.popleft()
            acknowledged += 1
        self._on_acknowledged(acknowledged)

    async def settle_rest(self, error: PublishFailed | DeliveryUnknown | None) -> PublishFailed | DeliveryUnknown:
        """Wait for every record that is left. Returns one error for *error* and all that failed beside it."""
        errors = [] if error is None else [error]
        await self.send_open()
        for record, delivery in self.records:
            try:
                await self._send(delivery)
                await self._publisher.settle(record, delivery)
            except (PublishFailed, DeliveryUnknown) as another:
                errors.append(another)
        stamps = [stamp for each in errors for stamp in each.stamps]
        refusals = [each for each in errors if isinstance(each, PublishFailed)]
        if refusals and len(refusals) == len(errors):
            return PublishFailed(refusals[0].reason, stamps, retryable=refusals[0].retryable)
        return DeliveryUnknown(stamps)

    async def _send(self, delivery: Delivery) -> None:
        if isinstance(delivery, Batch) and not delivery.is_sent:
            self._publisher.note_in_flight(delivery, delivery.records)
            await delivery.send()
