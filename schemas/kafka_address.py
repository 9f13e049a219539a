"""The address of Kafka as worker and producers read it from the same settings."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """Where the brokers are, how the connection is protected, and as whom to connect."""

    bootstrap_servers: str
    security_protocol: SecurityProtocol = "PLAINTEXT"
    ca_file: Path | None = None
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    certificate_file: Path | None = None
    key_file: Path | None = None

    @property
    def uses_sasl(self) -> bool:
        """Whether clients name a user."""
        return self.security_protocol.startswith("SASL")

    def ssl_context(self) -> ssl.SSLContext | None:
        """How brokers are verified, and what they are shown; `None` without TLS.

        The files are read here, so a client that starts later uses what they hold then. Raises `OSError` where one
        cannot be read or used.
        """
        if not self.security_protocol.endswith("SSL"):
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            # An encrypted key would make OpenSSL ask for its password on the terminal; no password fits an empty one.
            context.load_cert_chain(self.certificate_file, self.key_file, password="")
        return context
