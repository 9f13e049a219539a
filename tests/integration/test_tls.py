"""Registry and ClickHouse behind TLS, with certificates of an authority that only `SSL_CERT_FILE` names."""

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from deploy.local.layout import HOST
from deploy.local.stack.stack import LocalStack
from schemas.clickhouse_client import connect_pool
from tests.faults.background import Background
from tests.secured_kafka import SOCKETS_MAY_BE_LEFT, Authority

AUDIT_STREAM = Path(sys.executable).with_name("audit-stream")

pytestmark = [SOCKETS_MAY_BE_LEFT, pytest.mark.usefixtures("leftover_sockets")]


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until it ends."""
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@contextmanager
def tls_before(port: int, certificate: Path) -> Iterator[int]:
    """A port on which what *port* serves is served by TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(HOST, port)
        try:
            await asyncio.gather(relay(reader, server_writer), relay(server_reader, writer), return_exceptions=True)
        finally:
            # The end cancels a relay whose client has not closed; pytest tells of an open stream at the session's end.
            writer.transport.abort()
            server_writer.transport.abort()

    with Background() as background:
        server = background.run(asyncio.start_server(connected, HOST, 0, ssl=context))
        yield server.sockets[0].getsockname()[1]
        background.loop.call_soon_threadsafe(server.close)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "authority")


@pytest.fixture(scope="module")
def environment(stack: LocalStack, authority: Authority) -> Iterator[dict[str, str]]:
    """The stack's settings, with TLS before its registry and its ClickHouse."""
    certificate = authority.issue("servers", x509.IPAddress(ip_address(HOST)))
    ports = stack.layout.ports
    with (
        tls_before(ports.clickhouse, certificate) as clickhouse,
        tls_before(ports.schema_registry, certificate) as registry,
    ):
        yield {
            **stack.environment(),
            "CLICKHOUSE_URL": f"https://{HOST}:{clickhouse}",
            "SCHEMA_REGISTRY_URL": f"https://{HOST}:{registry}/apis/ccompat/v7",
        }


@pytest.mark.parametrize("command", [("migrate",), ("topics", "--replication-factor", "1")], ids=" ".join)
def test_a_server_is_trusted_by_the_authority_in_the_file_and_by_no_other(
    environment: dict[str, str], authority: Authority, command: tuple[str, ...]
) -> None:
    def exit_code(**changed: str) -> int:
        variables = {**os.environ, **environment, **changed}
        return subprocess.run([AUDIT_STREAM, *command], env=variables, capture_output=True, check=False).returncode

    assert (exit_code(SSL_CERT_FILE=str(authority.file)), exit_code()) == (0, 3)


async def test_the_pool_of_the_query_api_trusts_the_same_file(
    environment: dict[str, str], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    client = await connect_pool(environment["CLICKHOUSE_URL"], size=1, connect_seconds=60, timeout_seconds=60)
    assert (await client.query("SELECT 1")).result_rows == [(1,)]
    await client.close()
