"""A child process is never left behind, and its log says why it ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deploy.local.stack.processes import MAX_LOG_BYTES, Child

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = """
import sys, time
from pathlib import Path
from deploy.local.stack.processes import Child
child = Child([sys.executable, "-c", "import time; time.sleep(60)"], {}, Path(sys.argv[1]), cwd=Path.cwd())
child.start()
print(child.pid, flush=True)
time.sleep(60)
"""


def child(tmp_path: Path, program: str, **environment: str) -> Child:
    return Child([sys.executable, "-c", program], environment, tmp_path / "logs" / "child.log", cwd=tmp_path)


def wait_for(text: str, process: Child) -> None:
    deadline = time.monotonic() + 20
    while text not in process.output():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for_end(process: Child) -> int:
    deadline = time.monotonic() + 20
    while (code := process.exit_code()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return code


def test_a_child_gets_its_environment_and_writes_to_its_log(tmp_path: Path) -> None:
    process = child(tmp_path, "import os; print(os.environ['NAME']); raise SystemExit(3)", NAME="value")
    process.start()
    assert wait_for_end(process) == 3
    assert process.output() == "value\n"


def test_only_what_it_wrote_since_its_last_start_is_its_output(tmp_path: Path) -> None:
    process = child(tmp_path, "print('once')")
    for _ in range(2):
        process.start()
        wait_for_end(process)
    assert (process.output(), process.log.read_text()) == ("once\n", "once\nonce\n")


def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    process = child(tmp_path, STUBBORN)
    process.start()
    wait_for("up", process)
    assert process.stop(seconds=0.2) is False
    assert process.exit_code() == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its killed parent")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    repository = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", PARENT, str(tmp_path / "child.log")]
    parent = subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 20
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_log_that_has_grown_too_large_makes_room_for_a_new_one(tmp_path: Path) -> None:
    process = child(tmp_path, "print('new')")
    process.log.parent.mkdir()
    process.log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))
    process.start()
    wait_for_end(process)
    assert process.log.read_text() == "new\n"
    assert (process.log.parent / "child.log.1").stat().st_size == MAX_LOG_BYTES + 1


def test_last_words_end_with_the_last_error_and_not_with_the_farewell_behind_it(tmp_path: Path) -> None:
    lines = [
        "INFO starting",
        "Traceback (most recent call last):",
        "OSError: [Errno 98] in use",
        *["INFO stopping"] * 30,
    ]
    process = child(tmp_path, f"print({chr(10).join(lines)!r})")
    process.start()
    wait_for_end(process)
    assert process.last_words(2) == ["Traceback (most recent call last):", "OSError: [Errno 98] in use"]
