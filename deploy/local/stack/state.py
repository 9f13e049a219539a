"""What runs in a data directory, for whoever asks from outside: one file, written whole, and one lock.

The lock is the truth: it is held exactly as long as the supervisor lives, however that ends. The file says the rest.
"""

import errno
import fcntl
import json
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from deploy.local.errors import StackError
from deploy.local.layout import Layout

_LOOK_SECONDS = 0.3
"""For how long somebody who only looks whether a stack runs may be in the way of one that starts."""


@dataclass(frozen=True, slots=True)
class StackState:
    """The running stack: the supervisor's process, the addresses, and each service's process by name."""

    supervisor_pid: int
    ready: bool
    port_base: int
    endpoints: dict[str, str]
    pids: dict[str, int] = field(default_factory=dict)


def write_state(layout: Layout, state: StackState) -> None:
    """Replace the state. A reader sees the old or the new one."""
    write_whole(layout.state_file, json.dumps(asdict(state), indent=2), mode=0o644)


def read_state(layout: Layout) -> StackState | None:
    """The state that a supervisor last wrote, if any; whether it still holds, `is_running` knows."""
    try:
        content = json.loads(layout.state_file.read_text(encoding="utf-8"))
        return StackState(**content)
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_whole(file: Path, text: str, *, mode: int) -> None:
    """Replace *file* by *text* so that no reader and no crash ever sees a part of it. Raises `StackError`."""
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, delete=False) as temporary:
            temporary.write(text)
        whole = Path(temporary.name)
        whole.chmod(mode)
        whole.replace(file)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StackError(f"the disk is full: {file} could not be written") from error
        raise


class DirectoryLock:
    """The right to run a stack in a directory; it ends with the process that holds it."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._file: IO[str] | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def acquire(self) -> None:
        """Take the lock, or raise `StackError`."""
        self._layout.data_dir.mkdir(parents=True, exist_ok=True)
        file = self._layout.lock_file.open("a", encoding="utf-8")
        deadline = time.monotonic() + _LOOK_SECONDS
        while not _lock(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                file.close()
                raise StackError(
                    f"a stack runs in {self._layout.data_dir} already. `python -m deploy.local status` shows it, "
                    "`python -m deploy.local down` ends it; --data-dir and --port-base start another one beside it."
                )
            time.sleep(_LOOK_SECONDS / 10)
        self._file = file

    def release(self) -> None:
        """Give the lock back. Does nothing where it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None


def is_running(layout: Layout) -> bool:
    """Whether a supervisor holds the directory now."""
    if not layout.lock_file.exists():
        return False
    # Shared: two that look at once must not take each other for a supervisor.
    with layout.lock_file.open("a", encoding="utf-8") as file:
        return not _lock(file, fcntl.LOCK_SH)


def _lock(file: IO[str], kind: int) -> bool:
    """Lock *file* as long as it is open; whether that could be done at once."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
