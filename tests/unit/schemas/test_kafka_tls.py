"""A renewed certificate is used by the next connection, against a real TLS server."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from schemas.kafka_tls import FollowingContext
from tests.secured_kafka import Authority

HOST = "127.0.0.1"


@dataclass
class Server:
    """A server that asks for certificates and answers with the name in them, and the files of its client."""

    port: int
    authority: Authority
    stranger: Authority
    files: Path

    async def seen_as(self, context: ssl.SSLContext) -> str:
        """Whom a new connection under *context* comes from. Raises `OSError` where one of the two refuses the other."""
        reader, writer = await asyncio.open_connection(HOST, self.port, ssl=context)
        try:
            name = await reader.readline()
        finally:
            writer.close()
        if not name:
            raise ConnectionError("refused")
        return name.decode().strip()

    def show(self, certificate: Path) -> None:
        """Renew the client's certificate and key."""
        shutil.copy(certificate, self.files / "client.pem")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    authority, stranger = Authority(tmp_path, "authority"), Authority(tmp_path, "stranger")
    asks = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.file)
    asks.verify_mode = ssl.CERT_REQUIRED
    asks.load_cert_chain(authority.issue("server", x509.IPAddress(ip_address(HOST))))

    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ((found,),) = (part for part in writer.get_extra_info("peercert")["subject"] if part[0][0] == "commonName")
        writer.write(f"{found[1]}\n".encode())
        await writer.drain()
        writer.close()

    running = await asyncio.start_server(tell, HOST, 0, ssl=asks)
    files = tmp_path / "files"
    files.mkdir()
    made = Server(running.sockets[0].getsockname()[1], authority, stranger, files)
    made.show(authority.issue("first"))
    shutil.copy(authority.file, files / "ca.pem")
    yield made
    running.close()
    await running.wait_closed()


def context_of(server: Server) -> ssl.SSLContext:
    client = server.files / "client.pem"
    return FollowingContext(server.files / "ca.pem", client, client)


async def test_the_next_connection_shows_the_certificate_that_is_there_then(server: Server) -> None:
    context = context_of(server)
    assert await server.seen_as(context) == "first"
    server.show(server.authority.issue("second"))
    assert await server.seen_as(context) == "second"


async def test_the_next_connection_trusts_the_authority_that_is_there_then_and_no_longer_the_former(
    server: Server,
) -> None:
    context = context_of(server)
    shutil.copy(server.stranger.file, server.files / "ca.pem")
    with pytest.raises(ssl.SSLCertVerificationError):
        await server.seen_as(context)
    shutil.copy(server.authority.file, server.files / "ca.pem")
    assert await server.seen_as(context) == "first"


async def test_files_that_cannot_be_used_yet_leave_the_former_ones_in_force_and_the_log_says_so(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    context = context_of(server)
    (server.files / "client.pem").write_text("half of a")
    assert await server.seen_as(context) == "first"
    assert "cannot be used" in caplog.text
    (server.files / "client.pem").unlink()
    assert await server.seen_as(context) == "first"
    server.show(server.authority.issue("second"))
    assert await server.seen_as(context) == "second"


def test_the_first_files_must_be_usable(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        FollowingContext(tmp_path / "nowhere.pem", None, None)
