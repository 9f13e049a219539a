"""Bounds what a library logs while an outage lasts.

aiokafka writes a line for each attempt to connect, and several clients make several attempts a second: some forty lines
a second that say the same.
"""

import logging
import threading
import time
from collections.abc import Callable

PERIOD_SECONDS = 30.0


class RepeatedLines(logging.Filter):
    """Lets one warning of a kind through per period; the next one says how many were kept back since.

    Two lines are of one kind where logger and text before its values agree. Lines below a warning always pass. Any
    thread may log.
    """

    def __init__(self, *, period_seconds: float = PERIOD_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._period_seconds = period_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, str], tuple[float, int]] = {}
        """When the last line of a kind passed, and how many were kept back since. A library has few kinds."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether *record* passes; its text may be given the number of those that did not."""
        if record.levelno < logging.WARNING:
            return True
        kind, now = (record.name, str(record.msg)), self._clock()
        with self._lock:
            passed_at, kept_back = self._kinds.get(kind, (None, 0))
            if passed_at is not None and now - passed_at < self._period_seconds:
                self._kinds[kind] = (passed_at, kept_back + 1)
                return False
            self._kinds[kind] = (now, 0)
        if kept_back:
            record.msg, record.args = f"{record.getMessage()} (and {kept_back} more of these before)", ()
        return True


def bound_repeated_lines(library: str) -> None:
    """Bound the loggers of *library* that exist now: those of its modules that were imported. Call it once."""
    lines = RepeatedLines()
    # A logger's filter is not asked for what its children log, so each one gets it.
    for name in list(logging.root.manager.loggerDict):
        if name == library or name.startswith(f"{library}."):
            logging.getLogger(name).addFilter(lines)
