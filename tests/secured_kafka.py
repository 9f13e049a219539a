"""A broker as in production: TLS, users with SCRAM, client certificates, and rights, with certificates made here.

Every listener has a certificate of its own. A test chooses one by its name: `secure` is as it should be, `expired` and
`renamed` are not, `mutual` asks clients for theirs, and `tokens` believes unsigned tokens.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from deploy.local.java import kafka
from deploy.local.layout import HOST, REPOSITORY
from deploy.local.stack.processes import Child
from tests.faults.workers import wait_until
from tests.free_ports import free_port_base

ADMINISTRATOR = "administrator"
SESSION_SECONDS = 2
"""How long a connection of a user lives, whatever goes on on it."""

# asyncio closes the socket below TLS once the peer has answered; neither aiokafka nor `asyncio.run` waits for that.
SOCKETS_MAY_BE_LEFT = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
_BROKER = "kafka"
_LISTENERS = {
    **dict.fromkeys(("secure", "expired", "renamed", "tokens"), "SASL_SSL"),
    **dict.fromkeys(("mutual", "controller"), "SSL"),
}


class Authority:
    """Signs certificates, each into a PEM file with its key."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self.file = directory / f"{name}.pem"
        builder = _builder(self._name, self._name, self._key, timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(self, name: str, *hosts: x509.GeneralName, valid: timedelta = timedelta(days=1), file: str = "") -> Path:
        """A file with a key, and its certificate for *name* and *hosts*; it ends *valid* from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_named(name), self._name, key, valid)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        path = self._directory / f"{file or name}.pem"
        path.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.public_bytes(Encoding.PEM)
        )
        return path


@dataclass(frozen=True)
class SecuredKafka:
    """Where the broker's listeners are, and what its clients need."""

    ports: dict[str, int]
    authority: Authority
    stranger: Authority
    """One that the broker does not know, and that has not signed its certificates."""

    def environment(self, user: str, *, listener: str = "secure", **changed: str) -> dict[str, str]:
        """The settings of a client that is *user*, whose password is its name."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{self.ports[listener]}",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SSL_CA_FILE": str(self.authority.file),
            "KAFKA_SASL_USERNAME": user,
            "KAFKA_SASL_PASSWORD": user,
            **changed,
        }

    def tokens(self, user: str) -> dict[str, str]:
        """The settings of a client that shows a token for *user* instead of a password."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{self.ports['tokens']}",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SSL_CA_FILE": str(self.authority.file),
            "KAFKA_SASL_MECHANISM": "OAUTHBEARER",
            "KAFKA_SASL_OAUTH_PROVIDER": "tests.oauth:unsigned_tokens",
            "TEST_OAUTH_USER": user,
        }

    def mutual(self, certificate: Path) -> dict[str, str]:
        """The settings of a client that shows *certificate* instead of a password."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{self.ports['mutual']}",
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SSL_CA_FILE": str(self.authority.file),
            "KAFKA_SSL_CERTIFICATE_FILE": str(certificate),
            "KAFKA_SSL_KEY_FILE": str(certificate),
        }


@contextmanager
def secured_kafka(directory: Path, jars: Sequence[Path], users: Sequence[str]) -> Iterator[SecuredKafka]:
    """The broker, ready, for *users* and the administrator, each of whom has their name as password and no right."""
    base = free_port_base()
    ports = {name: base + number for number, name in enumerate(_LISTENERS)}
    authority, stranger = Authority(directory, "authority"), Authority(directory, "stranger")
    broker = _broker(directory, ports, authority, [*users, ADMINISTRATOR])
    kafka.prepare(broker, jars)
    child = Child(kafka.command(broker, jars), {}, directory / "kafka.log", cwd=REPOSITORY)
    child.start()
    try:
        wait_until(
            lambda: "Kafka Server started" in child.output() or not child.is_running(), what="the broker's start"
        )
        assert child.is_running(), child.last_words()
        yield SecuredKafka(ports, authority, stranger)
    finally:
        child.stop(20)


def _broker(directory: Path, ports: dict[str, int], authority: Authority, users: Sequence[str]) -> kafka.Broker:
    here = x509.IPAddress(ip_address(HOST))
    good = authority.issue(_BROKER, here)
    certificates = dict.fromkeys(_LISTENERS, good)
    certificates["expired"] = authority.issue(_BROKER, here, valid=-timedelta(minutes=1), file="expired")
    certificates["renamed"] = authority.issue(_BROKER, x509.DNSName("kafka.example.com"), file="renamed")
    listeners = ",".join(f"{name.upper()}://{HOST}:{port}" for name, port in ports.items())
    options = {
        "listeners": listeners,
        "advertised.listeners": listeners,
        "listener.security.protocol.map": ",".join(f"{name.upper()}:{kind}" for name, kind in _LISTENERS.items()),
        "inter.broker.listener.name": "MUTUAL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        # As hosted Kafka does, in minutes there: aiokafka cannot prove anew who it is, so the broker ends connections.
        "connections.max.reauth.ms": str(SESSION_SECONDS * 1000),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{_BROKER};User:{ADMINISTRATOR}",
        "ssl.principal.mapping.rules": "RULE:^CN=(.*)$/$1/",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.file),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(good),
    }
    for name, kind in _LISTENERS.items():
        prefix = f"listener.name.{name}"
        options[f"{prefix}.ssl.keystore.type"] = "PEM"
        options[f"{prefix}.ssl.keystore.location"] = str(certificates[name])
        if kind == "SSL":
            options[f"{prefix}.ssl.client.auth"] = "required"
        elif name == "tokens":
            options[f"{prefix}.sasl.enabled.mechanisms"] = "OAUTHBEARER"
            options[f"{prefix}.oauthbearer.sasl.jaas.config"] = (
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;"
            )
        else:
            options[f"{prefix}.scram-sha-512.sasl.jaas.config"] = (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            )
    scram = [part for user in users for part in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={user}]")]
    return kafka.Broker(directory / "kafka", 0, ports["controller"], options, ("--standalone", *scram))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + valid)
    )
