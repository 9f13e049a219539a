"""One child process: started with a log file, stopped in a bounded time, and never left behind.

A child ends with its parent even when the parent is killed (on Linux, where the kernel offers that; elsewhere an
orderly end of the parent ends it). The kernel watches the thread that started the child, so start children from a
thread that lives as long as they should.
"""

import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

MAX_LOG_BYTES = 8_000_000
_TAIL_BYTES = 64_000
_PR_SET_PDEATHSIG = 1
_KILL_SECONDS = 60
_ERROR_LINE = re.compile(
    r'\b(ERROR|CRITICAL|FATAL)\b|^(Caused by: )?[\w.]*(Error|Exception)\b|\berror: |"level": "(error|critical)"'
)
"""An error in a log, or the line that names a traceback's exception; programs often say more after it than before."""
# Loaded before any fork: between fork and exec a child may do next to nothing.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Child:
    """A program with its environment and its log. At most one process of it runs at a time."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str], log: Path, *, cwd: Path) -> None:
        self._command = [str(part) for part in command]
        self._environment = {**os.environ, **environment}
        self._cwd = cwd
        self.log = log
        self._log_start = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the last process started, whether or not it still runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the program; its output goes to the end of the log. Raises `OSError` where it cannot be started."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        _rotate(self.log)
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C reaches the parent alone, which then stops its children in order.
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - it makes two system calls and takes no lock
            )

    def exit_code(self) -> int | None:
        """How the process ended; `None` while it runs or before it was started."""
        return self._process.poll() if self._process else None

    def is_running(self) -> bool:
        """Whether the process runs now."""
        return self._process is not None and self._process.poll() is None

    def stop(self, seconds: float) -> bool:
        """SIGTERM, and SIGKILL after *seconds*. Returns whether the first was enough."""
        if self._process is None or self._process.poll() is not None:
            return True
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """SIGKILL to the process and whatever it started, and wait for its end."""
        if self._process is None or self._process.poll() is not None:
            return
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_KILL_SECONDS)

    def output(self) -> str:
        """The end of what the process wrote since it was last started."""
        try:
            with self.log.open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_start, end - _TAIL_BYTES))
                return file.read().decode(errors="replace")
        except FileNotFoundError:
            return ""

    def last_words(self, lines: int = 20) -> list[str]:
        """What of `output` says most about an end: *lines* up to the last error that it names, else its last ones."""
        written = self.output().splitlines()
        errors = [number for number, line in enumerate(written) if _ERROR_LINE.search(line)]
        end = errors[-1] + 1 if errors else len(written)
        return written[max(0, end - lines) : end]


def die_with_parent() -> Callable[[], None] | None:
    """What a child must call between fork and exec to be killed when this process ends; `None` where none can."""
    if _libc is None:
        return None
    libc, parent = _libc, os.getpid()

    def ask_the_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            # The parent ended before the kernel was asked, and would never be noticed.
            os._exit(1)

    return ask_the_kernel


def _rotate(log: Path) -> None:
    """Keep a log's last two generations: a file that has grown too large makes room for a new one."""
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
