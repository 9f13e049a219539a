"""What is installed."""

import ast
import subprocess
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGES = ["schemas", "producers", "stream", "query_api"]


def test_data_files_are_found_in_the_installed_packages() -> None:
    assert (files("schemas") / "avro" / "user_management_event.v1.avsc").is_file()
    assert (files("schemas") / "clickhouse" / "0001_activity_log.sql").is_file()


@pytest.mark.parametrize("package", ["pandas", "pyarrow", "polars"])
def test_the_environment_lacks_what_the_clickhouse_driver_would_import_and_no_deployment_has(package: str) -> None:
    assert find_spec(package) is None


@pytest.mark.parametrize("package", ["schemas", "producers"])
def test_the_packages_say_that_they_are_typed(repository: Path, package: str) -> None:
    assert (repository / package / "py.typed").is_file()


def test_the_agent_is_in_stream_app_in_under_60_lines(repository: Path) -> None:
    text = (repository / "stream" / "app.py").read_text(encoding="utf-8")
    assert "@app.agent" in text
    assert len(text.splitlines()) < 60


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_fit_a_screen(repository: Path, package: str) -> None:
    for file in (repository / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{file.name}: {node.name}"


def test_no_module_of_the_packages_imports_the_tests_or_the_deployment(repository: Path) -> None:
    for package in PACKAGES:
        for file in (repository / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not any(name.split(".")[0] in {"tests", "deploy"} for name in names), file


def test_the_application_can_be_imported_without_an_environment() -> None:
    program = """
import logging, query_api.app, query_api.cli, structlog
print(structlog.is_configured(), logging.getLogger("uvicorn.access").disabled)
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env={})

    assert done.stdout == "False False\n"
