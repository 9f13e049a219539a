"""The intake's settings, beside the producers'."""

import base64
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from producers.settings import ProducerSettings
from schemas.settings import load
from schemas.token_keys import DiscoveryUrl, parse_public_key

MAX_EVENTS = 500
"""How many events a request may hold."""

MAX_BODY_BYTES = 2 << 20
"""The longest body of a request: room for `MAX_EVENTS` with every text at its limit, in ASCII."""

_MIN_SECRET_BYTES = 32


def _token_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text.startswith("-----BEGIN"):
        parse_public_key(text)
    elif not _is_long_secret(text):
        raise ValueError(f"must be a public key in PEM, or at least {_MIN_SECRET_BYTES} bytes, base64-encoded")
    return value


def _is_long_secret(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) >= _MIN_SECRET_BYTES
    except ValueError:
        return False


class IntakeSettings(ProducerSettings):
    """What the intake needs to know. Every field is one environment variable, its alias."""

    token_key: Annotated[SecretStr, AfterValidator(_token_key)] | None = Field(
        None,
        alias="AUDIT_INTAKE_TOKEN_KEY",
        description="PEM public key: RSA (RS256), P-256, P-384 or Ed25519; or base64 of a secret of 32 bytes (HS256)",
    )
    token_discovery_url: DiscoveryUrl | None = Field(
        None,
        alias="AUDIT_INTAKE_TOKEN_DISCOVERY_URL",
        description="the issuer's OpenID configuration, instead of a key; its keys are read anew every 5 minutes",
    )
    token_issuer: str = Field(alias="AUDIT_INTAKE_TOKEN_ISSUER", min_length=1, description="the tokens' `iss`")
    token_audience: str = Field(
        "audit-intake", alias="AUDIT_INTAKE_TOKEN_AUDIENCE", min_length=1, description="the tokens' `aud`"
    )
    max_requests: int = Field(
        64,
        ge=1,
        le=10_000,
        alias="AUDIT_INTAKE_MAX_REQUESTS",
        description="how many requests may be in progress at once; others are answered 503",
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

    @model_validator(mode="after")
    def _one_source_of_keys(self) -> Self:
        if (self.token_key is None) == (self.token_discovery_url is None):
            raise ValueError("AUDIT_INTAKE_TOKEN_KEY: set either it or AUDIT_INTAKE_TOKEN_DISCOVERY_URL")
        return self


def load_intake_settings() -> IntakeSettings:
    """The settings of this process. Raises `InvalidSettings`, which names each variable at fault."""
    return load(IntakeSettings)
