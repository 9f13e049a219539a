"""The publisher: the one way of an event into Kafka."""

from collections.abc import AsyncIterable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from schemas.events import Event


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """All in-sync replicas have the event.

    *offset* is `None` where the broker, asked a second time, knew only that it has the batch.
    """

    event_id: UUID
    topic: str
    partition: int
    offset: int | None


class Publisher(Protocol):
    """Where events go."""

    async def publish(self, event: Event) -> Acknowledgement:
        """Write *event* and return once it is durable: acknowledged by every in-sync replica.

        Takes a bounded time. Raises `InvalidEvent` before any I/O, `PublishFailed` where the event was not written
        and `DeliveryUnknown` where that is not known. A cancelled call may still have written the event. Safe to call
        from many tasks of one event loop; they are not ordered among one another.
        """
        ...

    async def publish_all(
        self, events: AsyncIterable[Event] | Iterable[Event], *, on_acknowledged: Callable[[int], None] | None = None
    ) -> int:
        """Write *events* in their order with a bounded number in flight, and return how many there were.

        Returns when all are acknowledged. *on_acknowledged* is called, in the order of the events, with how many were
        acknowledged since its last call. At the first failure no more are taken, those in flight are waited for, and
        the error is raised with the stamps of all that are not acknowledged.

        An `InvalidEvent`, or what *events* itself raises, comes through with a note that says how many events were
        handed over before it. Where some of those are not acknowledged either, an `ExceptionGroup` of two is raised:
        `PublishFailed` or `DeliveryUnknown` with their stamps, and the error of the source.
        """
        ...


def record_key(event: Event) -> bytes:
    """The Kafka key: all events of one affected user share a partition and keep their order."""
    # A format would take a member of an enum by its name, where the event has its value.
    return "/".join((event.client_space_id, event.affected_user.id)).encode()  # noqa: FLY002
