"""The intake's settings, beside the producers'."""

import base64
from typing import Annotated

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import AfterValidator, Field, SecretStr

from producers.settings import ProducerSettings
from schemas.settings import load

MAX_EVENTS = 500
"""How many events a request may hold."""

_MIN_SECRET_BYTES = 32
_MIN_RSA_BITS = 2048


def _token_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    is_safe = _is_safe_public_key if text.startswith("-----BEGIN") else _is_long_secret
    if not is_safe(text):
        raise ValueError(
            f"must be a PEM public key (RSA of at least {_MIN_RSA_BITS} bits, EC on P-256, or Ed25519),"
            f" or at least {_MIN_SECRET_BYTES} bytes, base64-encoded"
        )
    return value


def _is_safe_public_key(pem: str) -> bool:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    if isinstance(key, RSAPublicKey):
        return key.key_size >= _MIN_RSA_BITS
    if isinstance(key, EllipticCurvePublicKey):
        return isinstance(key.curve, SECP256R1)
    return isinstance(key, Ed25519PublicKey)


def _is_long_secret(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) >= _MIN_SECRET_BYTES
    except ValueError:
        return False


class IntakeSettings(ProducerSettings):
    """What the intake needs to know. Every field is one environment variable, its alias."""

    token_key: Annotated[SecretStr, AfterValidator(_token_key)] = Field(
        alias="AUDIT_INTAKE_TOKEN_KEY",
        description="PEM public key (RS256, ES256, EdDSA), or base64 of a shared secret of at least 32 bytes (HS256)",
    )
    token_issuer: str = Field(alias="AUDIT_INTAKE_TOKEN_ISSUER", min_length=1, description="the tokens' `iss`")
    token_audience: str = Field(
        "audit-intake", alias="AUDIT_INTAKE_TOKEN_AUDIENCE", min_length=1, description="the tokens' `aud`"
    )
    max_body_bytes: int = Field(
        1_048_576,
        ge=1024,
        le=16_777_216,
        alias="AUDIT_INTAKE_MAX_BODY_BYTES",
        description="the longest body of a request",
    )
    max_requests: int = Field(
        64,
        ge=1,
        le=10_000,
        alias="AUDIT_INTAKE_MAX_REQUESTS",
        description="how many requests may be at work at once; others are answered 503",
    )
    metrics_host: str = Field(
        "127.0.0.1",
        alias="AUDIT_INTAKE_METRICS_HOST",
        description="where Prometheus reads the metrics, without a login",
    )
    metrics_port: int = Field(
        0,
        ge=0,
        le=65535,
        alias="AUDIT_INTAKE_METRICS_PORT",
        description="the port of the metrics, which is not the intake's; 0 for none",
    )


def load_intake_settings() -> IntakeSettings:
    """The settings of this process. Raises `InvalidSettings`, which names each variable at fault."""
    return load(IntakeSettings)
