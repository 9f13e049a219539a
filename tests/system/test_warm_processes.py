"""The fault tests' workers, forked off one process, are handled as children are."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.workers import wait_until
from tests.warm_processes import WarmProcesses


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmProcesses]:
    kept = WarmProcesses(tmp_path_factory.mktemp("workers"))
    yield kept
    kept.close()


def test_a_worker_gets_its_arguments_and_environment_and_says_how_it_ended(processes: WarmProcesses) -> None:
    child = processes.become("site", ["--user-base", "--user-site"], {"PYTHONUSERBASE": "/invented"})
    wait_until(lambda: not child.is_running())
    assert child.output().startswith("/invented:/invented/lib")
    done, failed = (processes.become("json.tool", [option], {}) for option in ("--help", "/nowhere"))
    wait_until(lambda: not (done.is_running() or failed.is_running()))
    assert done.exit_code() == 0
    assert (failed.exit_code() or 0) > 0
    assert len({child.log, done.log, failed.log}) == 3


def test_a_worker_can_be_killed_and_told_to_end(processes: WarmProcesses) -> None:
    server = ["--bind", "127.0.0.1", "0"]
    killed, told = (processes.become("http.server", server, {"PYTHONUNBUFFERED": "1"}) for _ in range(2))
    killed.kill()
    killed.kill()
    assert killed.exit_code() == -signal.SIGKILL
    assert told.stop(seconds=60)
    assert told.exit_code() == -signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its killed parent")
def test_no_worker_outlives_the_process_that_forked_it(tmp_path: Path) -> None:
    kept = WarmProcesses(tmp_path)
    child = kept.become("http.server", ["--bind", "127.0.0.1", "0"], {})
    assert child.pid is not None
    worker = psutil.Process(child.pid)
    kept.close()
    wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
