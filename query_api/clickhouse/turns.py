"""How many queries of one client space run at once: no space may take all connections to ClickHouse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from query_api.errors import QueryTimeout

QUERIES_AT_ONCE = 6
"""Of one client space. The pool has `query_api.clickhouse.connection.POOL_SIZE` connections."""
WAIT_SECONDS = 15.0


class Turns:
    """A queue for each client space, forgotten once nobody stands in it."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, client_space_id: str) -> AsyncIterator[None]:
        """Wait for one of the places of *client_space_id*. Raises `QueryTimeout`."""
        queue = self._queues.get(client_space_id)
        if queue is None:
            queue = self._queues[client_space_id] = asyncio.Semaphore(QUERIES_AT_ONCE)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await queue.acquire()
        except TimeoutError:
            raise QueryTimeout("too many queries of the client space wait") from None
        try:
            yield
        finally:
            queue.release()
