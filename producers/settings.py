"""The producers' settings: read once from the environment, frozen, refused at start with the reason."""

from typing import Annotated

from pydantic import Field

from schemas.settings import KafkaSettings, load

DEFAULT_SERVICE = "audit-produce"
DEFAULT_PUBLISH_TIMEOUT_SECONDS = 30.0

_NonBlank = Annotated[str, Field(min_length=1, pattern=r"\S")]


class ProducerSettings(KafkaSettings):
    """What a publisher needs to know. Every field is one environment variable, its alias."""

    service: _NonBlank = Field(
        default=DEFAULT_SERVICE,
        max_length=128,
        alias="AUDIT_PRODUCER_SERVICE",
        description="The name under which events say where they came from.",
    )
    publish_timeout_seconds: float = Field(
        default=DEFAULT_PUBLISH_TIMEOUT_SECONDS,
        ge=1.0,
        le=600.0,
        alias="AUDIT_PRODUCER_PUBLISH_TIMEOUT_SECONDS",
        description="How long one publish, and closing, may take before it raises.",
    )


def load_settings() -> ProducerSettings:
    """The settings of this process. Raises `InvalidSettings`, which names each variable at fault."""
    return load(ProducerSettings)
