"""What the stack runs, as a table: each service's command, its sign of being ready, and the time it is given."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.java import kafka, schema_registry
from deploy.local.java.artifacts import LOCK_FILE, Download, fetch, read_lock
from deploy.local.layout import Layout
from deploy.local.stack.processes import Child

_SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Programs:
    """The Java programs, fetched and unpacked."""

    kafka_jars: tuple[Path, ...]
    schema_registry: Path


@dataclass(frozen=True, slots=True)
class Service:
    """A part of the stack, which starts as soon as those named in *after* are ready.

    *ports* are the fields of `Ports` that it listens on. *is_ready* is asked again and again and answers at once;
    `None` marks a command that is done when it has ended with 0, and that may be repeated. *prepare* runs before each
    start and may block.
    """

    name: str
    command: Callable[[Layout, Programs], list[str]]
    is_ready: Callable[[Layout, Child], bool] | None
    start_seconds: float
    stop_seconds: float = 10
    after: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    prepare: Callable[[Layout, Programs], None] = field(default=lambda _layout, _programs: None)
    environment: Callable[[Layout], dict[str, str]] = field(default=lambda _layout: {})

    @property
    def is_lasting(self) -> bool:
        """Whether it runs for as long as the stack does."""
        return self.is_ready is not None


_TABLE = (
    Service(
        name="schema_registry",
        ports=("schema_registry",),
        command=lambda layout, programs: schema_registry.command(layout, programs.schema_registry),
        environment=schema_registry.environment,
        is_ready=lambda layout, _child: schema_registry.is_ready(layout),
        start_seconds=120,
    ),
    Service(
        name="clickhouse",
        ports=("clickhouse",),
        command=lambda layout, _programs: [
            *(sys.executable, "-m", "deploy.local.clickhouse.server"),
            *("--data-dir", str(layout.data_dir / "clickhouse")),
            *("--port", str(layout.ports.clickhouse)),
        ],
        is_ready=lambda layout, _child: schema_registry.answers(f"{layout.endpoints()['clickhouse']}/ping"),
        start_seconds=120,
        stop_seconds=20,
    ),
    Service(
        name="kafka",
        ports=("kafka", "kafka_controller"),
        prepare=lambda layout, programs: kafka.prepare(kafka.Broker.of(layout), programs.kafka_jars),
        command=lambda layout, programs: kafka.command(kafka.Broker.of(layout), programs.kafka_jars),
        is_ready=lambda layout, _child: kafka.is_ready(layout.ports.kafka),
        start_seconds=120,
        stop_seconds=20,
    ),
    Service(
        name="migrate",
        after=("clickhouse",),
        command=lambda _layout, _programs: [str(_SCRIPTS / "audit-stream"), "migrate"],
        is_ready=None,
        start_seconds=120,
    ),
    Service(
        name="topics",
        after=("kafka", "schema_registry"),
        command=lambda _layout, _programs: [str(_SCRIPTS / "audit-stream"), "topics", "--replication-factor", "1"],
        is_ready=None,
        start_seconds=120,
    ),
    Service(
        name="query_api",
        after=("migrate",),
        ports=("query_api",),
        command=lambda layout, _programs: [
            *(sys.executable, "-m", "deploy.local.demo.serve"),
            *("--port", str(layout.ports.query_api)),
        ],
        is_ready=lambda layout, _child: schema_registry.answers(f"{layout.endpoints()['query_api']}/readyz"),
        start_seconds=120,
    ),
    Service(
        name="worker",
        # It waits by itself for Kafka and for the topic, and imports its libraries meanwhile.
        after=("migrate",),
        ports=("worker",),
        # Not in the environment of the whole stack: a second worker beside this one would want the same port.
        environment=lambda layout: {"AUDIT_WORKER_HTTP_PORT": str(layout.ports.worker), "MALLOC_ARENA_MAX": "2"},
        command=lambda _layout, _programs: [str(_SCRIPTS / "audit-stream"), "worker"],
        is_ready=lambda _layout, child: "Worker ready" in child.output(),
        start_seconds=120,
        stop_seconds=20,
    ),
)

SERVICES = {service.name: service for service in _TABLE}
"""Every service by name. None stands before one that it comes after."""

INFRASTRUCTURE = ("kafka", "schema_registry", "clickhouse", "migrate", "topics")
"""What worker, query API and producers need: the three servers, with schema, topics and event schemas in place."""


def fetch_programs(download: Download) -> Programs:
    """The Java programs, downloaded where they are missing. Raises `StackError`."""
    paths = fetch(read_lock(LOCK_FILE.read_text(encoding="utf-8")), download)
    archive = next(artifact for artifact in paths if artifact.packaging == "tar.gz")
    jars = tuple(path for artifact, path in paths.items() if artifact != archive)
    return Programs(jars, schema_registry.unpack(archive, paths[archive]))
