"""The settings of the query API: read once at start, frozen, and refused with the reason where they cannot work."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import SettingsConfigDict

from schemas.settings import InvalidSettings, Key, LogSettings, is_this_machine, load
from schemas.token_keys import DiscoveryUrl, parse_public_key

DEFAULT_REQUESTS_PER_MINUTE = 300
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")


def require_local(settings: "Settings", host: str) -> None:
    """Raise `InvalidSettings` where development would listen on *host*, which other machines may reach.

    Development tokens open every client space to whoever has the secret.
    """
    if settings.environment == "development" and not is_this_machine(host):
        raise InvalidSettings("AUDIT_ENVIRONMENT: development listens on this machine only, such as --host 127.0.0.1")


def _check_origins(value: str) -> str:
    for origin in value.split():
        if not _ORIGIN.fullmatch(origin):
            raise ValueError("must be origins such as https://app.example.com, separated by spaces; * is none")
    return value


def _check_public_key(value: str) -> str:
    parse_public_key(value)
    return value


class Settings(LogSettings):
    """What the API needs to know. Every field is an environment variable, named by its alias."""

    model_config = SettingsConfigDict(extra="forbid")

    environment: Literal["development", "production"] = Field(
        "production", alias="AUDIT_ENVIRONMENT", description="Which kind of token is accepted."
    )
    cursor_key: Key = Field(
        alias="AUDIT_CURSOR_KEY", description="Signs cursors, base64. A new key ends all open walks."
    )
    development_token_secret: Key | None = Field(
        None,
        alias="AUDIT_DEVELOPMENT_TOKEN_SECRET",
        description="Signs and verifies development tokens (HS256), base64. Must be unset in production.",
    )
    token_public_key: Annotated[str, AfterValidator(_check_public_key)] | None = Field(
        None,
        alias="AUDIT_TOKEN_PUBLIC_KEY",
        description="Verifies tokens in production, PEM: RSA (RS256), P-256, P-384 or Ed25519.",
    )
    token_issuer: str = Field(
        alias="AUDIT_TOKEN_ISSUER", min_length=1, description="The `iss` that every token must have."
    )
    token_audience: str = Field(
        "audit", alias="AUDIT_TOKEN_AUDIENCE", min_length=1, description="The `aud` that every token must have."
    )
    token_discovery_url: DiscoveryUrl | None = Field(
        None,
        alias="AUDIT_TOKEN_DISCOVERY_URL",
        description="The issuer's OpenID configuration, in production instead of a fixed key.",
    )
    token_client_space_claim: str = Field(
        "client_space_id",
        alias="AUDIT_TOKEN_CLIENT_SPACE_CLAIM",
        min_length=1,
        description="Where a token names the client space: a claim, or a path with dots.",
    )
    token_scope_claim: str = Field(
        "scope",
        alias="AUDIT_TOKEN_SCOPE_CLAIM",
        min_length=1,
        description="Where a token lists its scopes, as text or as a list: a claim, or a path with dots.",
    )
    rate_limit_per_minute: int | None = Field(
        None,
        alias="AUDIT_RATE_LIMIT_PER_MINUTE",
        ge=0,
        description="Requests of one client space and subject; 0 sets no limit.",
    )
    cors_origins: Annotated[str, AfterValidator(_check_origins)] = Field(
        "", alias="AUDIT_CORS_ORIGINS", description="Web origins whose pages may read answers, separated by spaces."
    )
    metrics_host: str = Field(
        "127.0.0.1", alias="AUDIT_QUERY_METRICS_HOST", description="Where metrics are served, without a login."
    )
    metrics_port: int | None = Field(
        None,
        alias="AUDIT_QUERY_METRICS_PORT",
        ge=1,
        le=65535,
        description="Their port, which is not the API's; without one, none is opened.",
    )

    def requests_per_minute(self) -> int | None:
        """The rate limit in force; `None` where there is none."""
        if self.rate_limit_per_minute is None:
            return None if self.environment == "development" else DEFAULT_REQUESTS_PER_MINUTE
        return self.rate_limit_per_minute or None

    @model_validator(mode="after")
    def _check_mode(self) -> Self:
        """One kind of token a mode: a secret left over in production would let its holder into every client space."""
        if self.environment == "production":
            if self.development_token_secret is not None:
                raise ValueError("AUDIT_DEVELOPMENT_TOKEN_SECRET: must be unset in production")
            if self.token_public_key is None and self.token_discovery_url is None:
                raise ValueError("AUDIT_TOKEN_PUBLIC_KEY: is required in production, or AUDIT_TOKEN_DISCOVERY_URL")
            if self.token_public_key is not None and self.token_discovery_url is not None:
                raise ValueError("AUDIT_TOKEN_DISCOVERY_URL: must be unset where AUDIT_TOKEN_PUBLIC_KEY is set")
        elif self.token_discovery_url is not None:
            raise ValueError("AUDIT_TOKEN_DISCOVERY_URL: must be unset in development")
        elif self.development_token_secret is None:
            raise ValueError("AUDIT_DEVELOPMENT_TOKEN_SECRET: is required in development")
        return self


def load_settings() -> Settings:
    """The settings of this process. Raises `InvalidSettings`, which names each variable at fault."""
    return load(Settings)
