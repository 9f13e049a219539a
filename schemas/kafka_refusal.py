"""Why brokers do not let a client in, in words that say what to mend; aiokafka says only that it has no connection."""

import ssl
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

_ASK_MILLISECONDS = 3_000
_EXPIRED = 10
_NOT_YET_VALID = 9
_OTHER_NAME = (62, 64)
"""OpenSSL's codes for another host name and for another IP address."""


class KafkaRefused(KafkaConnectionError):  # type: ignore[misc]
    """The brokers are there and do not let this client in. The text says what to mend, and holds no secret."""

    def __str__(self) -> str:
        return str(self.args[0])


async def refusal(connection: dict[str, Any]) -> str | None:
    """Why no broker lets a client in that connects with these options of aiokafka; `None` where that is not known."""
    options = {name: value for name, value in connection.items() if name != "bootstrap_servers"}
    reason = None
    for server in connection["bootstrap_servers"].split(","):
        host, _, port = server.rpartition(":")
        try:
            connected = await create_conn(host.strip("[]"), int(port), request_timeout_ms=_ASK_MILLISECONDS, **options)
        except (TimeoutError, KafkaError, OSError) as error:
            reason = reason or in_words(error)
        else:
            connected.close()
            return None
    return reason


def in_words(error: BaseException) -> str | None:
    """What to mend after *error*; `None` for one that may pass by itself."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_in_words(error.verify_code)
    if isinstance(error, ssl.SSLError):
        return (
            f"TLS failed ({error.reason}): the port may be one without TLS, or the broker refuses this client's"
            " certificate; see KAFKA_SECURITY_PROTOCOL, KAFKA_SSL_CERTIFICATE_FILE"
        )
    if isinstance(error, SaslAuthenticationFailed | AuthenticationFailedError):
        return "user or password is wrong: see KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD, KAFKA_SASL_MECHANISM"
    if isinstance(error, UnsupportedSaslMechanismError):
        return "the broker does not know this mechanism: see KAFKA_SASL_MECHANISM"
    if isinstance(error, IllegalSaslStateError):
        return "the broker's port asks for no user: see KAFKA_SECURITY_PROTOCOL"
    return None


def _certificate_in_words(code: int) -> str:
    if code == _EXPIRED:
        return "the broker's certificate has expired: renew it"
    if code == _NOT_YET_VALID:
        return "the broker's certificate is not valid yet: set this machine's clock"
    if code in _OTHER_NAME:
        return (
            "the broker's certificate is for another host name: use a name that it has in KAFKA_BOOTSTRAP_SERVERS"
            " and in the broker's advertised.listeners"
        )
    return "no authority that is trusted here has signed the broker's certificate: see KAFKA_SSL_CA_FILE"
