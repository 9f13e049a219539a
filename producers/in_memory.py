"""A publisher for tests: it keeps the port's promises in memory, and breaks them on request in both ways."""

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable
from types import TracebackType
from typing import Literal, Self

from producers.activities import utc_now
from producers.errors import DeliveryUnknown, PublisherClosed, PublishFailed, Stamp
from producers.prepared import prepared
from producers.publisher import Acknowledgement, record_key
from schemas.events import Event
from schemas.topics import EVENTS_TOPIC

Fault = Literal["lost", "done"]


class InMemoryPublisher:
    """`Publisher` without a broker: *records* holds what it acknowledged, or claims not to know about.

    `fail_at[n]` makes the nth event fail: "lost" before it was written, "done" after it was.
    """

    def __init__(self) -> None:
        self.records: list[tuple[bytes, Event]] = []
        self.fail_at: dict[int, Fault] = {}
        self._open = False
        self._calls = 0

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """From now on every publish raises `PublisherClosed`."""
        self._open = False

    @property
    def events(self) -> list[Event]:
        """The events of *records*."""
        return [event for _, event in self.records]

    async def publish(self, event: Event) -> Acknowledgement:
        if not self._open:
            raise PublisherClosed("the publisher is not open: use it inside `async with`")
        event, _ = prepared(event, now=utc_now())
        await asyncio.sleep(0)
        fault = self.fail_at.get(self._calls)
        self._calls += 1
        stamp = Stamp(event.event_id, event.occurred_at)
        if fault == "lost":
            raise PublishFailed("a fault of the test", [stamp], retryable=True)
        self.records.append((record_key(event), event))
        if fault == "done":
            raise DeliveryUnknown([stamp])
        return Acknowledgement(event.event_id, EVENTS_TOPIC, 0, len(self.records) - 1)

    async def publish_all(
        self, events: AsyncIterable[Event] | Iterable[Event], *, on_acknowledged: Callable[[int], None] | None = None
    ) -> int:
        count = 0
        if isinstance(events, AsyncIterable):
            events = [event async for event in events]
        for event in events:
            await self.publish(event)
            count += 1
            if on_acknowledged is not None:
                on_acknowledged(1)
        return count
