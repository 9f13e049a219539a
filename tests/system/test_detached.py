"""A supervisor in the background, as `up --detach` and `down` see it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.console import Reporter
from deploy.local.errors import EXIT_INTERRUPTED, StackError
from deploy.local.layout import Layout, Ports
from deploy.local.stack import detached
from deploy.local.stack.state import is_running

SLOW_TO_GO = """
import os, signal, sys, time
from pathlib import Path
from deploy.local.errors import StackError
from deploy.local.layout import Layout, Ports
from deploy.local.stack.state import DirectoryLock, StackState, write_state

layout = Layout(Path(sys.argv[1]), Ports.from_base(39_470))
lock = DirectoryLock(layout)
lock.acquire()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
write_state(layout, StackState(os.getpid(), True, 39_470, {}))
print("up", flush=True)
signal.sigwait({signal.SIGTERM})
lock.release()
time.sleep(1.5)
"""


def test_down_returns_when_the_supervisor_itself_is_gone(tmp_path: Path, repository: Path) -> None:
    """The lock goes first: who starts the next stack, or looks what is left, must not meet the end of the last one."""
    layout = Layout(tmp_path, Ports.from_base(39_470))
    command = [sys.executable, "-c", SLOW_TO_GO, str(tmp_path)]
    with subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True) as supervisor:
        try:
            assert supervisor.stdout
            assert supervisor.stdout.readline() == "up\n"
            detached.stop(layout, Reporter())
            # Not reaped yet: it ended before, or this says that it had not.
            assert os.waitid(os.P_PID, supervisor.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        finally:
            supervisor.kill()
    assert not is_running(layout)


def test_a_stack_that_ends_without_a_word_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk its log stays empty."""
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(StackError, match=r"ended with code 1 and logged nothing: is the disk of .* full\?"):
        detached.start(Layout(tmp_path, Ports.from_base(39_470)), Reporter())


def test_ctrl_c_before_the_first_word_is_no_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    waits = tmp_path / "waits"
    waits.write_text("#!/bin/sh\nexec sleep 60\n")
    waits.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(waits))
    monkeypatch.setattr("deploy.local.stack.detached.time.sleep", interrupt)
    assert detached.start(Layout(tmp_path, Ports.from_base(39_470)), Reporter()) == EXIT_INTERRUPTED
