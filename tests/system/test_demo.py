"""What a newcomer does: the demo as a program, its second run, and the commands beside it, on an own directory."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from tests.free_ports import free_port_base

READY_SECONDS = 240
END_SECONDS = 60
ANSWER_SECONDS = 60


@contextmanager
def demo(repository: Path, data_dir: Path, port_base: int, output: Path) -> Iterator[str]:
    """The demo's output once it says that it stays up; Ctrl-C at the end, which it must follow by itself."""
    command = [sys.executable, "-m", "deploy.local", "up", "--data-dir", str(data_dir), "--port-base", str(port_base)]
    with output.open("wb") as log:
        process = subprocess.Popen(command, cwd=repository, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while "The stack stays up" not in (text := output.read_text(encoding="utf-8")):
            assert process.poll() is None, text
            assert time.monotonic() < deadline, text
            time.sleep(0.2)
        yield text
        process.send_signal(signal.SIGINT)
        process.wait(END_SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def processes_of(data_dir: Path) -> list[list[str]]:
    """The command lines that name *data_dir*."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if any(str(data_dir) in argument for argument in command):
            found.append(command)
    return found


def counts(text: str) -> dict[str, dict[str, int]]:
    """By client space the last column of its table of counts, by activity type."""
    _, *parts = re.split(r"Client space (\w+): lines by activity type and channel", text)
    tables = zip(parts[::2], parts[1::2], strict=True)
    rows = {space: re.findall(r"│ (\w+)\s+│(.*)│", table) for space, table in tables}
    return {space: {name: int(cells.split("│")[-1]) for name, cells in found} for space, found in rows.items()}


def test_the_demo_shows_the_log_and_a_second_run_in_the_background_repeats_nothing(
    repository: Path, tmp_path: Path
) -> None:
    data_dir, base = tmp_path / "stack", free_port_base()
    with demo(repository, data_dir, base, tmp_path / "first") as first:
        shown = counts(first)
        assert shown.keys() == {"acme", "borealis"}
        for space in shown.values():
            assert set(space) >= {"user_creation", "user_deletion", "user_license_update", "admin_rights_update", "all"}
            assert all(space.values())
        assert shown["borealis"]["all"] == 96
        assert shown["acme"]["all"] > 3_000
        assert "Deleted User" in first
        for channel in ("ui", "api", "file_import"):
            assert re.search(rf"│ {channel} +│", first), channel
        status = json.loads(command(repository, data_dir, base, "status", "--json"))
        assert status["running"] is True
        # The printed request gives the same lines, and ClickHouse has as many rows.
        token = re.search(r"Authorization: Bearer ([\w.-]+)", first)
        assert token is not None
        lines = read_all(status["endpoints"]["query_api"], token[1])
        assert len(lines) == shown["borealis"]["all"]
        count = {"query": "SELECT count() FROM audit.activity_log"}
        rows = httpx.get(status["endpoints"]["clickhouse"], params=count, timeout=ANSWER_SECONDS)
        assert int(rows.text) == sum(space["all"] for space in shown.values())
    assert processes_of(data_dir) == []

    # In the background, on the same data, with the demo beside it.
    command(repository, data_dir, base, "up", "--detach", "--no-demo-data")
    try:
        status = json.loads(command(repository, data_dir, base, "status", "--json"))
        running = {name for name, process in status["processes"].items() if process["alive"]}
        assert running == {"kafka", "schema_registry", "clickhouse", "worker", "query_api"}
        assert read_all(status["endpoints"]["query_api"], token[1]) == lines
        second = run(repository, "deploy.local.demo.demo", "--data-dir", str(data_dir))
        assert counts(second) == shown
        assert "Importing" not in second
        assert read_all(status["endpoints"]["query_api"], token[1]) == lines
    finally:
        command(repository, data_dir, base, "down")
    assert processes_of(data_dir) == []


def command(repository: Path, data_dir: Path, port_base: int, *arguments: str) -> str:
    """What `python -m deploy.local …` prints."""
    return run(repository, "deploy.local", *arguments, "--data-dir", str(data_dir), "--port-base", str(port_base))


def run(repository: Path, *module: str) -> str:
    """What `python -m …` prints."""
    done = subprocess.run([sys.executable, "-m", *module], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read_all(address: str, token: str) -> list[object]:
    """Every line, page after page."""
    lines: list[object] = []
    cursor: dict[str, str] = {}
    while True:
        page = httpx.get(
            f"{address}/v1/activities",
            params={"limit": "50", **cursor},
            headers={"Authorization": f"Bearer {token}"},
            timeout=ANSWER_SECONDS,
        ).json()
        lines += page["data"]
        if not page["page"]["has_more"]:
            return lines
        cursor = {"cursor": page["page"]["next_cursor"]}
