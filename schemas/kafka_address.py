"""The address of Kafka as worker and producers read it from the same settings."""

import contextlib
import logging
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from schemas.kafka_tls import FollowingContext

_log = logging.getLogger(__name__)

_last_read: dict[Path, str] = {}
"""The last password of each file. A process has one such file, and an address for each of its clients."""

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """Where the brokers are, how the connection is protected, and as whom to connect.

    *password* is what *password_file* held at the start, where there is one. *oauth_provider* is `module:function`.
    """

    bootstrap_servers: str
    security_protocol: SecurityProtocol = "PLAINTEXT"
    ca_file: Path | None = None
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    certificate_file: Path | None = None
    key_file: Path | None = None
    password_file: Path | None = None
    oauth_provider: str = ""

    @property
    def uses_sasl(self) -> bool:
        """Whether clients name a user."""
        return self.security_protocol.startswith("SASL")

    @property
    def uses_tokens(self) -> bool:
        """Whether clients show a token instead of a user and a password."""
        return self.uses_sasl and self.sasl_mechanism == "OAUTHBEARER"

    def current_password(self) -> str:
        """What the file holds now. Where it is empty or cannot be read, the log tells, and the last password stays.

        A file that is being written anew is empty for a moment, and a broker would refuse an empty password.
        """
        if self.password_file is None:
            return self.password
        with contextlib.suppress(OSError, UnicodeError):
            if password := secret_in(self.password_file):
                _last_read[self.password_file] = password
                return password
        _log.warning("the file of KAFKA_SASL_PASSWORD is empty or cannot be read; the earlier password is used")
        return _last_read.get(self.password_file, self.password)

    def ssl_context(self) -> ssl.SSLContext | None:
        """How brokers are verified, and what they are shown; `None` without TLS.

        Each connection uses what the files hold then. Raises `OSError` where one cannot be read or used now.
        """
        if not self.security_protocol.endswith("SSL"):
            return None
        return FollowingContext(self.ca_file, self.certificate_file, self.key_file)


def secret_in(file: Path) -> str:
    """The secret in *file*; a line break at its end is not part of it. Raises `OSError` or `UnicodeError`."""
    return file.read_text(encoding="utf-8").rstrip("\r\n")
