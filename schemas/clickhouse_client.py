"""The one door to ClickHouse: every client of worker, commands and query API is made here, from the same URL."""

import logging
import ssl
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from schemas.clickhouse_address import read_clickhouse_url

# The driver logs what it also raises, and what it logs may quote values.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())
logging.getLogger("clickhouse_connect").propagate = False


def connect(url: str, *, timeout_seconds: float = 30.0) -> Client:
    """A client of the ClickHouse at *url* (`http[s]://[user:password@]host[:port]`). It retries nothing by itself.

    It asks the server at once, and raises the driver's errors.
    """
    return clickhouse_connect.get_client(
        **_connection(url), connect_timeout=5, send_receive_timeout=timeout_seconds, query_retries=0
    )


async def connect_pool(url: str, *, size: int, connect_seconds: int, timeout_seconds: int) -> AsyncClient:
    """A pool of *size* connections for the running event loop; any task may query at any time. Else as `connect`.

    The driver repeats a read once where a pooled connection turns out to be dead.
    """
    return await clickhouse_connect.get_async_client(
        **_connection(url),
        connect_timeout=connect_seconds,
        send_receive_timeout=timeout_seconds,
        # A session would let one query run at a time.
        autogenerate_session_id=False,
        connector_limit=size,
        connector_limit_per_host=size,
    )


def error_code(error: BaseException) -> int | None:
    """ClickHouse's own code for *error*, where it gave one."""
    code = getattr(error, "code", None)
    return code if isinstance(code, int) else None


def in_words(error: BaseException) -> str:
    """*error* by class and code, and what to look at where that is known.

    Its text stays out: ClickHouse's quote statements, rows and values.
    """
    code = error_code(error)
    remedy = _remedy(error, code)
    return f"ClickHouse: {type(error).__name__} (code {code})" + (f": {remedy}" if remedy else "")


_DENIED = "user or password is wrong: see CLICKHOUSE_URL"
_REMEDIES = {
    60: "a table is missing: see AUDIT_CLICKHOUSE_DATABASE, or run `audit-stream migrate`",
    81: "the database is missing: see AUDIT_CLICKHOUSE_DATABASE, or run `audit-stream migrate`",
    159: "a statement took too long",
    164: "this account may only read: see CLICKHOUSE_URL",
    192: _DENIED,
    193: _DENIED,
    194: _DENIED,
    202: "too many statements at once",
    241: "its memory is used up",
    243: "its disk is full",
    252: "merges do not keep up with the parts",
    497: "this account lacks a right: compare its grants with SECURITY.md",
    516: _DENIED,
}
"""Of ClickHouse's codes those that an operator meets."""


def _remedy(error: BaseException, code: int | None) -> str:
    if code is not None:
        return _REMEDIES.get(code, "")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "TLS failed: see CLICKHOUSE_URL and SSL_CERT_FILE"
        cause = cause.__cause__ or cause.__context__
    return "no answer of a ClickHouse: see CLICKHOUSE_URL" if isinstance(error, DatabaseError | OSError) else ""


def _connection(url: str) -> dict[str, Any]:
    address = read_clickhouse_url(url)
    return {
        "interface": address.scheme,
        "host": address.host,
        "port": address.port,
        "username": address.username,
        "password": address.password,
        # A naive time would take the zone of whoever reads it.
        "tz_mode": "aware",
        "client_name": "user-management-audit-log",
    }
