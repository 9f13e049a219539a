"""ClickHouse's client as the worker uses it: for a block, or for as long as nothing fails."""

from collections.abc import Iterator
from contextlib import contextmanager

from clickhouse_connect.driver.client import Client

from schemas.clickhouse_client import connect, in_words
from stream.errors import StreamError, Unavailable


@contextmanager
def clickhouse_answers() -> Iterator[None]:
    """Make every error in the block `Unavailable`, but for the worker's own: what a driver raises is no closed list."""
    try:
        yield
    except StreamError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        # Not chained: ClickHouse's texts quote values, and a traceback would print them.
        raise Unavailable(in_words(error)) from None


@contextmanager
def open_clickhouse(url: str, *, timeout_seconds: float = 30.0) -> Iterator[Client]:
    """A client for the block. Raises `Unavailable`, as the block does: see `clickhouse_answers`."""
    with clickhouse_answers(), connect(url, timeout_seconds=timeout_seconds) as client:
        yield client


class LastingClient:
    """Connects at its first use, and anew at the first one after `close`. One caller at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Client | None = None

    def connected(self) -> Client:
        """The client. Raises the driver's errors."""
        if self._client is None:
            self._client = connect(self._url)
        return self._client

    def close(self) -> None:
        """Drop the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None
