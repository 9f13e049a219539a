"""A file that is sent while it is made, and that a client cannot hold up for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import structlog
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from query_api.server import ABORT

STALL_SECONDS = 30.0
"""How long a client may take for `PIECE_BYTES`. Then the download is broken off."""
PIECE_BYTES = 64 * 1024

_logger = structlog.get_logger(__name__)


class Download(StreamingResponse):
    """The answer that sends *chunks*, which are closed whatever ends it.

    A client that stops reading, or reads less than `PIECE_BYTES` in `STALL_SECONDS`, loses its connection. An export
    of a stalled client would otherwise keep its place, and its process could not end.
    """

    def __init__(self, chunks: AsyncIterator[bytes], media_type: str, headers: dict[str, str]) -> None:
        super().__init__(chunks, media_type=media_type, headers=headers)
        self._chunks = chunks
        self._has_stalled = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""

        async def send_in_time(message: object) -> None:
            try:
                async with asyncio.timeout(STALL_SECONDS):
                    await send(message)  # type: ignore[arg-type] # whatever Starlette sends
            except TimeoutError:
                self._has_stalled = True
                raise

        async with aclosing(self._chunks):  # type: ignore[type-var] # a generator
            try:
                await super().__call__(scope, receive, send_in_time)
            except TimeoutError:
                if not self._has_stalled:
                    raise
                _logger.warning("download_stalled", request_id=scope["state"]["request_id"])
                _abort(scope)


def in_pieces(chunk: bytes) -> list[bytes]:
    """*chunk* in pieces of `PIECE_BYTES`, each of which a client must take in time."""
    return [chunk[start : start + PIECE_BYTES] for start in range(0, len(chunk), PIECE_BYTES)] or [chunk]


def _abort(scope: Scope) -> None:
    """End the connection without sending what waits: the client does not take it. Servers other than ours close it."""
    extension = (scope.get("extensions") or {}).get(ABORT)
    if extension is None:
        raise ConnectionError("the download stalled")
    extension["abort"]()
