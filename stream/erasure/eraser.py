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
"""How often names of the same persons may come back while they are removed: some are inserted meanwhile."""


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

    *unreadable* is where records lie that were left as they are.
    """

    persons: int
    overwritten: int
    unreadable: tuple[str, ...] = ()


class Eraser:
    """Removes names of erased persons. Several may run at once, and any run may be cut off: the next one goes on.

    What is due is read from the stores each time, so nothing that failed is forgotten. *due_persons* is told how many
    persons are due.
    """

    def __init__(
        self,
        store: PersonStore,
        topic: NameTopic,
        erased: ErasedPersons,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        due_persons: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._topic = topic
        self._erased = erased
        self._clock = clock
        self._due_persons = due_persons

    async def run(self) -> Erased:
        """Erase whoever is due, in the store and in the topic. Raises `Unavailable`: see `remove` and `sweep`."""
        persons = await self.remove()
        # Killed here: the topic is swept by the next run.
        swept = await self.sweep()
        return Erased(persons, swept.overwritten, swept.unreadable)

    async def remove(self) -> int:
        """Remove names from the store; the answer is of how many persons.

        Raises `Unavailable`, also where names come back as fast as they are removed.
        """
        # First: from here on this worker stores and publishes none of their names.
        await asyncio.to_thread(self._erased.refresh)
        # Killed here: nothing was removed.
        return await asyncio.to_thread(self._remove)

    def _remove(self) -> int:
        persons: set[PersonKey] = set()
        returns = 0
        while due := self._store.due():
            self._due_persons(len(due))
            if due.keys() <= persons:
                returns += 1
            if returns == ATTEMPTS:
                raise Unavailable("names of erased persons come back as fast as they are removed")
            persons |= due.keys()
            self._store.remove(due)
        self._due_persons(0)
        return len(persons)

    async def sweep(self) -> Swept:
        """Overwrite names in the topic. Raises `Unavailable`; then sweep again."""
        start = retention_start(self._clock()) - LAST_SIGHTING_SLACK
        swept = await self._topic.sweep(self._erased, start)
        if swept.unreadable:
            # Not an error that a repetition could mend: the others are erased, and the worker goes on.
            log.warning("records of the topic of names left as they are", reason=in_words(swept.unreadable))
        return swept
