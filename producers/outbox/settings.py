"""The relay's settings, beside the producers'."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from producers.settings import ProducerSettings
from schemas.settings import load


def _database_url(value: SecretStr) -> SecretStr:
    try:
        make_url(value.get_secret_value()).get_dialect().import_dbapi()
    except (ArgumentError, ValueError):  # a port that is no number; its text quotes what may be a password
        raise ValueError("must be a URL such as postgresql+psycopg://user:password@host/database") from None
    except ModuleNotFoundError as missing:
        raise ValueError(f"the database's driver is missing: install {missing.name}") from None
    return value


class RelaySettings(ProducerSettings):
    """What a relay needs to know. Every field is one environment variable, its alias."""

    outbox_database_url: Annotated[SecretStr, AfterValidator(_database_url)] = Field(
        alias="AUDIT_OUTBOX_DATABASE_URL",
        description="the application's database, as SQLAlchemy names it; may carry user:password@",
    )
    outbox_metrics_host: str = Field(
        "127.0.0.1",
        alias="AUDIT_OUTBOX_METRICS_HOST",
        description="where Prometheus reads the metrics, without a login",
    )
    outbox_metrics_port: int = Field(
        0,
        ge=0,
        le=65535,
        alias="AUDIT_OUTBOX_METRICS_PORT",
        description="the port of the metrics; 0 for none",
    )


def load_relay_settings() -> RelaySettings:
    """The settings of this process. Raises `InvalidSettings`, which names each variable at fault."""
    return load(RelaySettings)
