"""One door each: only one module makes clients of Kafka, and only one makes clients of ClickHouse."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PRODUCT = ("schemas", "producers", "stream", "query_api")
KAFKA_CLIENTS = {"AIOKafkaClient", "AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient"}
FAUST = {"stream/fetch/transport.py", "stream/fetch/consumer_thread.py"}
"""Faust makes the worker's own consumer and producer, from the address that `stream/fetch/broker.py` hands it."""


def imports(file: Path) -> Iterator[tuple[str, str]]:
    """Each imported module of *file*, with the name that is taken from it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def makes_kafka_clients(module: str, name: str) -> bool:
    """Errors, records and other types of aiokafka are free; its modules as a whole hold the clients."""
    if module.split(".", maxsplit=1)[0] != "aiokafka":
        return module.startswith("faust.transport")
    return name in KAFKA_CLIENTS or not name or name == "admin"


def makes_clickhouse_clients(module: str, name: str) -> bool:
    """Types and errors of `clickhouse_connect.driver` are free."""
    return module == "clickhouse_connect" or name in {"create_client", "create_async_client"}


@pytest.mark.parametrize(
    ("makes_clients", "doors"),
    [
        (makes_kafka_clients, {"schemas/kafka.py", *FAUST}),
        (makes_clickhouse_clients, {"schemas/clickhouse_client.py"}),
    ],
)
def test_one_module_makes_the_clients_of_a_server(makes_clients: object, doors: set[str], repository: Path) -> None:
    assert callable(makes_clients)
    found = {
        str(file.relative_to(repository))
        for package in PRODUCT
        for file in (repository / package).rglob("*.py")
        if any(makes_clients(module, name) for module, name in imports(file))
    }
    assert found == doors
