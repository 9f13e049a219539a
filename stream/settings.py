"""The worker's settings: read once from the environment, frozen, refused at start with the reason."""

from pydantic import Field

from schemas.settings import KafkaSettings, LogSettings, load


class WorkerSettings(KafkaSettings, LogSettings):
    """What the worker must know. Every field is an environment variable, named by its alias."""

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
        description="how long a worker may make no progress, although every dependency answers, before it is ended",
    )

    @property
    def key(self) -> bytes:
        """The pseudonymization key itself."""
        return self.pseudonymization_key.get_secret_value()


def load_settings() -> WorkerSettings:
    """The settings of this process. Raises `InvalidSettings`, which names each variable at fault."""
    return load(WorkerSettings)
