"""Erases persons: takes the names and ids of the deleted out of ClickHouse and out of the topic of names.

The mask is not made here. A deletion hides a person on every read path as soon as its row is stored; this is the second
half, after which there is nothing left to hide.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from schemas.retention import retention_start
from stream.clients.topics import duration
from stream.erasure.guard import ErasedPersons
from stream.erasure.name_topic import NameTopic, Swept
from stream.erasure.persons import PersonStore
from stream.erasure.rules import PersonKey
from stream.errors import Unavailable
from stream.pipeline.published_names import LAST_SIGHTING_SLACK
from stream.pipeline.unreadable import in_words

log = structlog.get_logger(__name__)

SWEEP_INTERVAL = timedelta(hours=1)
"""How often the topic of names is read through. It is Kafka's own bound for compaction that is added to it."""

COMPACTION_SLACK = timedelta(minutes=15)
"""An eraser's interval, twice; two readings of the topic; Kafka's cleaner, every 15 s; `file.delete.delay.ms`, 60 s."""

ATTEMPTS = 3
"""A name that is inserted while its person is being erased is found by the check, and removed by the next attempt."""


def compacted_within(config: Mapping[str, str]) -> timedelta | None:
    """How long what a sweep has overwritten may stay on the disk of a topic with *config*; `None` for ever.

    The segment with the overwriting record ends at the first sweep after its time, and is compacted then, or once its
    first record is as old as the lag.
    """
    lag = duration(config, "max.compaction.lag.ms")
    if lag is None:
        return None
    segment = min(lag, duration(config, "segment.ms") or lag)
    return max(lag, SWEEP_INTERVAL * (segment // SWEEP_INTERVAL + 1)) + COMPACTION_SLACK


@dataclass(frozen=True, slots=True)
class Erased:
    """What a run has done: persons whose names were removed from ClickHouse, and names overwritten in the topic.

    *overwritten* is `None` where the topic was not due. *unreadable* is where records lie that were left as they are.
    """

    persons: int
    overwritten: int | None
    unreadable: tuple[str, ...] = ()


class Eraser:
    """Removes what must not be there. Several may run at once, and any run may be cut off anywhere: the next goes on.

    What is to be done is never remembered but read off the stores, so nothing that failed can be forgotten.
    """

    def __init__(
        self,
        store: PersonStore,
        topic: NameTopic,
        erased: ErasedPersons,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._topic = topic
        self._erased = erased
        self._clock = clock
        self._swept_at: datetime | None = None

    async def run(self, *, sweep: bool = False) -> Erased:
        """Erase whoever is due; with *sweep*, or where the last one is an hour old, read the topic through as well.

        Raises `Unavailable`, also where a name comes back as fast as it is removed.
        """
        # First: from here on this worker stores and publishes none of their names.
        await asyncio.to_thread(self._erased.refresh)
        # Killed here: nothing was removed.
        persons = await asyncio.to_thread(self._remove)
        # Killed here: the topic is swept by the next run, a new worker's first one.
        now = self._clock()
        if sweep or self._swept_at is None or now - self._swept_at >= SWEEP_INTERVAL:
            swept = await self._sweep(now)
            return Erased(persons, swept.overwritten, swept.unreadable)
        return Erased(persons, None)

    def _remove(self) -> int:
        persons: set[PersonKey] = set()
        for _ in range(ATTEMPTS):
            due = self._store.due()
            if not due:
                return len(persons)
            persons |= due.keys()
            self._store.remove(due)
        if self._store.due():
            raise Unavailable("names of erased persons come back as fast as they are removed")
        return len(persons)

    async def _sweep(self, now: datetime) -> Swept:
        swept = await self._topic.sweep(self._erased.refresh, retention_start(now) - LAST_SIGHTING_SLACK)
        self._swept_at = now
        if swept.unreadable:
            # Not an error that a repetition could mend: the others are erased, and the worker goes on.
            log.warning("records of the topic of names left as they are", reason=in_words(swept.unreadable))
        return swept
