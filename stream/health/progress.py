"""How far the worker is: kept up to date by the pipeline and the probes, read by health, watchdog and metrics."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from schemas.errors import RegistryUnavailable
from stream.errors import Unavailable
from stream.fetch.records import Chunk
from stream.health.watchdog import Seen

_Place = tuple[str, int, int, int]


class Progress:
    """What was taken, what was finished, and what is in the way. The event loop writes; any thread may read.

    *clock* is monotonic; *wall_ms* is the time of day, to which records' times compare.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, wall_ms: Callable[[], float] = lambda: time.time() * 1000
    ) -> None:
        self._clock = clock
        self._wall_ms = wall_ms
        now = clock()
        self._looped_at = self._probed_at = self._committed_at = now
        self._active_at = self._fruitful_at = now
        self._failing: dict[str, float] = {}
        self._down: dict[str, float] = {}
        self._unfinished: dict[_Place, int] = {}
        self._lag = 0
        self.assigned_partitions = 0

    def received(self, chunk: Chunk) -> None:
        """*chunk* has come."""
        self._unfinished[_place(chunk)] = chunk.records[0].timestamp

    def finished(self, chunks: Iterable[Chunk], *, committed: bool) -> None:
        """*chunks* need nothing more of this worker: they are *committed*, or another worker has them now."""
        for chunk in chunks:
            self._unfinished.pop(_place(chunk), None)
        if committed:
            self._committed_at = self._active_at = self._fruitful_at = self._clock()

    @contextmanager
    def attempting(self, step: str) -> Iterator[None]:
        """An attempt at *step*, which works again once one succeeds."""
        try:
            yield
        except (Unavailable, RegistryUnavailable):
            self._failing.setdefault(step, self._clock())
            raise
        except Exception:
            self._works(step)  # a refusal is an answer
            raise
        self._works(step)

    def looped(self) -> None:
        """The event loop turns."""
        self._looped_at = self._clock()

    def answered(self, service: str, *, up: bool) -> None:
        """A probe of *service* has ended."""
        if not up:
            self._down.setdefault(service, self._clock())
        elif self._down.pop(service, None) is not None:
            self._outage_ended()

    def probed(self) -> None:
        """Every service was asked."""
        self._probed_at = self._clock()

    def stands_at(self, *, lag: int, assigned_partitions: int) -> None:
        """*lag* records are not committed, of this worker's partitions, or of all of them where it has none."""
        now = self._clock()
        if assigned_partitions != self.assigned_partitions:
            self._active_at = now
        if lag == 0:
            self._active_at = self._fruitful_at = now
        self._lag = lag
        self.assigned_partitions = assigned_partitions

    @property
    def lag(self) -> int:
        return self._lag

    def outages(self) -> dict[str, float]:
        """For how many seconds each step has failed, or each service has not answered."""
        now = self._clock()
        return {name: now - since for name, since in self._outages().items()}

    def failing_seconds(self, step: str) -> float:
        """For how long *step* has failed; 0 while it works."""
        since = self._failing.get(step)
        return 0.0 if since is None else self._clock() - since

    def last_commit_seconds(self) -> float:
        """Time since the last commit, or since the start."""
        return self._clock() - self._committed_at

    def oldest_unfinished_seconds(self) -> float:
        """Age of the oldest record that has come and is not finished; 0 where there is none."""
        oldest = min(self._unfinished.copy().values(), default=None)
        return 0.0 if oldest is None else max(0.0, (self._wall_ms() - oldest) / 1000)

    def seen(self) -> Seen:
        """All of it, to be judged."""
        return Seen(
            looped_at=self._looped_at,
            probed_at=self._probed_at,
            lag=self._lag,
            active_at=self._active_at,
            fruitful_at=self._fruitful_at,
            outages=self._outages(),
        )

    def _outages(self) -> Mapping[str, float]:
        return {**self._failing.copy(), **{f"{name} does not answer": at for name, at in self._down.copy().items()}}

    def _works(self, step: str) -> None:
        if self._failing.pop(step, None) is not None:
            self._outage_ended()
        self._active_at = self._clock()

    def _outage_ended(self) -> None:
        # To have stood still until now was right.
        self._active_at = self._fruitful_at = self._clock()


def _place(chunk: Chunk) -> _Place:
    return chunk.topic, chunk.partition, chunk.generation, chunk.first_offset
