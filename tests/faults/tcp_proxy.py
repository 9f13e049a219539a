"""A proxy in front of an HTTP server that breaks connections in the ways that networks do."""

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from enum import Enum, auto
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from deploy.local.layout import HOST
from tests.faults.background import Background

_PIECE_BYTES = 64 * 1024
_SLOW_BYTES_PER_SECOND = 1024
_SLOW_PIECE_BYTES = 128
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing the socket then sends RST instead of FIN."""


class Mode(Enum):
    """What happens to a connection. `PASS` is the only one that does no harm."""

    PASS = auto()
    REFUSE = auto()
    """Closed at once."""
    HANG = auto()
    """Accepted, and never answered."""
    CUT_REQUEST = auto()
    """Reset after half of the first piece of the request: the server gets a torso."""
    RESET_AFTER_EFFECT = auto()
    """An INSERT goes through whole and the server answers; instead of its answer, the client gets a reset."""
    CUT_ANSWER = auto()
    """The status line `200 OK`, and then the end."""
    UNAVAILABLE = auto()
    """503 from a load balancer, the request unseen by the server."""
    WRONG_PASSWORD = auto()
    """403, as ClickHouse answers a wrong password."""
    OUT_OF_MEMORY = auto()
    """500, as ClickHouse answers when its memory limit is reached."""
    SLOW = auto()
    """The request trickles at 1 kB/s."""


_ANSWERS = {
    Mode.UNAVAILABLE: b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    Mode.WRONG_PASSWORD: (
        b"HTTP/1.1 403 Forbidden\r\nX-ClickHouse-Exception-Code: 516\r\nConnection: close\r\nContent-Length: 40\r\n\r\n"
        b"Code: 516. DB::Exception: Authentication"
    ),
    Mode.OUT_OF_MEMORY: (
        b"HTTP/1.1 500 Internal Server Error\r\nX-ClickHouse-Exception-Code: 241\r\nConnection: close\r\n"
        b"Content-Length: 40\r\n\r\nCode: 241. DB::Exception: Memory limit  "
    ),
}


class TcpProxy:
    """Listens on a port of its own and passes connections on to *target*, as *mode* says.

    A change of mode ends every open connection, so the next request meets the new one. `struck` counts what each mode
    has done; a test waits for that instead of hoping that the fault has happened.
    """

    def __init__(self, target: str) -> None:
        address = urlsplit(target)
        self._host, self._port = address.hostname, address.port
        self._background = Background()
        self._connections: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._mode = Mode.PASS
        self.struck: Counter[Mode] = Counter()
        self.url = ""

    def __enter__(self) -> Self:
        self._background.__enter__()
        self._server = self._background.run(asyncio.start_server(self._serve, HOST, 0))
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.set_mode(Mode.PASS)
        self._background.run(self._close())
        self._background.__exit__(kind, error, traceback)

    def set_mode(self, mode: Mode) -> None:
        """Treat every connection so from now on; those that are open are reset."""
        self._background.run(self._set_mode(mode))

    async def _set_mode(self, mode: Mode) -> None:
        self._mode = mode
        for writer in list(self._connections):
            _reset(writer)

    async def _close(self) -> None:
        self._server.close()
        for writer in list(self._connections):
            _reset(writer)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            # A connection that breaks is what this program is for.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._treat(reader, writer)
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _treat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mode = self._mode
        if mode is Mode.REFUSE:
            self.struck[mode] += 1
            _reset(writer)
        elif mode is Mode.HANG:
            await reader.read(_PIECE_BYTES)
            self.struck[mode] += 1
            # Until the client gives up or the mode changes.
            while await reader.read(_PIECE_BYTES):
                pass
        elif mode in _ANSWERS or mode is Mode.CUT_ANSWER:
            await reader.read(_PIECE_BYTES)
            self.struck[mode] += 1
            writer.write(_ANSWERS.get(mode, b"HTTP/1.1 200 OK\r\n"))
            await writer.drain()
        else:
            await self._pass_on(mode, reader, writer)

    async def _pass_on(self, mode: Mode, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(self._host, self._port)
        self._connections.add(server_writer)
        inserts = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._requests(mode, reader, server_writer, writer, inserts))
                ways.create_task(self._answers(mode, server_reader, writer, server_writer, inserts))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._connections.discard(server_writer)
            server_writer.close()

    async def _requests(
        self,
        mode: Mode,
        reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        inserts: asyncio.Event,
    ) -> None:
        while piece := await reader.read(_SLOW_PIECE_BYTES if mode is Mode.SLOW else _PIECE_BYTES):
            if mode is Mode.CUT_REQUEST:
                server.write(piece[: len(piece) // 2])
                await server.drain()
                self.struck[mode] += 1
                _reset(server)
                _reset(client)
                return
            if mode is Mode.SLOW:
                self.struck[mode] += 1
                await asyncio.sleep(len(piece) / _SLOW_BYTES_PER_SECOND)
            if b"INSERT" in piece:
                inserts.set()
            server.write(piece)
            await server.drain()
        server.close()

    async def _answers(
        self,
        mode: Mode,
        reader: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        server: asyncio.StreamWriter,
        inserts: asyncio.Event,
    ) -> None:
        while piece := await reader.read(_PIECE_BYTES):
            if mode is Mode.RESET_AFTER_EFFECT and inserts.is_set():
                self.struck[mode] += 1
                _reset(client)
                _reset(server)
                return
            client.write(piece)
            await client.drain()
        client.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
