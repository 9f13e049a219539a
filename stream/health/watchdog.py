"""Tells standing still from waiting, and ends a process that stands still while everything that it needs answers.

Such hangs are known of Kafka clients: the process lives, sends heartbeats, and fetches nothing. Nothing is lost by
ending it: what was not committed is read again.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)

EXIT_STUCK = 70
EXIT_HELD_UP = 71
STOP_SECONDS = 7.0
"""What an orderly end may take; a client of a server that is down may never return from its own.

The stop is seen within a look, and acted upon within another: nine seconds, where ten are promised.
"""

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
    def fruitless_seconds(self) -> float:
        """How long steps may succeed and nothing be committed: rebalances without end do that."""
        return self.still_seconds * 10


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to judge by; times are of one monotonic clock.

    *looped_at*: the event loop last turned. *probed_at*: every dependency was last asked. *lag*: records to be done, of
    this worker's partitions, or of all where it has none. *active_at*: a step last succeeded, or there last was a
    reason to stand still. *fruitful_at*: the same, of commits. *outages*: what fails or does not answer, since when.
    """

    looped_at: float
    probed_at: float
    lag: int
    active_at: float
    fruitful_at: float
    outages: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ok:
    """It does its work, or has none."""


@dataclass(frozen=True, slots=True)
class WaitingOut:
    """It waits for *outages*, the first of which began *seconds* ago. To end it would mend nothing."""

    outages: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Stuck:
    """It stands still, and *what* says what was seen."""

    what: str


Verdict = Ok | WaitingOut | Stuck


def judge(seen: Seen, limits: Limits, now: float) -> Verdict:
    """What state the worker is in. Pure."""
    if seen.outages:
        return WaitingOut(tuple(sorted(seen.outages)), now - min(seen.outages.values()))
    if now - seen.looped_at > limits.loop_seconds:
        return Stuck(f"the event loop has not turned for {now - seen.looped_at:.0f} s")
    # Where the probes hang, nothing tells whether everything answers: a hang looks like an outage then.
    answers_are_known = now - seen.probed_at <= limits.still_seconds
    if not seen.lag or not answers_are_known:
        return Ok()
    if now - seen.active_at > limits.still_seconds:
        return Stuck(f"{seen.lag} records to do, and no step was done for {now - seen.active_at:.0f} s")
    if now - seen.fruitful_at > limits.fruitless_seconds:
        return Stuck(f"{seen.lag} records to do, and nothing was committed for {now - seen.fruitful_at:.0f} s")
    return Ok()


class Watchdog:
    """Looks once a second, from a thread: a hanging event loop runs no task.

    *look* judges the worker; *stopping* tells whether it is ending. Both are called from the thread. *end* ends the
    process at once with a code; it is not expected to return.
    """

    def __init__(
        self,
        look: Callable[[], Verdict],
        stopping: Callable[[], bool],
        *,
        end: Callable[[int], object] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._stopping = stopping
        self._end = end
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
                self._end(EXIT_HELD_UP)
            return
        verdict = self._look()
        self._stuck_looks = self._stuck_looks + 1 if isinstance(verdict, Stuck) else 0
        if isinstance(verdict, Stuck) and self._stuck_looks >= _LOOKS:
            log.critical("the worker is stuck and is ended", seen=verdict.what)
            self._end(EXIT_STUCK)

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            self.check()
