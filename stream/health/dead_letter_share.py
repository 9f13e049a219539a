"""The share of dead letters among the records of the last minutes, and whether it is an alarm."""

from collections import deque

WINDOW_SECONDS = 300.0
FEWEST = 3
"""Dead letters that an alarm needs: at night, one bad record is all of the traffic."""


class DeadLetterShare:
    """Counts in a sliding window. *limit* is the share above which it is an alarm."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._batches: deque[tuple[float, int, int]] = deque()

    def add(self, records: int, refused: int, *, now: float) -> None:
        """*records* were finished *now*, *refused* of them as dead letters."""
        self._batches.append((now, records, refused))
        self._forget(now)

    def share(self, now: float) -> float:
        """Dead letters as a share of all; 0 where there was nothing."""
        records, refused = self._sums(now)
        return refused / records if records else 0.0

    def is_alarm(self, now: float) -> bool:
        """Whether the share is over the limit."""
        records, refused = self._sums(now)
        return refused >= FEWEST and refused > self._limit * records

    def _sums(self, now: float) -> tuple[int, int]:
        self._forget(now)
        return sum(records for _, records, _ in self._batches), sum(refused for _, _, refused in self._batches)

    def _forget(self, now: float) -> None:
        while self._batches and self._batches[0][0] < now - WINDOW_SECONDS:
            self._batches.popleft()
