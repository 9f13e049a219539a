"""Ports, secrets, state and locks of a stack, each with what goes wrong there."""

import fcntl
import json
import shlex
import socket
import stat
import sys
import threading
from pathlib import Path

import pytest

from deploy.local import __main__ as command
from deploy.local.errors import StackError
from deploy.local.layout import Layout, Ports
from deploy.local.stack import detached
from deploy.local.stack.keys import SECRET_NAMES, load_or_create
from deploy.local.stack.ports import require_free
from deploy.local.stack.services import INFRASTRUCTURE, SERVICES
from deploy.local.stack.state import DirectoryLock, StackState, is_running, read_state, write_state


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path, Ports.from_base(39_470))


def test_a_port_base_gives_six_ports_in_their_documented_order() -> None:
    assert Ports.from_base(18080) == Ports(18080, 18081, 18082, 18083, 18084, 18085)


@pytest.mark.parametrize("base", [0, -1, 65531])
def test_a_port_base_without_room_for_six_is_refused(base: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 65530"):
        Ports.from_base(base)


def test_a_port_in_use_is_named_with_its_part() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        ports = Ports(taken, 0, 0, 0, 0, 0)
        with pytest.raises(StackError, match=rf"(?s){taken} \(query_api\): process \d+.*--port-base"):
            require_free(ports, {"query_api"})
        require_free(ports, {"clickhouse"})


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    secrets = load_or_create(file)
    assert load_or_create(file) == secrets
    assert tuple(secrets) == SECRET_NAMES
    assert len(set(secrets.values())) == len(SECRET_NAMES)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_that_is_missing_is_made_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    secrets = load_or_create(file)
    name = SECRET_NAMES[0]
    file.write_text(json.dumps({name: secrets[name]}))
    assert load_or_create(file)[name] == secrets[name]


def test_a_secrets_file_that_is_none_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text("[]")
    with pytest.raises(ValueError, match="is not an object of texts"):
        load_or_create(file)
    assert file.read_text() == "[]"


def test_the_state_reads_back_as_it_was_written(layout: Layout) -> None:
    state = StackState(1, ready=True, port_base=39_470, endpoints=layout.endpoints(), pids={"kafka": 2})
    write_state(layout, state)
    assert read_state(layout) == state


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"supervisor_pid": 1}'])
def test_a_state_that_is_none_counts_as_absent(layout: Layout, text: str) -> None:
    layout.state_file.write_text(text)
    assert read_state(layout) is None


def test_a_directory_is_locked_until_its_lock_is_released(layout: Layout) -> None:
    assert not is_running(layout)
    first = DirectoryLock(layout)
    first.acquire()
    assert is_running(layout)
    with pytest.raises(StackError, match=r"python -m deploy\.local down"):
        DirectoryLock(layout).acquire()
    first.release()
    assert not is_running(layout)


def test_the_environment_holds_the_secrets_and_the_stacks_own_addresses(layout: Layout) -> None:
    environment = layout.environment({"AUDIT_CURSOR_KEY": "key"})
    assert environment["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:39473"
    assert environment["CLICKHOUSE_URL"] == "http://127.0.0.1:39471"
    assert environment["SCHEMA_REGISTRY_URL"] == "http://127.0.0.1:39472/apis/ccompat/v7"
    assert environment["AUDIT_CURSOR_KEY"] == "key"


def test_every_service_comes_behind_those_that_it_needs() -> None:
    seen: set[str] = set()
    for name, service in SERVICES.items():
        assert seen.issuperset(service.after), name
        seen.add(name)
    assert seen.issuperset(INFRASTRUCTURE)


def test_who_looks_whether_a_stack_runs_keeps_none_from_starting(tmp_path: Path) -> None:
    layout = Layout(tmp_path, Ports.from_base(20_000))
    assert not is_running(layout)
    lock = DirectoryLock(layout)
    with layout.lock_file.open("a", encoding="utf-8") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not is_running(layout)
        threading.Timer(0.05, looking.close).start()
        lock.acquire()
    assert is_running(layout)
    with pytest.raises(StackError):
        DirectoryLock(layout).acquire()
    lock.release()
    assert not is_running(layout)


def test_a_shell_takes_the_settings_of_what_runs_and_no_workers_name(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under the running worker's name, a second one would take its partitions away."""
    elsewhere = Layout(layout.data_dir, Ports.from_base(39_480))
    found = {"running": True, "endpoints": elsewhere.endpoints()}
    monkeypatch.setattr(detached, "status", lambda _: found)
    monkeypatch.setattr(sys, "argv", ["deploy.local", "status", "--env", "--data-dir", str(layout.data_dir)])
    assert command.main() == 0
    lines = shlex.split(capsys.readouterr().out)
    settings = dict(word.split("=", 1) for word in lines if word != "export")
    assert settings["CLICKHOUSE_URL"] == "http://127.0.0.1:39481"
    assert settings["AUDIT_PSEUDONYMIZATION_KEY"] == load_or_create(layout.secrets_file)["AUDIT_PSEUDONYMIZATION_KEY"]
    assert "AUDIT_WORKER_INSTANCE" not in settings


def test_a_shell_takes_nothing_where_no_stack_runs(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["deploy.local", "status", "--env", "--data-dir", str(layout.data_dir)])
    assert command.main() == 1
    said = capsys.readouterr()
    assert (said.out, said.err.partition(" in ")[0]) == ("", "no stack runs")
    assert not layout.secrets_file.exists()
