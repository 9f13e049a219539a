"""The real stack, started once for every test that needs it; a test that needs none never starts it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.stack.stack import LocalStack
from tests.free_ports import free_port_base
from tests.logs import assert_no_person_is_named, published_persons
from tests.warm_processes import WarmProcesses, make_child, warm_processes

# A deadline, and the check for slow data, judge by the clock: on a busy machine they fail a test that is right.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `tests/faults`, which pytest accepts only here."""
    faults = parser.getgroup("faults")
    faults.addoption("--faults-long", action="store_true", help="run the fault tests in their long form")
    faults.addoption("--faults-seed", type=int, help="the seed of the fault tests; random in the long form")
    faults.addoption("--faults-min-kills", type=int, default=0, help="fail where the fault tests killed less often")
    faults.addoption("--oracle-selftest", action="store_true", help="run only the proof that the oracle can see")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Kafka, registry, ClickHouse, worker and query API, on free ports and an empty directory.

    Whatever processes the session had, their logs name no person at its end.
    """
    # Its imports run while the servers start.
    warm_processes()
    with LocalStack(tmp_path_factory.mktemp("stack"), port_base=free_port_base(), make_child=make_child) as started:
        yield started
        persons = published_persons(started.layout.endpoints()["kafka"])
    assert_no_person_is_named([tmp_path_factory.getbasetemp(), *WarmProcesses.folders], persons)


@pytest.fixture(scope="session")
def stack_environment(stack: LocalStack) -> dict[str, str]:
    """The settings of the stack's clients, by environment variable."""
    return stack.environment()


@pytest.fixture(scope="session")
def clickhouse_url(stack_environment: dict[str, str]) -> str:
    """The HTTP interface of the stack's ClickHouse."""
    return stack_environment["CLICKHOUSE_URL"]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own environment decides nothing here."""
    for name in list(os.environ):
        if name.startswith(("AUDIT_", "KAFKA_", "CLICKHOUSE_", "SCHEMA_REGISTRY_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parents[1]
