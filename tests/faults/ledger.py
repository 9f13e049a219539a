"""The ledger, and the load that fills it: what Kafka acknowledged is written down after the acknowledgement."""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from producers import DeliveryUnknown, Publisher, PublishFailed
from schemas.events import (
    Activity,
    AdminRightsUpdate,
    Channel,
    Event,
    Person,
    Source,
    UserCreation,
    UserLicenseUpdate,
)
from tests.faults.oracle import Entry, entry_of_event

LICENSES = (None, "Data Reader", "Data Steward", "Data Explorer")
_TICK_SECONDS = 0.05
_MAX_IN_FLIGHT = 400


class Ledger:
    """Acknowledged events, and those whose fate is not known. Each is a line of *path* before it counts."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self.acknowledged: dict[str, Entry] = {}
        self.maybe: dict[str, Entry] = {}

    def acknowledge(self, event: Event) -> None:
        """Note that Kafka has acknowledged *event*; call it after that."""
        self._note("acknowledged", entry_of_event(event), self.acknowledged)

    def doubt(self, event: Event) -> None:
        """Note that *event* is written or not."""
        self._note("maybe", entry_of_event(event), self.maybe)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _note(self, kind: str, entry: Entry, entries: dict[str, Entry]) -> None:
        self._file.write(json.dumps({"kind": kind, **asdict(entry)}) + "\n")
        self._file.flush()
        entries[entry.event_id] = entry


class EventSource:
    """Valid events of every kind that names stay visible in, over a few persons of *client_space_ids*; seeded."""

    def __init__(self, client_space_ids: Sequence[str], rng: random.Random) -> None:
        self.client_space_ids = tuple(client_space_ids)
        self._rng = rng
        self._clock = datetime.now(UTC) - timedelta(hours=1)

    def next(self, *, occurred_at: datetime | None = None) -> Event:
        """The next event, a little later than the last one unless *occurred_at* says when."""
        rng = self._rng
        # Small steps, and often none: many lines share one instant, which paging must survive.
        self._clock += timedelta(microseconds=rng.choice((0, 0, 1, 7, 1000)))
        user = rng.randrange(50)
        return Event(
            event_id=UUID(int=rng.getrandbits(128), version=4),
            occurred_at=occurred_at or self._clock,
            client_space_id=rng.choice(self.client_space_ids),
            channel=rng.choice((Channel.UI, Channel.API, Channel.FILE_IMPORT)),
            admin=Person("usr_grace", "grace@example.com", "Grace Hopper"),
            affected_user=Person(f"usr_{user}", f"user.{user}@example.com", f"User Number {user}"),
            activity=self._activity(),
            source=Source("user-service", request_id=f"req-{rng.randrange(10**6)}"),
        )

    def _activity(self) -> Activity:
        rng = self._rng
        before, after = rng.sample(LICENSES, 2)
        choices: list[Activity] = [
            UserCreation(),
            UserLicenseUpdate(before, after),
            AdminRightsUpdate(granted=rng.random() < 0.5),
        ]
        return rng.choice(choices)


async def publish(publisher: Publisher, ledger: Ledger, event: Event) -> None:
    """Publish *event* and write down what became of it. An event that certainly was not written leaves no trace."""
    try:
        await publisher.publish(event)
    except DeliveryUnknown:
        ledger.doubt(event)
    except PublishFailed:
        return
    else:
        ledger.acknowledge(event)


async def publish_steadily(
    publisher: Publisher,
    ledger: Ledger,
    source: EventSource,
    *,
    per_second: float,
    is_over: Callable[[], bool],
) -> None:
    """Publish at a bounded rate until *is_over*, with a bounded number in flight; returns when all have an answer."""
    loop = asyncio.get_running_loop()
    in_flight: set[asyncio.Task[None]] = set()
    due, last = 0.0, loop.time()
    async with asyncio.TaskGroup() as tasks:
        while not is_over():
            await asyncio.sleep(_TICK_SECONDS)
            now = loop.time()
            due, last = min(due + (now - last) * per_second, per_second), now
            while due >= 1 and len(in_flight) < _MAX_IN_FLIGHT:
                due -= 1
                task = tasks.create_task(publish(publisher, ledger, source.next()))
                in_flight.add(task)
                task.add_done_callback(in_flight.discard)
