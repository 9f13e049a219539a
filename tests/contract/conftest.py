"""The servers alone: the ports that are tried here meet no worker and no query API."""

from collections.abc import Iterator

import pytest

from deploy.local.stack.stack import INFRASTRUCTURE, LocalStack
from tests.free_ports import free_port_base


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Kafka, registry and ClickHouse, on free ports and an empty directory."""
    with LocalStack(tmp_path_factory.mktemp("stack"), port_base=free_port_base(), services=INFRASTRUCTURE) as started:
        yield started
