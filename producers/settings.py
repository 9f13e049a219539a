"""The producers' settings: read once from the environment, frozen, refused at start with the reason."""

from typing import Annotated

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from producers.errors import InvalidSettings

DEFAULT_SERVICE = "audit-produce"

_NonBlank = Annotated[str, Field(min_length=1, pattern=r"\S")]


class ProducerSettings(BaseSettings):
    """What a publisher needs to know. Every field is one environment variable, its alias."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, hide_input_in_errors=True)

    kafka_bootstrap_servers: _NonBlank = Field(
        validation_alias="KAFKA_BOOTSTRAP_SERVERS",
        description="The brokers to start from: `host:port`, comma-separated.",
    )
    schema_registry_url: str = Field(
        validation_alias="SCHEMA_REGISTRY_URL",
        pattern=r"^https?://\S+$",
        description="The registry's base address, with its path if it has one (`/apis/ccompat/v7`).",
    )
    service: _NonBlank = Field(
        default=DEFAULT_SERVICE,
        max_length=128,
        validation_alias="AUDIT_PRODUCER_SERVICE",
        description="The name under which events say where they came from.",
    )
    publish_timeout_seconds: float = Field(
        default=30.0,
        ge=1.0,
        le=600.0,
        validation_alias="AUDIT_PRODUCER_PUBLISH_TIMEOUT_SECONDS",
        description="How long one publish, and closing, may take before it raises.",
    )
    max_in_flight: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        validation_alias="AUDIT_PRODUCER_MAX_IN_FLIGHT",
        description="How many events of an import may await their acknowledgement at once.",
    )


def load_settings() -> ProducerSettings:
    """The settings of this process. Raises `InvalidSettings`, which names each variable at fault."""
    try:
        return ProducerSettings()
    except ValidationError as error:
        # Only pydantic's message: the value may be an address with a password in it.
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_input=False)]
        raise InvalidSettings("; ".join(faults)) from None
