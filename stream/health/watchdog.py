"""Distinguish a stuck worker from a waiting one, and end a stuck one.

Kafka clients are known to hang so: the process lives, sends heartbeats and fetches nothing. Ending it loses nothing, as
the next worker reads again what was not committed.
"""

import faulthandler
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from stream.health.progress import Progress

log = structlog.get_logger(__name__)

EXIT_STUCK = 70
EXIT_HELD_UP = 71
STOP_SECONDS = 7.0
"""What an orderly end may take; a client of a server that is down may never return from its own.

The stop is seen within a look, and acted upon within another: nine seconds, where ten are promised.
"""

_STDERR = 2
_LOOK_SECONDS = 1.0
_LOOKS = 3
"""Looks in a row that must agree: after a suspension of the machine, the first one sees nothing but old times."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When no progress is too little. *still_seconds*: with work to do, and nothing that it waits for."""

    still_seconds: float = 120.0

    @property
    def loop_seconds(self) -> float:
        """How long the event loop may not turn. Nothing that belongs in it takes a second."""
        return self.still_seconds / 2

    @property
    def probe_seconds(self) -> float:
        """How long a round of probes may take. Each of them gives up after seconds."""
        return self.still_seconds + 30

    @property
    def fruitless_seconds(self) -> float:
        """How long steps may succeed and nothing be committed: rebalances without end do that."""
        return self.still_seconds * 10


@dataclass(frozen=True, slots=True)
class Ok:
    """It works, or has nothing to do."""


@dataclass(frozen=True, slots=True)
class WaitingOut:
    """It waits for outages to end. A restart would not help."""


@dataclass(frozen=True, slots=True)
class Unassigned:
    """It holds no partition, while records of the topic are to be done."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """It stands still, and a restart helps. *what* says what was seen."""

    what: str


Verdict = Ok | WaitingOut | Unassigned | Stuck


def verdict(progress: Progress, limits: Limits) -> Verdict:
    """What state the worker is in now. Any thread may ask.

    The event loop and the probes are judged first: only they can end an outage, so a hang of theirs would hide in one.
    """
    now = progress.now()
    if now - progress.looped_at > limits.loop_seconds:
        return Stuck(f"the event loop has not turned for {now - progress.looped_at:.0f} s")
    if now - progress.probed_at > limits.probe_seconds:
        return Stuck(f"the probes have not ended for {now - progress.probed_at:.0f} s")
    if progress.outages():
        return WaitingOut()
    return _progress_made(progress, limits, now) if progress.lag else Ok()


def _progress_made(progress: Progress, limits: Limits, now: float) -> Ok | Unassigned | Stuck:
    if now - progress.active_at > limits.still_seconds:
        return Stuck(f"{progress.lag} records to do, and no step was done for {now - progress.active_at:.0f} s")
    if now - progress.fruitful_at > limits.fruitless_seconds:
        return Stuck(f"{progress.lag} records to do, and nothing was committed for {now - progress.fruitful_at:.0f} s")
    return Ok() if progress.assigned_partitions else Unassigned()


def _dump_stacks() -> None:
    """Write the stack of every thread: files, lines and functions, never a value.

    To the descriptor, as Faust replaces `sys.stderr` by a logger, which has none.
    """
    faulthandler.dump_traceback(file=_STDERR, all_threads=True)


class Watchdog:
    """Looks once a second, from a thread: a hanging event loop runs no task.

    *look* judges the worker; *stopping* tells whether it is ending. Both are called from the thread. *end* ends the
    process at once with a code; it is not expected to return. Before that, *dump* writes the stack of every thread.
    """

    def __init__(
        self,
        look: Callable[[], Verdict],
        stopping: Callable[[], bool],
        *,
        end: Callable[[int], object] = os._exit,
        dump: Callable[[], object] = _dump_stacks,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._stopping = stopping
        self._end = end
        self._dump = dump
        self._clock = clock
        self._stuck_looks = 0
        self._stopping_since: float | None = None

    def start(self) -> None:
        """Look from now on, for as long as the process lives."""
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def check(self) -> None:
        """One look."""
        if self._stopping():
            now = self._clock()
            if self._stopping_since is None:
                self._stopping_since = now
            if now - self._stopping_since >= STOP_SECONDS:
                log.warning("the worker did not end in time and is ended", seconds=STOP_SECONDS)
                self._dump_and_end(EXIT_HELD_UP)
            return
        found = self._look()
        self._stuck_looks = self._stuck_looks + 1 if isinstance(found, Stuck) else 0
        if isinstance(found, Stuck) and self._stuck_looks >= _LOOKS:
            log.critical("the worker is stuck and is ended", seen=found.what)
            self._dump_and_end(EXIT_STUCK)

    def _dump_and_end(self, code: int) -> None:
        try:
            self._dump()
        finally:
            # Whatever becomes of the stacks: a stuck worker that lives on is worse than one without a trace.
            self._end(code)

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            self.check()
