"""The worker's settings: read once from the environment, frozen, refused at start with the reason."""

import base64
import binascii
import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.clickhouse_address import read_clickhouse_url
from schemas.person_ref import MIN_KEY_BYTES

_DATABASE = r"^[A-Za-z_][A-Za-z0-9_]*$"


def _key(value: SecretStr) -> SecretStr:
    try:
        size = len(base64.b64decode(value.get_secret_value(), validate=True))
    except binascii.Error:
        raise ValueError("must be base64") from None
    if size < MIN_KEY_BYTES:
        raise ValueError(f"must hold at least {MIN_KEY_BYTES} bytes, base64-encoded")
    return value


def _http_url(value: str) -> str:
    if not re.match(r"https?://[^/]+", value):
        raise ValueError("must start with http:// or https://")
    return value


def _clickhouse_url(value: str) -> str:
    read_clickhouse_url(value)
    return value


class WorkerSettings(BaseSettings):
    """What the worker must know. Every field is an environment variable, named by its alias."""

    # A refused value may be a secret, and the worker's start prints why it was refused.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    kafka_bootstrap_servers: str = Field(alias="KAFKA_BOOTSTRAP_SERVERS", description="host:port, comma-separated")
    schema_registry_url: Annotated[str, AfterValidator(_http_url)] = Field(
        alias="SCHEMA_REGISTRY_URL", description="base URL of the registry's Confluent API"
    )
    clickhouse_url: Annotated[str, AfterValidator(_clickhouse_url)] = Field(
        alias="CLICKHOUSE_URL", repr=False, description="ClickHouse's HTTP interface; may carry user:password@"
    )
    clickhouse_database: str = Field(
        "audit", alias="AUDIT_CLICKHOUSE_DATABASE", pattern=_DATABASE, description="the database of the log"
    )
    pseudonymization_key: Annotated[SecretStr, AfterValidator(_key)] = Field(
        alias="AUDIT_PSEUDONYMIZATION_KEY",
        description="base64 of at least 32 bytes; with another key every person is another one",
    )
    consumer_group: str = Field(
        "user-management-audit-log", alias="AUDIT_CONSUMER_GROUP", description="Kafka consumer group of the workers"
    )
    instance: str | None = Field(
        None,
        alias="AUDIT_WORKER_INSTANCE",
        description="name of this worker, unique in the group: a restart under it goes on at once, without a rebalance",
    )
    session_timeout_seconds: float = Field(
        8.0,
        alias="AUDIT_SESSION_TIMEOUT_SECONDS",
        ge=6.0,
        le=60.0,
        description="silence after which the group gives a dead worker's partitions away; the broker's minimum is 6",
    )

    erasure_interval_seconds: float = Field(
        60.0,
        alias="AUDIT_ERASURE_INTERVAL_SECONDS",
        ge=1.0,
        le=3600.0,
        description="how often names of deleted persons are taken out of ClickHouse; part of the bound of an erasure",
    )
    http_host: str = Field(
        "127.0.0.1",
        alias="AUDIT_WORKER_HTTP_HOST",
        description="where health and metrics are served; they need no login, so let in nobody but probes",
    )
    http_port: int | None = Field(
        None, alias="AUDIT_WORKER_HTTP_PORT", ge=1, le=65535, description="their port; without one, none is opened"
    )
    watchdog_seconds: float = Field(
        120.0,
        alias="AUDIT_WATCHDOG_SECONDS",
        ge=10.0,
        le=3600.0,
        description="how long a worker may stand still with work to do, while all it needs answers, before it is ended",
    )

    @property
    def key(self) -> bytes:
        """The pseudonymization key itself."""
        return base64.b64decode(self.pseudonymization_key.get_secret_value())
