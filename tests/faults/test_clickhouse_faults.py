"""ClickHouse says no, is down, is killed, or has no room: T8, T10, T24."""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from deploy.local.java.schema_registry import answers
from deploy.local.layout import HOST, REPOSITORY
from deploy.local.stack.processes import Child
from tests.faults.conftest import StartTrial
from tests.faults.trial import Trial
from tests.faults.workers import wait_until
from tests.free_ports import free_port

LOG = "audit.activity_log"
SERVER = (sys.executable, "-m", "deploy.local.clickhouse.server")
OUTAGE_SECONDS = 60
MAX_GROWTH_BYTES = 300e6
SMALL_DISK_BYTES = 200_000_000

REFUSALS = {
    "table missing": (f"RENAME TABLE {LOG} TO {LOG}_away", f"RENAME TABLE {LOG}_away TO {LOG}"),
    "too many parts": (
        f"ALTER TABLE {LOG} MODIFY SETTING parts_to_delay_insert = 1, parts_to_throw_insert = 1",
        f"ALTER TABLE {LOG} RESET SETTING parts_to_delay_insert, parts_to_throw_insert",
    ),
    "no free space": (
        f"ALTER TABLE {LOG} MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000",
        f"ALTER TABLE {LOG} RESET SETTING min_free_disk_bytes_to_perform_insert",
    ),
}
"""Statements that make the server refuse every insert, and those that mend it."""


@contextmanager
def refusing(trial: Trial, refusal: str) -> Iterator[None]:
    """The server refuses inserts meanwhile."""
    broken, mended = REFUSALS[refusal]
    trial.sql.run(broken)
    try:
        yield
    finally:
        trial.sql.run(mended)


def test_t10_whatever_the_server_refuses_for_now_is_tried_again_and_nothing_is_skipped(
    start_trial: StartTrial, is_long: bool
) -> None:
    """T10: a missing table, too many parts, no space; wrong password and memory limit are in T9."""
    trial = start_trial(partitions=None)
    trial.publish(20)
    trial.settle()
    for refusal in list(REFUSALS) * (5 if is_long else 1):
        before, complaints = trial.committed(), complaints_of_the_worker(trial)
        with refusing(trial, refusal):
            trial.publish(20)
            wait_until(lambda: complaints_of_the_worker(trial) > complaints or trial.is_settled())  # noqa: B023 - in it
            assert trial.fresh_committed() == before, "committed what the server has refused"
        trial.settle()
    assert trial.stack.dead() == []
    assert trial.dead_letters() == {}
    trial.check()


def complaints_of_the_worker(trial: Trial) -> int:
    """How often the stack's worker has said that something was unavailable."""
    return trial.stack.layout.log_of("worker").read_text(errors="replace").count("Unavailable")


@pytest.mark.faults_long("memory shows in a long outage alone; the integration tests have a short one")
def test_t8_an_outage_of_clickhouse_is_waited_out_in_bounded_memory(start_trial: StartTrial) -> None:
    """T8: nothing is fetched beyond what the worker may hold, however much waits and however long."""
    trial = start_trial(partitions=None)
    trial.publish(50)
    trial.settle()
    process = psutil.Process(trial.stack.child("worker").pid)
    before, complaints = process.memory_info().rss, complaints_of_the_worker(trial)
    trial.stack.stop_service("clickhouse")
    with trial.load(per_second=1500):
        wait_until(lambda: complaints_of_the_worker(trial) > complaints, what="a failed attempt")
        time.sleep(OUTAGE_SECONDS)
    grown = process.memory_info().rss - before
    trial.stack.start_service("clickhouse")
    trial.check()
    assert trial.stack.dead() == []
    assert grown < MAX_GROWTH_BYTES, f"{grown / 1e6:.0f} MB more"


@pytest.mark.faults_long("it starts another ClickHouse")
def test_t10_a_disk_that_is_full_is_waited_out(start_trial: StartTrial, tmp_path: Path) -> None:
    """T10: a ClickHouse of its own on a small disk, which a file fills to the last byte, and then leaves."""
    with on_a_small_disk(tmp_path) as (url, disk):
        trial = start_trial(clickhouse_url=url)
        subprocess.run(
            [Path(sys.executable).with_name("audit-stream"), "migrate"],
            env={**os.environ, **trial.environment},
            check=True,
        )
        worker = trial.worker().start()
        trial.publish(20)
        trial.settle()
        fill(disk / "ballast")
        trial.publish(200)
        wait_until(lambda: worker.said("Unavailable"), what="a failed insert")
        (disk / "ballast").unlink()
        trial.check()
        assert worker.is_running()


@contextmanager
def on_a_small_disk(folder: Path) -> Iterator[tuple[str, Path]]:
    """A ClickHouse whose directory is a small file system in memory: its address, and the directory as seen here."""
    directory, port = folder / "small", free_port()
    directory.mkdir()
    isolated = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
    if shutil.which("unshare") is None or subprocess.run([*isolated, "true"], check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system of their own")
    server = shlex.join([*SERVER, f"--data-dir={directory}", f"--port={port}"])
    script = f"mount -t tmpfs -o size={SMALL_DISK_BYTES} none {directory} && exec {server}"
    child = Child([*isolated, script], {}, folder / "small.log", cwd=REPOSITORY)
    child.start()
    try:
        url = f"http://{HOST}:{port}"
        wait_until(lambda: answers(f"{url}/ping"), what="ClickHouse")
        yield url, Path(f"/proc/{child.pid}/root{directory}")
    finally:
        child.kill()


def fill(ballast: Path) -> None:
    """Write *ballast* until its file system has no byte left."""
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * size)


def test_t24_a_second_process_on_the_same_directory_is_refused_with_the_reason(start_trial: StartTrial) -> None:
    """T24: one process owns ClickHouse's directory; another one says so, and harms nothing."""
    trial = start_trial(partitions=None)
    trial.publish(5)
    directory = trial.stack.layout.data_dir / "clickhouse"
    second = subprocess.run(
        [*SERVER, f"--data-dir={directory}", f"--port={free_port()}"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (second.returncode, "is open in another process" in second.stderr) == (3, True)
    trial.check()


@pytest.mark.faults_long("the integration tests have a short form")
def test_t24_clickhouse_and_api_killed_within_inserts_come_back_with_all_they_acknowledged(
    start_trial: StartTrial,
) -> None:
    """T24: SIGKILL to the engine's process in mid-insert; it opens its directory again."""
    trial = start_trial(partitions=None)
    with trial.load(per_second=100):
        for _ in range(10):
            stored = trial.stored()
            trial.wait_until_stored(stored + 1)
            trial.kill("clickhouse")
            trial.kill("query_api")
            trial.stack.start_service("clickhouse")
            trial.stack.start_service("query_api")
    trial.check()
