"""The server keeps its bounds, whatever clients do: uvicorn over loopback, the API over a store in memory."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
import uvicorn

from query_api import server
from query_api.app import create_app
from query_api.http import download
from query_api.log import access_log
from query_api.log.access_log import Action
from tests.builders import NOW
from tests.fakes.reader import InMemoryAccessLog, InMemoryLogReader
from tests.unit.query_api.api import Api, settings_for, token

PATIENCE_SECONDS = 120
"""Ends a test that would hang; no test waits for it."""
LINES = 3_000
"""More than the buffers of a connection hold."""


class Server:
    """A running server, the store behind it, and raw connections to it."""

    def __init__(self, uvicorn_server: uvicorn.Server, port: int, api: Api) -> None:
        self.uvicorn = uvicorn_server
        self.port = port
        self.api = api
        self.sockets: list[socket.socket] = []

    async def send(self, data: bytes) -> socket.socket:
        """A connection that sent *data* and has read nothing."""
        loop, connection = asyncio.get_running_loop(), socket.socket()
        self.sockets.append(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", self.port))
        await loop.sock_sendall(connection, data)
        return connection

    async def ending_of(self, connection: socket.socket) -> bytes:
        """What *connection* still gives until the server ends it."""
        loop, found = asyncio.get_running_loop(), b""
        try:
            while data := await loop.sock_recv(connection, 65_536):
                found += data
        except ConnectionError:
            pass
        return found

    async def export(self, since: str = "&from=2026-11-24T09:31:07.412345Z") -> httpx.Response:
        """The answer to an export whose lines are read: one line, or all."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE_SECONDS) as client:
            return await client.get(f"/v1/activities/export?format=jsonl{since}", headers=HEADERS)


HEADERS = {"Authorization": f"Bearer {token(scope='audit:read audit:export')}"}
EXPORT = (
    "GET /v1/activities/export?format=jsonl HTTP/1.1\r\nHost: localhost\r\n"
    f"Authorization: {HEADERS['Authorization']}\r\n\r\n"
).encode()
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large"
LIST = EXPORT.replace(b"/export?format=jsonl", b"?limit=1")


@asynccontextmanager
async def running_server() -> AsyncIterator[Server]:
    store, accesses = InMemoryLogReader(), InMemoryAccessLog()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    app = create_app(settings_for(), store, lambda: NOW, accesses)
    uvicorn_server = uvicorn.Server(server.config(app, host="127.0.0.1", port=0))
    api = Api(httpx.AsyncClient(), store, access_log=accesses)
    running = Server(uvicorn_server, listener.getsockname()[1], api)
    serving = asyncio.create_task(uvicorn_server.serve([listener]))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield running
            uvicorn_server.should_exit = True
            await serving
    finally:
        # Where a test failed the server still listens. A socket that is closed under the loop's reader would be the
        # next test's by its number, and never be read.
        uvicorn_server.should_exit = uvicorn_server.force_exit = True
        await serving
        for connection in running.sockets:
            connection.close()
        await api.client.aclose()
        listener.close()


def record_lines(api: Api) -> None:
    for number in range(LINES):
        api.record(occurred_at=NOW - timedelta(seconds=number))


async def test_a_download_that_stops_reading_is_broken_off_and_its_place_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 0.2)
    async with running_server() as running:
        record_lines(running.api)
        stalled = [await running.send(EXPORT) for _ in range(2)]
        while len(running.api.access_log.accesses) < 2:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0)

        while (answer := await running.export()).status_code == 429:  # noqa: ASYNC110 - it is told by nothing else
            await asyncio.sleep(0)

        assert answer.status_code == 200
        assert len(answer.text.splitlines()) == 1
        # One place is free; the other download may stand still for a moment more, and would go on if it were read.
        while running.uvicorn.server_state.connections:  # noqa: ASYNC110 - a set has no event
            await asyncio.sleep(0)
        for connection in stalled:
            assert not (await running.ending_of(connection)).endswith(b"0\r\n\r\n"), "it looks whole"


async def test_a_download_that_is_read_is_whole() -> None:
    async with running_server() as running:
        record_lines(running.api)

        assert len((await running.export("")).text.splitlines()) == LINES


async def test_a_termination_ends_though_a_download_stands_still_and_every_view_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "SHUTDOWN_SECONDS", 1)
    monkeypatch.setattr(download, "STALL_SECONDS", 2 * PATIENCE_SECONDS)
    # Views wait for others, so the last ones are not stored yet when the process is told to end.
    monkeypatch.setattr(access_log, "GATHERING_SECONDS", PATIENCE_SECONDS)
    async with running_server() as running:
        record_lines(running.api)
        await running.send(EXPORT)
        viewer = await running.send(LIST)
        assert await asyncio.get_running_loop().sock_recv(viewer, 12) == b"HTTP/1.1 200"
        while not running.api.access_log.accesses:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0)

    assert sorted(access.action for access in running.api.access_log.accesses) == [Action.EXPORT, Action.LIST]


async def test_a_head_without_end_is_refused_by_its_size() -> None:
    async with running_server() as running:
        connection = await running.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
        sending = asyncio.create_task(flood(connection))

        # The server says 431, which a client that still sends may never see.
        assert (await running.ending_of(connection)).partition(b"\r\n")[0] in (b"", TOO_LARGE)
        await sending


async def flood(connection: socket.socket) -> None:
    """Send for as long as anybody takes it."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            await loop.sock_sendall(connection, b"x" * 65_536)
    except OSError:
        return


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"])
async def test_a_request_that_is_never_whole_is_ended(monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
    async with running_server() as running:
        assert await running.ending_of(await running.send(begun)) == b""


async def test_a_second_request_of_a_connection_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
    async with running_server() as running:
        connection = await running.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.get_running_loop().sock_recv(connection, 12)
        await asyncio.get_running_loop().sock_sendall(connection, b"GET /healthz HTTP/1.1\r\nHost")

        assert (await running.ending_of(connection)).count(b"HTTP/1.1 200") <= 1


async def test_health_and_the_panel_answer_head_without_a_body() -> None:
    async with running_server() as running, httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}") as client:
        for path in "/healthz", "/readyz", "/panel/user-management-log.js":
            whole, head = await client.get(path), await client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["Content-Length"] == whole.headers["Content-Length"]
        module = json.loads((await client.get("/panel/user-management-log.js")).text.split(" from ")[1].rstrip(";\n"))
        assert (await client.head(f"/panel/{module.removeprefix('./')}")).status_code == 200
        assert (await client.head("/v1/activities")).status_code == 405
