"""What the first command of a bare clone decides before it installs anything."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import bootstrap


def test_a_python_that_is_too_old_is_named_with_what_is_needed() -> None:
    problem = bootstrap.unusable_because((3, 10))
    assert problem is not None
    assert problem.startswith(f"Python 3.11 or newer is needed, and {sys.executable} is 3.10.")


def test_a_python_without_venv_is_told_which_package_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    problem = bootstrap.unusable_because((3, 11))
    assert problem is not None
    assert "has no module ensurepip (Debian keeps it in python3-venv)" in problem


def test_this_python_will_do() -> None:
    assert bootstrap.unusable_because(sys.version_info[:2]) is None


def test_the_program_can_be_read_by_pythons_that_it_refuses() -> None:
    ast.parse(Path(bootstrap.__file__).read_text(encoding="utf-8"), feature_version=(3, 7))


def test_everything_an_installation_depends_on_is_in_its_fingerprint(tmp_path: Path) -> None:
    files = [tmp_path / name for name in (bootstrap.TOOLS, bootstrap.LOCK, "pyproject.toml", "deploy/bootstrap.py")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text("a")
    fingerprints = {bootstrap.fingerprint_of(tmp_path, "3.11"), bootstrap.fingerprint_of(tmp_path, "3.12")}
    for file in files:
        file.write_text("b")
        fingerprints.add(bootstrap.fingerprint_of(tmp_path, "3.11"))
    assert len(fingerprints) == 2 + len(files)


def test_pip_installs_where_uv_does_not_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = []

    def run(command: list[str]) -> None:
        commands.append(command)
        if "--require-hashes" in command and command[0].endswith("uv"):
            raise subprocess.CalledProcessError(2, command)

    monkeypatch.setattr(bootstrap, "run", run)
    bootstrap.install()
    assert [command[-1] for command in commands[-2:]] == [bootstrap.LOCK, "."]
    assert all(command[1:3] == ["-m", "pip"] for command in commands[-2:])
    assert "uv did not work" in capsys.readouterr().out


def test_an_installation_begins_with_an_empty_environment_and_installs_nothing_without_a_hash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What has left the lock does not stay, and an interrupted run leaves no stamp that speaks for it."""
    commands: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "run", commands.append)
    bootstrap.install()
    assert commands[0][1:4] == ["-m", "venv", "--clear"]
    assert bootstrap.VENV in bootstrap.STAMP.parents
    for command in commands[1:]:
        assert "--require-hashes" in command or {"--no-deps", "--no-build-isolation"} <= set(command)
