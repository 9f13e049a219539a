"""The connection to ClickHouse: opened at the first use, bounded in time, sure of the schema, silent about values."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import structlog
from aiohttp import ConnectionTimeoutError
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.ctypes import RespBuffCls
from clickhouse_connect.driver.query import QueryResult
from clickhouse_connect.driver.transform import NativeTransform

from query_api.errors import OtherSchema, QueryTimeout, StoreError, StoreUnavailable
from query_api.settings import Settings
from schemas.clickhouse_client import connect_pool, error_code
from schemas.migrations import MIGRATIONS_TABLE, difference

CONNECT_TIMEOUT_SECONDS = 3
QUERY_TIMEOUT_SECONDS = 10
ANSWER_TIMEOUT_SECONDS = 15
"""The whole of a query as this side sees it, the wait for a free connection included."""

LARGE_BYTES = 128 * 1024
"""More than the lines of the longest page, which take some two milliseconds."""

POOL_SIZE = 32
"""Connections to ClickHouse, of all client spaces together."""

_QUERY_SETTINGS = {
    "max_execution_time": QUERY_TIMEOUT_SECONDS,
    "max_result_rows": 1_000_000,
    "max_memory_usage": 2 * 1024**3,
    # Reads only. 1 would also refuse the settings that the client library adds behind it, where a server applies them
    # one by one.
    "readonly": 2,
}
_COSTLY_SETTINGS = {
    # What answers a page gets the processors first. ClickHouse's own `priority` would make a count wait while any page
    # is read, on a server with idle processors too. Without CAP_SYS_NICE the server ignores it.
    "os_thread_priority": 15,
}
_INSERT_SETTINGS = {"async_insert": 0}
_TIMEOUT_CODES = (159, 160)  # TIMEOUT_EXCEEDED, TOO_SLOW
_NO_MIGRATIONS_CODES = (60, 81)  # UNKNOWN_TABLE, UNKNOWN_DATABASE

_logger = structlog.get_logger(__name__)


class ClickHouseConnection:
    """A pool of connections, bound to one event loop. Any task may query at any time.

    The client library retries a read once where a pooled connection turns out to be dead; nothing else is retried.
    A large result is decoded in a thread, so that it does not hold up other requests. The library's own `query` hands
    every result to a thread piece by piece, which costs a page more than to decode it.
    """

    def __init__(self, settings: Settings) -> None:
        self._url, self._database = settings.clickhouse
        self._opening: asyncio.Task[AsyncClient] | None = None
        self.under_way = 0
        """Requests that were not answered yet, those that wait for a connection included."""

    async def query(
        self, statement: str, parameters: Mapping[str, Any], *, is_costly: bool = False
    ) -> list[tuple[Any, ...]]:
        """The rows of *statement*, where `{database}` stands for the database. Times are aware and in UTC.

        One that *is_costly* leaves ClickHouse's processors to others that want them. Raises `StoreUnavailable`
        (`OtherSchema` where the schema is not this version's) or `QueryTimeout`.
        """
        client = await self._client()
        settings = {**_QUERY_SETTINGS, **_COSTLY_SETTINGS} if is_costly else _QUERY_SETTINGS
        return await self._query(client, statement, parameters, settings)

    async def insert(self, table: str, rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> None:
        """Insert *rows*, durable on return. Raises as `query` does."""
        client = await self._client()
        try:
            async with self._counted(), asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                await client.insert(
                    table, rows, column_names=columns, database=self._database, settings=_INSERT_SETTINGS
                )
        except Exception as error:  # noqa: BLE001 - as below
            raise _translated(error) from None

    async def check_schema(self) -> None:
        """Raise `OtherSchema` where the database's schema is not this version's *now*, else `StoreUnavailable`."""
        client = await self._client()
        try:
            await self._require_schema(client)
        except OtherSchema:
            # It changed under a running service. The next query opens anew, and is refused until the schema fits.
            await self.close()
            raise

    async def close(self) -> None:
        """Close the pool once the queries under way have ended. A later query opens it again."""
        opening, self._opening = self._opening, None
        if opening is None:
            return
        try:
            client = await opening
        except StoreError:
            return
        await client.close()

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    async def _client(self) -> AsyncClient:
        """The open client. All that wait while it opens share one attempt: an outage must not pile them up."""
        if self._opening is None or _has_failed(self._opening):
            self._opening = asyncio.create_task(self._open())
        # A caller that goes away must not take the others' attempt along.
        return await asyncio.shield(self._opening)

    async def _open(self) -> AsyncClient:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                client = await connect_pool(
                    self._url,
                    size=POOL_SIZE,
                    connect_seconds=CONNECT_TIMEOUT_SECONDS,
                    timeout_seconds=ANSWER_TIMEOUT_SECONDS,
                )
        except Exception as error:  # noqa: BLE001 - what a server that is none raises in a client is no closed list
            raise _translated(error) from None
        try:
            await self._require_schema(client)
        except BaseException:
            await client.close()
            raise
        return client

    async def _require_schema(self, client: AsyncClient) -> None:
        statement = f"SELECT number, checksum FROM {{database}}.{MIGRATIONS_TABLE} FINAL"  # noqa: S608 - a constant
        try:
            rows = await self._query(client, statement, {}, _QUERY_SETTINGS)
        except StoreUnavailable as error:
            if error.code not in _NO_MIGRATIONS_CODES:
                raise
            rows = []
        found = difference(dict(rows))
        if found is not None:
            raise OtherSchema(found)

    async def _query(
        self, client: AsyncClient, statement: str, parameters: Mapping[str, Any], settings: Mapping[str, int]
    ) -> list[tuple[Any, ...]]:
        try:
            async with self._counted(), asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                content = await client.raw_query(
                    statement.replace("{database}", self._database),
                    parameters=dict(parameters),
                    settings=_allowed_settings(client, settings),
                    fmt="Native",
                )
                if len(content) > LARGE_BYTES:
                    return await asyncio.to_thread(_decoded, client, content)
                return _decoded(client, content)
        except Exception as error:  # noqa: BLE001 - as above
            raise _translated(error) from None


class _Content:
    """An answer that is here whole, as the library's decoder reads it."""

    exception_tag = None

    def __init__(self, content: bytes) -> None:
        self.gen = iter((content,))

    def close(self) -> None:
        """Nothing is held."""


def _decoded(client: AsyncClient, content: bytes) -> list[tuple[Any, ...]]:
    source = RespBuffCls(_Content(content))  # type: ignore[no-untyped-call] # compiled
    result = cast("QueryResult", NativeTransform.parse_response(source, client.create_query_context("")))
    return [tuple(row) for row in result.result_rows]


def _allowed_settings(client: AsyncClient, settings: Mapping[str, int]) -> dict[str, int]:
    """*settings* but for those that the ClickHouse user's profile fixes: its administrator set them on purpose."""
    known = client.server_settings
    return {name: value for name, value in settings.items() if name not in known or not known[name].readonly}


def _has_failed(opening: asyncio.Task[AsyncClient]) -> bool:
    return opening.done() and (opening.cancelled() or opening.exception() is not None)


def _translated(error: Exception) -> StoreError:
    """What *error* means to a caller.

    Only its class and code are kept, and it is not chained: ClickHouse's texts quote statements, rows and values.
    """
    code = error_code(error)
    _logger.warning("clickhouse_error", error=type(error).__name__, code=code)
    late = error if isinstance(error, TimeoutError) else error.__cause__
    if code in _TIMEOUT_CODES or (isinstance(late, TimeoutError) and not isinstance(late, ConnectionTimeoutError)):
        return QueryTimeout("ClickHouse did not answer in time")
    return StoreUnavailable("ClickHouse is unreachable or failed", code=code)
