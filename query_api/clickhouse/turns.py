"""Who waits for whom at ClickHouse: no client space takes all connections, and no count or export holds up a page."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from query_api.errors import QueryTimeout

QUERIES_AT_ONCE = 6
"""Of one client space, the costly ones apart. The pool has `query_api.clickhouse.connection.POOL_SIZE` connections."""
COSTLY_AT_ONCE = 4
"""Costly queries of all client spaces together. A client space runs one at a time."""
COSTLY_ROWS = 1_000
"""A query that may find more rows than this, or asks for more persons, is costly: no page of the log does."""
WAIT_SECONDS = 15.0


class Turns:
    """Two queues for each client space, forgotten once nobody stands in them, and one for the costly ones of all.

    A query is costly if what it reads grows with the client space, or if it is part of an export. Only the first costly
    query of each client space waits in the queue of all, so the next one there is another client space's.
    """

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[tuple[str, bool], asyncio.Semaphore] = WeakValueDictionary()
        self._costly = asyncio.Semaphore(COSTLY_AT_ONCE)

    @asynccontextmanager
    async def turn(self, client_space_id: str, *, is_costly: bool = False) -> AsyncIterator[None]:
        """Wait for one of the places of *client_space_id*. Raises `QueryTimeout`."""
        key = client_space_id, is_costly
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = asyncio.Semaphore(1 if is_costly else QUERIES_AT_ONCE)
        queues = [queue, self._costly] if is_costly else [queue]
        async with AsyncExitStack() as places:
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    for each in queues:
                        await places.enter_async_context(each)
            except TimeoutError:
                raise QueryTimeout("too many queries of the client space wait") from None
            yield
