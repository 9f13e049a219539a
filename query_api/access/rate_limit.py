"""How often a caller and a client space may ask, and how many exports may run at once. Counted in this process."""

import json
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from query_api.access.auth import Caller
from query_api.errors import RateLimited

WINDOW_SECONDS = 60
CALLERS_PER_SPACE = 10
"""A client space may ask as often as this many of its callers together."""
EXPORTS_AT_ONCE = 2
EXPORTS_PER_SPACE = 4
EXPORT_RETRY_SECONDS = 10


class RateLimiter:
    """Windows that slide over the last minute, for each caller and each client space. `None` sets no limit.

    A caller is a client space and a subject.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._limit: RateLimitItem | None = None
        if per_minute is not None:
            self._limit = RateLimitItemPerMinute(per_minute)
            self._space_limit = RateLimitItemPerMinute(per_minute * CALLERS_PER_SPACE)
        self._strategy = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._exports: Counter[str] = Counter()

    def hit(self, caller: Caller) -> Mapping[str, str]:
        """Count a request, and return the headers that say how many are left. Raises `RateLimited`."""
        if self._limit is None:
            return {}
        key, space = _key(caller.client_space_id, caller.subject), _key(caller.client_space_id)
        passes = self._strategy.hit(self._limit, key)
        stats = self._strategy.get_window_stats(self._limit, key)
        if not passes:
            raise RateLimited(_seconds_until(stats.reset_time))
        if not self._strategy.hit(self._space_limit, space):
            raise RateLimited(_seconds_until(self._strategy.get_window_stats(self._space_limit, space).reset_time))
        return self._headers(stats.remaining, _seconds_until(stats.reset_time))

    @contextmanager
    def export(self, caller: Caller) -> Iterator[None]:
        """One of the exports that *caller*, and the client space, may run at once. Raises `RateLimited`."""
        key, space = _key(caller.client_space_id, caller.subject), _key(caller.client_space_id)
        limits = {key: EXPORTS_AT_ONCE, space: EXPORTS_PER_SPACE}
        if any(self._exports[key] >= limit for key, limit in limits.items()):
            raise RateLimited(EXPORT_RETRY_SECONDS)
        self._exports.update(limits.keys())
        try:
            yield
        finally:
            self._exports.subtract(limits.keys())
            # Nothing is kept of who runs none.
            self._exports = +self._exports

    def _headers(self, remaining: int, reset_seconds: int) -> Mapping[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers spells them."""
        quota = 0 if self._limit is None else self._limit.amount
        return {
            "RateLimit-Policy": f'"requests";q={quota};w={WINDOW_SECONDS}',
            "RateLimit": f'"requests";r={max(0, remaining)};t={reset_seconds}',
        }


def _seconds_until(reset_time: float) -> int:
    return max(1, math.ceil(reset_time - time.time()))


def _key(*parts: str) -> str:
    """As JSON: texts that are joined could be those of another caller."""
    return json.dumps(parts)
