"""For the tests of an upstream service: `pytest_plugins = ["user_management_audit.pytest_plugin"]` in its conftest."""

from collections.abc import Iterator

import pytest

from producers.audit_log import AuditLog, InMemoryAuditLog


@pytest.fixture
def audit_log() -> Iterator[InMemoryAuditLog]:
    """An `AuditLog` without a broker; its `events` are what the code under test recorded."""
    with AuditLog.in_memory() as log:
        yield log
