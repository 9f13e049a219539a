"""Processes of this repository without the seconds that their imports take: each is forked off one that has them."""

import atexit
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from queue import SimpleQueue
from typing import ClassVar, cast

from deploy.local.layout import REPOSITORY
from deploy.local.stack.processes import Child

READY_SECONDS = 90.0
COMMAND_SECONDS = 300.0
STANDBY = "tests.standby"
FORKED = "audit-stream"
"""The console script whose imports are ready."""


class ForkedProcess:
    """A worker that `standby` forked: what `Child` needs of a `Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._exit_code: int | None = None
        self._ended = threading.Event()

    def poll(self) -> int | None:
        """How it ended; `None` while it runs."""
        return self._exit_code

    def wait(self, seconds: float) -> None:
        """Return when it has ended. Raises `TimeoutExpired`."""
        if not self._ended.wait(seconds):
            raise subprocess.TimeoutExpired(STANDBY, seconds)

    def terminate(self) -> None:
        """SIGTERM, unless it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def has_ended(self, exit_code: int) -> None:
        """Keep its exit code, and let those go on who wait for it."""
        self._exit_code = exit_code
        self._ended.set()


class ForkedChild(Child):
    """A worker as other processes of the stack are handled."""

    def __init__(self, process: ForkedProcess, log: Path) -> None:
        super().__init__([], {}, log, cwd=REPOSITORY)
        self._process = cast("subprocess.Popen[bytes]", process)

    def kill(self) -> None:
        """SIGKILL to the process and whatever it started, and wait for its end."""
        with suppress(ProcessLookupError):
            super().kill()


class WarmChild(Child):
    """`audit-stream`, forked at each start."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        super().__init__([], environment, log, cwd=REPOSITORY)
        self._arguments = arguments

    def start(self) -> None:
        """See `Child.start`."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.touch()
        self._log_start = self.log.stat().st_size
        (script,) = entry_points(group="console_scripts", name=FORKED)
        streams = os.devnull, str(self.log), str(self.log)
        process = warm_processes()._start(script.value, self._arguments, self._environment, streams)
        self._process = cast("subprocess.Popen[bytes]", process)

    def kill(self) -> None:
        """See `Child.kill`."""
        with suppress(ProcessLookupError):
            super().kill()


def make_child(command: Sequence[str | Path], environment: Mapping[str, str], log: Path, *, cwd: Path) -> Child:
    """A child of a stack, forked where it can be."""
    if Path(command[0]).name == FORKED:
        return WarmChild([str(part) for part in command[1:]], environment, log)
    return Child(command, environment, log, cwd=cwd)


class WarmProcesses:
    """Forks processes off one that has imported what every worker and command imports."""

    folders: ClassVar[list[Path]] = []
    """Where processes of this session wrote."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.folders.append(folder)
        self._count = 0
        self._running: dict[int, ForkedProcess] = {}
        self._started: SimpleQueue[ForkedProcess] = SimpleQueue()
        self._ordering = threading.Lock()
        command = [sys.executable, "-m", STANDBY]
        self._standby = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def become(self, program: str, arguments: list[str], environment: Mapping[str, str]) -> Child:
        """A running process of *program*, a module; its output goes to one log."""
        log = self._file("log")
        streams = os.devnull, str(log), str(log)
        return ForkedChild(self._start(program, arguments, environment, streams), log)

    def run(
        self, program: str, arguments: list[str], environment: Mapping[str, str], said: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """What a process of *program*, as `module:function`, does where it reads *said*; returns at its end."""
        given, printed, complained = self._file("in"), self._file("out"), self._file("err")
        given.write_text(said, encoding="utf-8")
        process = self._start(program, arguments, environment, (str(given), str(printed), str(complained)))
        process.wait(COMMAND_SECONDS)
        exit_code = process.poll()
        assert exit_code is not None
        return subprocess.CompletedProcess(
            [program, *arguments],
            exit_code,
            printed.read_text(encoding="utf-8"),
            complained.read_text(encoding="utf-8"),
        )

    def _file(self, kind: str) -> Path:
        self._count += 1
        file = self._folder / f"{self._count}.{kind}"
        file.touch()
        return file

    def _start(
        self, program: str, arguments: list[str], environment: Mapping[str, str], streams: tuple[str, str, str]
    ) -> "ForkedProcess":
        assert self._standby.stdin is not None
        order = [program, arguments, {**os.environ, **environment}, streams]
        with self._ordering:
            self._standby.stdin.write(json.dumps(order) + "\n")
            self._standby.stdin.flush()
            return self._started.get(timeout=READY_SECONDS)

    def close(self) -> None:
        """End the process that forks."""
        self._standby.kill()
        self._standby.wait()
        self._listener.join()
        for pipe in (self._standby.stdin, self._standby.stdout):
            assert pipe is not None
            pipe.close()

    def _listen(self) -> None:
        assert self._standby.stdout is not None
        for line in self._standby.stdout:
            pid, exit_code = json.loads(line)
            if exit_code is None:
                self._running[pid] = ForkedProcess(pid)
                self._started.put(self._running[pid])
            else:
                self._running.pop(pid).has_ended(exit_code)


@functools.cache
def warm_processes() -> WarmProcesses:
    """One for all tests of this process."""
    folder = Path(tempfile.mkdtemp(prefix="processes-"))
    atexit.register(shutil.rmtree, folder)
    processes = WarmProcesses(folder)
    atexit.register(processes.close)
    return processes
