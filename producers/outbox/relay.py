"""The relay: publishes what lies in the outbox, in order per affected user, and deletes what is acknowledged."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from producers.activities import utc_now
from producers.errors import DeliveryUnknown, PublishFailed
from producers.event_json import from_json
from producers.outbox.store import Backlog, Outbox, Row
from producers.outbox.table import now_ms
from producers.prepared import prepared
from producers.publisher import Publisher
from schemas.errors import InvalidEvent, Reason
from schemas.events import Event

BATCH_EVENTS = 500
LEASE_SECONDS = 60.0
"""After so long other relays take over what a killed one held."""
IDLE_SECONDS = 0.5
"""How long to wait before looking into an empty outbox again."""
COUNT_SECONDS = 15.0
"""The least time between two counts of the outbox, each of which reads the whole table."""

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0

_log = logging.getLogger(__name__)


_NEVER_PREPARED = ": see AUDIT_OUTBOX_DATABASE_URL, and whether the outbox has its tables there"


class Relay:
    """Publishes the events of an outbox; several may run beside one another, each under a name of its own.

    A lease may end while its relay still publishes, as where the process stood still. That reorders nothing: each relay
    publishes a bucket from its oldest event on, so the first copy of an event never comes before that of an older one,
    and the log keeps the first copy.
    """

    def __init__(
        self,
        outbox: Outbox,
        publisher: Publisher,
        *,
        lease_seconds: float = LEASE_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        on_count: Callable[[Backlog], None] | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without *on_count* the outbox is never counted."""
        self._outbox = outbox
        self._publisher = publisher
        self._lease_ms = round(lease_seconds * 1000)
        self._idle_seconds = idle_seconds
        self._on_count = on_count
        self._seconds = seconds
        self._next_count = seconds()

    async def run(self, stopping: asyncio.Event) -> None:
        """Publish until *stopping* is set. Waits out whatever keeps it from the database or from Kafka."""
        pause = _FIRST_PAUSE_SECONDS
        is_prepared = False
        while not stopping.is_set():
            try:
                if not is_prepared:
                    await asyncio.to_thread(self._outbox.prepare)
                    is_prepared = True
                await self.count()
                published = await self.publish_waiting()
            except (PublishFailed, DeliveryUnknown, SQLAlchemyError) as error:
                # SQLAlchemy's texts quote what they were given, which holds names.
                text = f"the database fails ({_kind(error)})" if isinstance(error, SQLAlchemyError) else str(error)
                _log.warning("the outbox waits: %s%s", text, "" if is_prepared else _NEVER_PREPARED)
                await _wait(stopping, pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                pause = _FIRST_PAUSE_SECONDS
                if not published:
                    await _wait(stopping, self._idle_seconds)

    async def count(self) -> None:
        """Tell how much waits, at most once in `COUNT_SECONDS`."""
        if self._on_count is None or self._seconds() < self._next_count:
            return
        try:
            self._on_count(await asyncio.to_thread(self._outbox.backlog))
        finally:
            # Also where a table is too large to be counted in time: the next rounds publish.
            self._next_count = self._seconds() + COUNT_SECONDS

    async def publish_waiting(self) -> int:
        """Publish the oldest events of the buckets that are free, and return how many were acknowledged.

        Raises what `Publisher.publish_all` raises once it has deleted those that were acknowledged before.
        """
        now = now_ms()
        buckets = await asyncio.to_thread(self._outbox.lease, now, now + self._lease_ms)
        if not buckets:
            return 0
        # A crash from here on leaves leases, which end, and events, which are published once more under the same id.
        try:
            rows = await asyncio.to_thread(self._outbox.waiting, buckets, BATCH_EVENTS)
            ids, events = await self._publishable(rows)
            return await self._publish(ids, events)
        finally:
            await asyncio.to_thread(self._outbox.release)

    async def _publish(self, ids: Sequence[int], events: Sequence[Event]) -> int:
        acknowledged = 0

        def count(more: int) -> None:
            nonlocal acknowledged
            acknowledged += more

        try:
            await self._publisher.publish_all(events, on_acknowledged=count)
        finally:
            if acknowledged:
                await asyncio.to_thread(self._outbox.remove, ids[:acknowledged])
        return acknowledged

    async def _publishable(self, rows: Sequence[Row]) -> tuple[list[int], list[Event]]:
        """The events of *rows*. One that no publisher takes is kept apart: it would stop all others."""
        ids, events = [], []
        for row in rows:
            try:
                event, _ = prepared(_event_in(row.event), now=utc_now())
            except InvalidEvent as error:
                _log.error("row %d of the outbox is refused and kept: %s", row.id, error)
                await asyncio.to_thread(self._outbox.refuse, row.id, str(error))
            else:
                ids.append(row.id)
                events.append(event)
        return ids, events


def _event_in(text: str) -> Event:
    try:
        document = json.loads(text)
    except ValueError:
        raise InvalidEvent(Reason.MALFORMED) from None
    return from_json(document)


def _kind(error: SQLAlchemyError) -> str:
    driver_error = getattr(error, "orig", None)
    return " of ".join(type(each).__name__ for each in (error, driver_error) if each is not None)


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
