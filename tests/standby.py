"""A process that has imported the libraries of workers and commands, and forks a process for each order that it reads.

Importing is three of the four seconds that a worker's start takes, and the tests start many. Nothing of this repository
is imported ahead: the settings and the topic of a worker are not known yet.

An order is a line of JSON: what to run, its arguments and environment, and the files of its three standard streams.
What to run is a module, or `module:function` as in an entry point. The answers are lines too: `[pid, null]` for a
process that was started, `[pid, exit code]` for one that ended.
"""

import importlib
import json
import os
import runpy
import select
import sys
import time
from contextlib import suppress

import aiohttp.web
import aiokafka.admin
import clickhouse_connect
import fastavro
import faust.cli.faust
import faust.transport.drivers.aiokafka
import prometheus_client
import pydantic_settings
import rich.console
import stamina
import structlog
import typer

from deploy.local.stack.processes import die_with_parent

LIBRARIES = (
    aiohttp,
    aiokafka,
    clickhouse_connect,
    fastavro,
    faust,
    prometheus_client,
    pydantic_settings,
    rich,
    stamina,
    structlog,
    typer,
)
_LOOK_SECONDS = 0.02
_READ_BYTES = 65_536

Order = tuple[str, list[str], dict[str, str], list[str]]


def main() -> None:
    """Serve orders until standard input ends. In a forked process, do its order instead."""
    waiting = b""
    while True:
        if select.select([0], [], [], _LOOK_SECONDS)[0]:
            read = os.read(0, _READ_BYTES)
            if not read:
                return
            *orders, waiting = (waiting + read).split(b"\n")
            for line in orders:
                order: Order = json.loads(line)
                if not _fork(order):
                    _run(order[0])
                    return
        _report_ended()


def _run(program: str) -> None:
    module, _, function = program.partition(":")
    if function:
        getattr(importlib.import_module(module), function)()
    else:
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def _fork(order: Order) -> bool:
    """Start the process of *order*. Returns whether this is still the process that serves orders."""
    ends_with_parent = die_with_parent()
    pid = os.fork()
    if pid:
        # Here as in the process: its group must be there before anybody kills it.
        with suppress(OSError):
            os.setpgid(pid, pid)
        _answer(pid, None)
        return True
    os.setpgid(0, 0)
    if ends_with_parent is not None:
        ends_with_parent()
    _, arguments, environment, (read, *written) = order
    os.dup2(os.open(read, os.O_RDONLY), 0)
    for standard, file in enumerate(written, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), standard)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv[1:] = arguments
    return False


def _report_ended() -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            _answer(ended[0], os.waitstatus_to_exitcode(ended[1]))


def _answer(pid: int, exit_code: int | None) -> None:
    os.write(1, json.dumps([pid, exit_code]).encode() + b"\n")


if __name__ == "__main__":
    main()
