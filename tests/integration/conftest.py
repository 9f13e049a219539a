"""What the integration tests share: a client space of their own each, and a publisher."""

import gc
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import pytest

from deploy.local.stack.stack import LocalStack
from producers import KafkaPublisher, ProducerSettings
from tests.log_client import LogClient


@pytest.fixture(scope="module")
def leftover_sockets() -> Iterator[None]:
    """Sockets that TLS left go to the collector at the module's end, not within a test that forgives none."""
    yield
    gc.collect()


@pytest.fixture
def client_space_id() -> str:
    """A client space that no other test has seen."""
    return f"space-{uuid4().hex[:12]}"


@pytest.fixture
def read_log(stack: LocalStack) -> Iterator[Callable[[str], LogClient]]:
    """Opens the log of a client space."""
    opened: list[LogClient] = []

    def open_log(client_space_id: str) -> LogClient:
        opened.append(LogClient(stack, client_space_id))
        return opened[-1]

    yield open_log
    for client in opened:
        client.close()


@pytest.fixture
async def publisher(stack_environment: dict[str, str]) -> AsyncIterator[KafkaPublisher]:
    """The real publisher on the stack's broker."""
    settings = ProducerSettings(
        kafka_bootstrap_servers=stack_environment["KAFKA_BOOTSTRAP_SERVERS"],
        schema_registry_url=stack_environment["SCHEMA_REGISTRY_URL"],
    )
    async with KafkaPublisher(settings) as started:
        yield started


@pytest.fixture(autouse=True)
def everything_runs_again(stack: LocalStack) -> Iterator[None]:
    """A test may stop or kill parts; the next one finds all of them running."""
    yield
    for name in stack.dead():
        stack.start_service(name)
