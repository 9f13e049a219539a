"""How far the worker is: kept up to date by the pipeline and the probes, read by pages, watchdog and metrics."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from schemas.errors import RegistryUnavailable
from stream.errors import Unavailable
from stream.fetch.records import Chunk

FAILURE_COUNTS_SECONDS = 75.0
"""For how long a failed attempt shows that its step still fails. A retry that takes longer hangs.

It is the longest pause before a retry (16 s) and the longest time that a client waits for an answer (Kafka's 40 s,
ClickHouse's 35 s), with some to spare.
"""

_Place = tuple[str, int, int, int]


class Progress:
    """What was taken, what was finished, and what is in the way. The event loop writes; any thread may read.

    *clock* is monotonic; *wall_ms* is the time of day, to which records' times compare. Every time is one of *clock*.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, wall_ms: Callable[[], float] = lambda: time.time() * 1000
    ) -> None:
        self.now = clock
        self._wall_ms = wall_ms
        self.looped_at = self.probed_at = clock()
        """When the event loop last turned, and when every service was last asked."""
        self.active_at = self.fruitful_at = clock()
        """When a step last succeeded, and when a commit did, or when there last was a reason to stand still."""
        self.lag = 0
        """Records that are not committed: of this worker's partitions, or of all partitions where it holds none."""
        self.assigned_partitions = 0
        self._committed_at = clock()
        self._failing: dict[str, tuple[float, float]] = {}
        """Per step that fails, the times of its first and last failure."""
        self._down: dict[str, float] = {}
        self._unfinished: dict[_Place, int] = {}

    def received(self, chunk: Chunk) -> None:
        """*chunk* has come."""
        self._unfinished[_place(chunk)] = chunk.records[0].timestamp

    def finished(self, chunks: Iterable[Chunk], *, committed: bool) -> None:
        """*chunks* need nothing more of this worker: they are *committed*, or another worker has them now."""
        for chunk in chunks:
            self._unfinished.pop(_place(chunk), None)
        if committed:
            self._committed_at = self.active_at = self.fruitful_at = self.now()

    @contextmanager
    def attempting(self, step: str) -> Iterator[None]:
        """An attempt at *step*. `Unavailable` begins an outage of the step; any other end of an attempt ends it."""
        try:
            yield
        except (Unavailable, RegistryUnavailable):
            now = self.now()
            self._failing[step] = (self._failing.get(step, (now, now))[0], now)
            self._may_stand_still()
            raise
        except Exception:
            self._works(step)  # a refusal is an answer
            raise
        self._works(step)

    def looped(self) -> None:
        """The event loop turns."""
        self.looped_at = self.now()

    def answered(self, service: str, *, up: bool) -> None:
        """A probe of *service* has ended."""
        self.found(f"{service} does not answer", is_so=not up)

    def found(self, what: str, *, is_so: bool) -> None:
        """A probe has found whether *what* stands in the way: an outage, which no restart would end."""
        if not is_so and self._down.pop(what, None) is None:
            return
        if is_so:
            self._down.setdefault(what, self.now())
        self._may_stand_still()

    def probed(self) -> None:
        """Every service was asked."""
        self.probed_at = self.now()

    def stands_at(self, *, lag: int, assigned_partitions: int, others_moved: bool = False) -> None:
        """*lag* records are not committed, of this worker's partitions, or of all of them where it has none.

        *others_moved*: another worker has committed some of them since this was said last.
        """
        if others_moved and not assigned_partitions:
            self._may_stand_still()
        if assigned_partitions != self.assigned_partitions:
            self.active_at = self.now()
        if lag == 0:
            self._may_stand_still()
        self.lag = lag
        self.assigned_partitions = assigned_partitions

    def outages(self) -> dict[str, float]:
        """For how many seconds each step has failed, or something else has stood in the way.

        A step whose last failure is too old to show anything (`FAILURE_COUNTS_SECONDS`) is none of them.
        """
        now = self.now()
        failing = {
            step: now - first
            for step, (first, last) in self._failing.copy().items()
            if now - last <= FAILURE_COUNTS_SECONDS
        }
        return {**failing, **{what: now - since for what, since in self._down.copy().items()}}

    def failing_seconds(self, step: str) -> float:
        """For how long *step* has failed; 0 while it works."""
        first, _ = self._failing.get(step, (self.now(), 0))
        return self.now() - first

    def last_commit_seconds(self) -> float:
        """Time since the last commit, or since the start."""
        return self.now() - self._committed_at

    def oldest_unfinished_seconds(self) -> float:
        """Age of the oldest record that has come and is not finished; 0 where there is none."""
        oldest = min(self._unfinished.copy().values(), default=None)
        return 0.0 if oldest is None else max(0.0, (self._wall_ms() - oldest) / 1000)

    def _works(self, step: str) -> None:
        if self._failing.pop(step, None) is not None:
            self._may_stand_still()
        self.active_at = self.now()

    def _may_stand_still(self) -> None:
        """Until now there was a reason to stand still."""
        self.active_at = self.fruitful_at = self.now()


def _place(chunk: Chunk) -> _Place:
    return chunk.topic, chunk.partition, chunk.generation, chunk.first_offset
