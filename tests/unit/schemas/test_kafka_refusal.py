"""Why a broker does not let a client in; `tests/integration/test_secured_kafka.py` has the cases of a real one."""

import asyncio
import ssl

import pytest
from aiokafka.errors import IllegalSaslStateError, KafkaConnectionError

from schemas.kafka import connection
from schemas.kafka_address import KafkaAddress
from schemas.kafka_refusal import KafkaRefused, in_words, refusal
from tests.free_ports import free_port


def bad_certificate(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("ada@example.com")
    error.verify_code = code
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (bad_certificate(9), "the broker's certificate is not valid yet: set this machine's clock"),
        (IllegalSaslStateError(), "the broker's port asks for no user: see KAFKA_SECURITY_PROTOCOL"),
        (KafkaConnectionError("closed"), None),
        (ConnectionRefusedError("ada@example.com"), None),
        (TimeoutError(), None),
    ],
)
def test_what_a_person_must_mend_is_told_and_what_may_pass_is_not(error: Exception, told: str | None) -> None:
    assert in_words(error) == told


async def test_a_broker_that_is_away_refuses_nobody() -> None:
    assert await refusal(connection(KafkaAddress(f"127.0.0.1:{free_port()}", "SSL"))) is None


async def test_a_port_without_tls_is_told() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no TLS here")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    told = await refusal(connection(KafkaAddress(f"127.0.0.1:{free_port()},127.0.0.1:{port}", "SSL")))
    server.close()
    assert told is not None
    assert told.startswith("TLS failed (")


def test_the_reason_is_the_whole_text() -> None:
    assert str(KafkaRefused("user or password is wrong")) == "user or password is wrong"
