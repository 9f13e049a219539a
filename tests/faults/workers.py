"""Worker processes under the tests' control, beside or instead of the stack's own."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local.stack.processes import Child
from tests.warm_processes import WarmProcesses

READY_SECONDS = 90.0
STOP_SECONDS = 25.0
"""What an orderly end may take here: the ten seconds that are promised, and what a busy machine adds.

Whoever waited for a ClickHouse that hangs would need its client's timeout, which is longer.
"""
KILLED = 137
FAILPOINTS = "tests.faults.failpoint_worker"
UNSAFE = "tests.faults.unsafe_worker"


class Worker:
    """One of this folder's worker modules over *topic*, in *group*, as a process that can be ended in many ways."""

    def __init__(
        self, processes: WarmProcesses, script: str, arguments: list[str], environment: Mapping[str, str]
    ) -> None:
        self._processes = processes
        self._script = script
        self._arguments = arguments
        self.environment = environment
        self._started: Child | None = None

    def start(self, *, wait: bool = True) -> "Worker":
        """Start the process, and with *wait* return when it is a member of its group or has ended."""
        self._started = self._processes.become(self._script, self._arguments, self.environment)
        if wait:
            wait_until(lambda: self.is_ready() or not self.is_running(), seconds=READY_SECONDS)
        return self

    def is_ready(self) -> bool:
        """Whether it said that it works."""
        return "Worker ready" in self._child.output()

    def is_running(self) -> bool:
        """Whether the process runs now."""
        return self._started is not None and self._started.is_running()

    def exit_code(self) -> int | None:
        """How it ended; `None` while it runs."""
        return self._child.exit_code()

    def said(self, text: str) -> bool:
        """Whether *text* is in what it wrote since its last start."""
        return text in self._child.output()

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        if self._started is not None:
            self._started.kill()

    def terminate(self, *, within_seconds: float) -> bool:
        """SIGTERM; whether it ended within that time. If not it is killed."""
        return self._child.stop(within_seconds)

    def ask_to_end(self) -> None:
        """SIGTERM, without waiting for anything."""
        self._signal(signal.SIGTERM)

    def suspend(self) -> None:
        """SIGSTOP: it lives and does nothing, its timers included."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._child.pid is not None
        return self._child.pid

    @property
    def log(self) -> Path:
        """Where its output goes; another file after each start."""
        return self._child.log

    @property
    def _child(self) -> Child:
        assert self._started is not None, "it was never started"
        return self._started

    def _signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


class Hold:
    """Makes the inserts of a worker that knows it wait, for as long as a test wants."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "hold"
        self._held = self.file.with_suffix(".held")

    def set(self) -> None:
        """From now on every insert waits before it has an effect."""
        self._held.unlink(missing_ok=True)
        self.file.touch()

    def wait(self) -> None:
        """Return when an insert waits."""
        wait_until(self._held.exists, what="an insert")

    def release(self) -> None:
        """Let inserts through."""
        self.file.unlink()


def wait_until(condition: Callable[[], bool], *, seconds: float = 90, what: str = "it") -> None:
    """Return once *condition* holds; fail the test where that takes longer than *seconds*."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.05)
