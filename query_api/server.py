"""How the application is served: one process of uvicorn, with bounds on what clients send and how long they take."""

import asyncio
import sys

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SHUTDOWN_SECONDS = 10
"""How long requests may go on after SIGTERM. Then they are cancelled, and what waits to be recorded is recorded."""
HEAD_SECONDS = 10
"""How long a client may take from the beginning of a request, or of a connection, to the end of the headers."""
MAX_HEAD_BYTES = 64 * 1024
SWITCH_SECONDS = 0.0005
"""How long requests wait, at most, for a thread that reads a large answer of ClickHouse; Python's default is ten times
as long."""
MAX_CONNECTIONS = 1_000
"""Further connections are refused with 503."""

ABORT = "audit.abort"
"""The ASGI extension under which a request finds `abort`: it ends the connection at once, and sends no more."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which bounds neither the size of a request's head nor the time that it takes."""

    _head_bytes = 0
    _is_in_head = False
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Expect a request."""
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse *data*, and refuse a head that is too large. One read beyond the bound may be parsed."""
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        if not self._is_in_head:
            self._begin_head()

    def on_headers_complete(self) -> None:
        """The request is known, and its answer begins."""
        self._end_head()
        super().on_headers_complete()

    def _begin_head(self) -> None:
        self._is_in_head, self._head_bytes = True, 0
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _end_head(self) -> None:
        self._is_in_head = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def config(app: ASGIApp | str, *, host: str, port: int) -> uvicorn.Config:
    """How uvicorn serves *app*."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        # It prints query strings, which hold ids; `query_api.http.middleware` writes a log without.
        access_log=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def run(app: ASGIApp | str, *, host: str, port: int) -> None:
    """Serve *app* until the process is told to end. That takes at most `SHUTDOWN_SECONDS` and what closing takes."""
    sys.setswitchinterval(SWITCH_SECONDS)
    uvicorn.Server(config(app, host=host, port=port)).run()
