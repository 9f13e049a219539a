"""Every client of Kafka is made from one address: protocol, authority and user reach all of them, Faust's too."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from schemas import kafka
from schemas.kafka_address import KafkaAddress
from stream.fetch.broker import broker_options

SECRET = "hush"


MADE = {"admin": kafka.admin, "consumer": kafka.consumer, "producer": kafka.producer}


class Made:
    """Stands for a client; it remembers how it was made and what became of it."""

    def __init__(self, **options: Any) -> None:
        self.options = options


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (KafkaAddress("kafka:9092"), {"security_protocol": "PLAINTEXT", "ssl_context": None}),
        (
            KafkaAddress("kafka:9092", "SASL_PLAINTEXT", None, "PLAIN", "audit", SECRET),
            {
                "security_protocol": "SASL_PLAINTEXT",
                "ssl_context": None,
                "sasl_mechanism": "PLAIN",
                "sasl_plain_username": "audit",
                "sasl_plain_password": SECRET,
            },
        ),
    ],
)
def test_the_address_says_how_each_client_connects(
    kind: str, address: KafkaAddress, expected: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AIOKafkaAdminClient", "AIOKafkaConsumer", "AIOKafkaProducer"):
        monkeypatch.setattr(kafka, name, Made)
    options = MADE[kind](address).options
    own = {"enable_idempotence", "acks", "enable_auto_commit"}
    assert {name: options[name] for name in options if name not in own} == {
        "bootstrap_servers": "kafka:9092",
        **expected,
    }


@pytest.mark.parametrize("kind", MADE)
async def test_every_client_takes_what_the_address_gives(kind: str) -> None:
    client = MADE[kind](KafkaAddress("kafka:9092", "SASL_SSL", None, "SCRAM-SHA-512", "audit", SECRET))
    await kafka.close(client)


@pytest.mark.parametrize("kind", MADE)
async def test_every_client_asks_for_the_password_of_each_connection(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    address = KafkaAddress("kafka:9092", "SASL_SSL", None, "PLAIN", "audit", "first", password_file=file)
    client = MADE[kind](address)
    connections = client.client if kind == "producer" else client._client
    assert connections._sasl_plain_password == "first"
    file.write_text("second\n")
    assert connections._sasl_plain_password == "second"
    # A secret that is being exchanged.
    file.write_text("")
    assert connections._sasl_plain_password == "second"
    file.unlink()
    assert connections._sasl_plain_password == "second"
    assert caplog.text.count("the earlier password is used") == 2
    await kafka.close(client)


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_tls_verifies_the_broker_and_its_name(protocol: Any) -> None:
    context = KafkaAddress("kafka:9092", protocol).ssl_context()
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_file_of_authorities_replaces_the_systems(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    with pytest.raises(ssl.SSLError):
        KafkaAddress("kafka:9092", "SSL", empty).ssl_context()


@pytest.mark.parametrize(
    "address",
    [
        KafkaAddress("one:9092,[::1]:9093"),
        KafkaAddress("kafka:9092", "SSL"),
        KafkaAddress("kafka:9092", "SASL_SSL", None, "SCRAM-SHA-512", "audit", SECRET),
        KafkaAddress("kafka:9092", "SASL_PLAINTEXT", None, "PLAIN", "audit", SECRET),
        KafkaAddress("kafka:9092", "SASL_SSL", None, "OAUTHBEARER", oauth_provider="tests.oauth:unsigned_tokens"),
    ],
)
def test_faust_connects_as_the_other_clients_do(address: KafkaAddress) -> None:
    options = broker_options(address)
    assert options["broker"] == [f"kafka://{server}" for server in address.bootstrap_servers.split(",")]
    ours, fausts = kafka.connection(address), dict(credentials_to_aiokafka_auth(options["broker_credentials"]))
    assert (ours.pop("ssl_context") is None) == (fausts.pop("ssl_context", None) is None)
    del ours["bootstrap_servers"]
    assert fausts == ours
    assert SECRET not in repr(options["broker_credentials"])


def test_an_address_that_is_printed_shows_no_password() -> None:
    assert SECRET not in repr(KafkaAddress("kafka:9092", "SASL_SSL", None, "PLAIN", "audit", SECRET))
