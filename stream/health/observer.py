"""What the pipeline reports about itself: to `Progress` and to `Metrics`."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from schemas.errors import Reason, RegistryUnavailable
from stream.errors import Unavailable
from stream.fetch.records import Chunk
from stream.health.metrics import STEPS, Metrics
from stream.health.progress import Progress


class Observer:
    """Watches one pipeline. No call blocks or changes what the pipeline does; the event loop makes all of them."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], float] = lambda: time.time() * 1000,
    ) -> None:
        self.progress = Progress(clock=clock, wall_ms=wall_ms)
        self.metrics = Metrics()
        self._clock = clock
        self._wall_ms = wall_ms
        self._read_at_scrapes()

    def received(self, chunk: Chunk) -> None:
        """*chunk* has come."""
        self.metrics.count("audit_worker_missing_records_total", chunk.expired)
        self.progress.received(chunk)

    def dropped(self, chunks: Iterable[Chunk]) -> None:
        """*chunks* are left to the worker that holds their partitions now."""
        self.progress.finished(chunks, committed=False)

    @contextmanager
    def attempting(self, step: str) -> Iterator[None]:
        """An attempt at *step*."""
        started = self._clock()
        try:
            with self.progress.attempting(step):
                yield
        except (Unavailable, RegistryUnavailable):
            self.metrics.step_failed(step)
            raise
        self.metrics.step_done(step, self._clock() - started)

    def stored(
        self,
        chunks: Sequence[Chunk],
        *,
        expired: int,
        refused: Sequence[Reason],
        refused_deletions: int = 0,
        off_boarded: int = 0,
    ) -> None:
        """Every record of *chunks* is a row, or a dead letter for one of the reasons *refused*, or was dropped.

        It was dropped since it was *expired*, or since its client space has left. *refused_deletions* of those refused
        were deletions.
        """
        self.metrics.count("audit_worker_refused_deletions_total", refused_deletions)
        records = sum(len(chunk.records) for chunk in chunks)
        stored = records - expired - off_boarded - len(refused)
        self.metrics.finished(stored=stored, expired=expired, refused=refused, off_boarded=off_boarded)
        now_ms = self._wall_ms()
        for chunk in chunks:
            self.metrics.latencies((record.timestamp for record in chunk.records), now_ms=now_ms)

    def committed(self, chunks: Iterable[Chunk], *, whole: bool) -> None:
        """A commit of *chunks* came back; not *whole* where a rebalance took some of them away."""
        if not whole:
            self.metrics.count("audit_worker_refused_commits_total")
        self.progress.finished(chunks, committed=whole)

    def _read_at_scrapes(self) -> None:
        set_gauge, progress = self.metrics.set, self.progress
        for step in STEPS:
            set_gauge("audit_worker_outage_seconds", partial(progress.failing_seconds, step), step)
        set_gauge("audit_worker_oldest_unfinished_seconds", progress.oldest_unfinished_seconds)
        set_gauge("audit_worker_last_commit_seconds", progress.last_commit_seconds)
        set_gauge("audit_worker_assigned_partitions", lambda: progress.assigned_partitions)
