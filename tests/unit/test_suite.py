"""What the suite promises about itself: a busy machine fails no property test, and no unit test starts a process."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings


@pytest.mark.parametrize(
    "start", [lambda: subprocess.Popen([sys.executable]), lambda: os.posix_spawn(sys.executable, [sys.executable], {})]
)
def test_a_unit_test_starts_no_process(start: Callable[[], object]) -> None:
    with pytest.raises(AssertionError, match="a unit test starts a process"):
        start()


def test_no_property_test_fails_because_the_machine_is_busy() -> None:
    assert settings.default is not None
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check


def test_no_property_test_sets_a_deadline_of_its_own(repository: Path) -> None:
    for file in (repository / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "deadline":
                assert isinstance(node.value, ast.Constant), file
                assert node.value.value is None, file
