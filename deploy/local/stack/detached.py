"""The supervisor in the background: started, asked to end, and looked at from outside."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import psutil

from deploy.local.console import Reporter
from deploy.local.errors import EXIT_INTERRUPTED, StackError
from deploy.local.layout import DEFAULT_PORT_BASE, REPOSITORY, Layout
from deploy.local.stack.state import is_running, read_state

_POLL_SECONDS = 0.2
_STOP_SECONDS = 90
_LOG_NAME = "supervisor"


def start(layout: Layout, reporter: Reporter, *, port_base: int = DEFAULT_PORT_BASE) -> int:
    """Start a supervisor in the background and return 0 when all is ready, or the exit code with which it ended before.

    What it says until then is shown as it comes. Ctrl-C ends it again.
    """
    if is_running(layout):
        raise StackError(f"a stack runs in {layout.data_dir} already; `python -m deploy.local status` shows it")
    layout.logs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "deploy.local", "up", "--no-demo-data"]
    command += ["--data-dir", str(layout.data_dir), "--port-base", str(port_base)]
    with layout.log_of(_LOG_NAME).open("w+b") as log:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        with layout.log_of(_LOG_NAME).open(encoding="utf-8", errors="replace") as output:
            try:
                while process.poll() is None and not _is_ready(layout, process.pid):
                    _show(output.read(), reporter)
                    time.sleep(_POLL_SECONDS)
            except KeyboardInterrupt:
                process.terminate()
                process.wait()
                _show(output.read(), reporter)
                return EXIT_INTERRUPTED
            _show(output.read(), reporter)
            is_silent = not output.tell()
    if process.poll() is not None and process.returncode and is_silent:
        raise StackError(
            f"it ended with code {process.returncode} and logged nothing: is the disk of {layout.logs} full?"
        )
    return 0 if process.poll() is None else process.returncode or EXIT_INTERRUPTED


def stop(layout: Layout, reporter: Reporter) -> None:
    """Ask the supervisor to end and return when everything has, its own process included.

    Raises `StackError` where it does not.
    """
    state = read_state(layout)
    if not is_running(layout) or state is None:
        reporter.line(f"no stack runs in {layout.data_dir}")
        return
    os.kill(state.supervisor_pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    with reporter.waiting(f"stopping the stack in {layout.data_dir}"):
        # The lock goes a moment before the process that held it.
        while is_running(layout) or _is_alive(state.supervisor_pid):
            if time.monotonic() > deadline:
                raise StackError(f"process {state.supervisor_pid} did not end in {_STOP_SECONDS} s")
            time.sleep(_POLL_SECONDS)
    reporter.line("stopped; the data is kept")


def status(layout: Layout) -> dict[str, Any]:
    """What runs, as JSON's types: `running`, `ready`, `data_dir`, `endpoints`, `supervisor_pid`, `processes`."""
    state = read_state(layout) if is_running(layout) else None
    if state is None:
        return {"running": False, "ready": False, "data_dir": str(layout.data_dir), "endpoints": {}, "processes": {}}
    processes = {
        name: {"pid": pid, "alive": _is_alive(pid), "log": str(layout.log_of(name))} for name, pid in state.pids.items()
    }
    return {
        "running": True,
        "ready": state.ready,
        "data_dir": str(layout.data_dir),
        "endpoints": state.endpoints,
        "supervisor_pid": state.supervisor_pid,
        "processes": processes,
    }


def _is_ready(layout: Layout, pid: int) -> bool:
    state = read_state(layout)
    return state is not None and state.ready and state.supervisor_pid == pid


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _show(text: str, reporter: Reporter) -> None:
    for line in text.splitlines():
        reporter.line(line)
