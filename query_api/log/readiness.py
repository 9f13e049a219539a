"""Whether the log can be read, asked at most once a second however often somebody wants to know."""

import asyncio
import time
from collections.abc import Callable

from query_api.errors import StoreError
from query_api.log.reader import LogReader

FRESH_SECONDS = 1.0


class Readiness:
    """All that ask within a second share one check, and its answer: a health check needs no token."""

    def __init__(self, reader: LogReader, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._clock = clock
        self._check: asyncio.Task[str | None] | None = None
        self._checked_at = float("-inf")

    async def reason(self) -> str | None:
        """Why the log cannot be read, in words; `None` where it can be."""
        if self._check is None or (self._check.done() and self._clock() - self._checked_at >= FRESH_SECONDS):
            self._check = asyncio.create_task(self._ask())
        # A caller that goes away must not take the others' check along.
        return await asyncio.shield(self._check)

    async def _ask(self) -> str | None:
        try:
            return await self._reader.schema_difference()
        except StoreError as error:
            return str(error)
        finally:
            self._checked_at = self._clock()
