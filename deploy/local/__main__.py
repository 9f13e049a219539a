"""`python -m deploy.local up|down|status|fetch`: the whole service on this machine.

Exit codes: 0 done; 1 failed, with a message that says what to do; 2 wrong usage; 130 interrupted before all was ready.
`status` ends with 1 where nothing runs.
"""

import argparse
import errno
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from deploy.local.console import Reporter
from deploy.local.errors import EXIT_FAILED, EXIT_INTERRUPTED, StackError
from deploy.local.layout import DEFAULT_DATA_DIR, DEFAULT_PORT_BASE, Layout, Ports
from deploy.local.stack import detached
from deploy.local.stack.keys import load_or_create
from deploy.local.stack.services import fetch_programs
from deploy.local.stack.supervisor import Supervisor, start_demo


def main() -> int:
    """Run the command and return its exit code. What a person can do something about is one message, no traceback."""
    options = _parser().parse_args()
    reporter = Reporter()
    try:
        return _run(options, reporter)
    except StackError as error:
        print(f"{error}", file=sys.stderr)
        return EXIT_FAILED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"the disk is full: {error.filename or 'a file'} could not be written", file=sys.stderr)
        return EXIT_FAILED


def _run(options: argparse.Namespace, reporter: Reporter) -> int:
    if options.command == "fetch":
        with reporter.downloads():
            fetch_programs(reporter.download)
        return 0
    layout = Layout(options.data_dir.absolute(), Ports.from_base(options.port_base))
    if options.command == "down":
        detached.stop(layout, reporter)
        return 0
    if options.command == "status":
        found = detached.status(layout)
        if options.env:
            print(_exports(layout, found), end="")
            return 0
        print(json.dumps(found, indent=2)) if options.json else _print_status(found, reporter)
        return 0 if found["running"] else 1
    if not options.detach:
        supervisor = Supervisor(layout.data_dir, port_base=options.port_base, reporter=reporter)
        return 0 if supervisor.run(with_demo=not options.no_demo_data) else EXIT_INTERRUPTED
    code = detached.start(layout, reporter, port_base=options.port_base)
    if code == 0 and not options.no_demo_data and (demo_code := start_demo(layout.data_dir).wait()):
        raise StackError(f"the demo ended with code {demo_code}; the stack is up, its logs are in {layout.logs}")
    return code


def _exports(layout: Layout, found: dict[str, Any]) -> str:
    """The settings of what runs, as lines for a shell. A second worker needs another name."""
    if not found["running"]:  # a shell's `eval` passes over the exit code
        raise StackError(f"no stack runs in {layout.data_dir}; start one with `python -m deploy.local up`")
    settings = layout.environment(load_or_create(layout.secrets_file), found["endpoints"])
    del settings["AUDIT_WORKER_INSTANCE"]
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())


def _print_status(found: dict[str, Any], reporter: Reporter) -> None:
    if not found["running"]:
        reporter.line(f"no stack runs in {found['data_dir']}")
        return
    state = "ready" if found["ready"] else "starting"
    reporter.line(f"{state}, supervised by process {found['supervisor_pid']}, data in {found['data_dir']}")
    for name, address in found["endpoints"].items():
        reporter.line(f"  {name:16} {address}")
    for name, process in found["processes"].items():
        alive = "runs" if process["alive"] else "ENDED"
        reporter.line(f"  {name:16} {alive}, process {process['pid']}, log {process['log']}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="The whole service on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start it; Ctrl-C ends it and keeps the data")
    up.add_argument("--detach", action="store_true", help="leave it in the background and return when it is ready")
    up.add_argument("--no-demo-data", action="store_true", help="start it empty")
    down = commands.add_parser("down", help="end what runs")
    status = commands.add_parser("status", help="show what runs")
    status.add_argument("--json", action="store_true", help="addresses and process ids as JSON")
    status.add_argument("--env", action="store_true", help="settings and keys as lines for a shell's eval")
    commands.add_parser("fetch", help="download what is missing for it, and end")
    for command in (up, down, status):
        command.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR, help="where everything is kept")
        command.add_argument("--port-base", type=_port_base, default=DEFAULT_PORT_BASE, help="the first of six ports")
    return parser


def _port_base(text: str) -> int:
    try:
        base = int(text)
        Ports.from_base(base)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return base


if __name__ == "__main__":
    sys.exit(main())
