"""Where the stack's parts are: ports, files, addresses, and the environment that every part of it reads."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

HOST = "127.0.0.1"
REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_DATA_DIR = REPOSITORY / ".local" / "stack"
DEFAULT_PORT_BASE = 18080
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Ports:
    """The port of each part, all on 127.0.0.1."""

    query_api: int
    clickhouse: int
    schema_registry: int
    kafka: int
    kafka_controller: int
    worker: int

    @classmethod
    def from_base(cls, base: int) -> "Ports":
        """The six ports from *base* on, in the order of the fields. Raises `ValueError` where they do not exist."""
        count = len(fields(cls))
        if not 1 <= base <= _HIGHEST_PORT + 1 - count:
            raise ValueError(f"the port base must lie between 1 and {_HIGHEST_PORT + 1 - count}")
        return cls(*range(base, base + count))


@dataclass(frozen=True, slots=True)
class Layout:
    """One stack: its directory, which nothing else uses, and its ports."""

    data_dir: Path
    ports: Ports

    @property
    def logs(self) -> Path:
        """One file for each service, and the supervisor's."""
        return self.data_dir / "logs"

    @property
    def state_file(self) -> Path:
        """What runs: see `deploy.local.stack.state`."""
        return self.data_dir / "stack.json"

    @property
    def lock_file(self) -> Path:
        """Locked for as long as a supervisor runs."""
        return self.data_dir / "stack.lock"

    @property
    def secrets_file(self) -> Path:
        """See `deploy.local.stack.keys`."""
        return self.data_dir / "secrets.json"

    def log_of(self, service: str) -> Path:
        """The log of *service*."""
        return self.logs / f"{service}.log"

    def endpoints(self) -> dict[str, str]:
        """The address of each part, as its clients spell it."""
        return {
            "query_api": f"http://{HOST}:{self.ports.query_api}",
            "clickhouse": f"http://{HOST}:{self.ports.clickhouse}",
            "schema_registry": f"http://{HOST}:{self.ports.schema_registry}/apis/ccompat/v7",
            "kafka": f"{HOST}:{self.ports.kafka}",
            "worker": f"http://{HOST}:{self.ports.worker}",
        }

    def environment(self, secrets: Mapping[str, str], endpoints: Mapping[str, str] | None = None) -> dict[str, str]:
        """The settings of worker, query API and producers, *secrets* among them; *endpoints* are those that run."""
        endpoints = endpoints or self.endpoints()
        return {
            "AUDIT_ENVIRONMENT": "development",
            "KAFKA_BOOTSTRAP_SERVERS": endpoints["kafka"],
            "SCHEMA_REGISTRY_URL": endpoints["schema_registry"],
            "CLICKHOUSE_URL": endpoints["clickhouse"],
            "AUDIT_CLICKHOUSE_DATABASE": "audit",
            "AUDIT_TOKEN_ISSUER": "local-stack",
            "AUDIT_WORKER_INSTANCE": "worker-1",
            **secrets,
        }
