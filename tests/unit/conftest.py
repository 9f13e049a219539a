"""Unit tests start no process: what must start one belongs to `tests/contract` or `tests/system`."""

import sys
from collections.abc import Iterator

import pytest

_STARTS = frozenset({"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"})
"""Python's audit events for the start of a process."""

_guarded: list[bool] = []


def _refuse_processes(event: str, _arguments: tuple[object, ...]) -> None:
    if _guarded and event in _STARTS:
        raise AssertionError(f"a unit test starts a process ({event}): move it to tests/contract or tests/system")


# Once, and for the life of the interpreter: Python keeps its audit hooks. Other folders' tests switch it off.
sys.addaudithook(_refuse_processes)


@pytest.fixture(autouse=True)
def no_process() -> Iterator[None]:
    """Refuse the start of any process while a unit test runs."""
    _guarded.append(True)
    yield
    _guarded.pop()
