"""How often one caller may ask, and how many exports they may run at once. Counted in this process."""

import hashlib
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
EXPORTS_AT_ONCE = 2
EXPORT_RETRY_SECONDS = 10


class RateLimiter:
    """A window that slides over the last minute, for each client space and subject. `None` sets no limit."""

    def __init__(self, per_minute: int | None) -> None:
        self._limit: RateLimitItem | None = None if per_minute is None else RateLimitItemPerMinute(per_minute)
        self._strategy = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._exports: Counter[bytes] = Counter()

    def hit(self, caller: Caller) -> Mapping[str, str]:
        """Count a request, and return the headers that say how many are left. Raises `RateLimited`."""
        if self._limit is None:
            return {}
        key = _key(caller).hex()
        passes = self._strategy.hit(self._limit, key)
        stats = self._strategy.get_window_stats(self._limit, key)
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        if not passes:
            raise RateLimited(reset)
        return self._headers(stats.remaining, reset)

    @contextmanager
    def export(self, caller: Caller) -> Iterator[None]:
        """One of the exports that *caller* may run at once. Raises `RateLimited`."""
        key = _key(caller)
        if self._exports[key] >= EXPORTS_AT_ONCE:
            raise RateLimited(EXPORT_RETRY_SECONDS)
        self._exports[key] += 1
        try:
            yield
        finally:
            self._exports[key] -= 1
            if not self._exports[key]:
                del self._exports[key]

    def _headers(self, remaining: int, reset_seconds: int) -> Mapping[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers spells them."""
        quota = 0 if self._limit is None else self._limit.amount
        return {
            "RateLimit-Policy": f'"requests";q={quota};w={WINDOW_SECONDS}',
            "RateLimit": f'"requests";r={max(0, remaining)};t={reset_seconds}',
        }


def _key(caller: Caller) -> bytes:
    """Joined texts could be those of another pair; their hash cannot."""
    space = caller.client_space_id.encode()
    message = len(space).to_bytes(4, "big") + space + caller.subject.encode()
    return hashlib.blake2b(message, digest_size=16).digest()
