"""The main job once, on a running stack: `python -m deploy.local.demo.demo [--data-dir DIR]`.

An administrator's edited user list is imported, an admin acts in the UI and through the API, and the log shows it. A
second run finds everything in the log and publishes nothing. Exit codes: 0 done, 1 no stack runs or a line is missing.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterable, Callable, Iterable
from datetime import datetime
from pathlib import Path

from rich.console import Console

from deploy.local.console import Reporter
from deploy.local.demo.log import LogClient, print_counts, print_lines
from deploy.local.demo.scenario import (
    CLIENT_SPACE,
    OPERATOR,
    TOUCHED,
    USERS_AFTER,
    USERS_BEFORE,
    act_by_api,
    act_in_ui,
    import_lists,
    open_import,
)
from deploy.local.layout import DEFAULT_DATA_DIR, DEFAULT_PORT_BASE, Layout, Ports
from deploy.local.stack.keys import load_or_create
from deploy.local.stack.state import is_running, read_state
from producers.file_import.import_record import ImportRecords
from producers.kafka.publisher import KafkaPublisher
from producers.publisher import Acknowledgement
from producers.settings import load_settings
from schemas.events import Event

_READABLE_SECONDS = 60
_POLL_SECONDS = 0.2
_PLAIN_WIDTH = 150
_TOKEN_SECONDS = 12 * 3600
_SHOWN_LINES = 10


class EventIds:
    """A publisher that publishes nothing and remembers which events it was given."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    async def publish(self, event: Event) -> Acknowledgement:
        """Remember *event*."""
        self.ids.add(str(event.event_id))
        return Acknowledgement(event.event_id, topic="", partition=0, offset=None)

    async def publish_all(
        self, events: AsyncIterable[Event] | Iterable[Event], *, on_acknowledged: Callable[[int], None] | None = None
    ) -> int:
        """The demo's import is published elsewhere."""
        raise NotImplementedError


def main() -> int:
    """Do the job unless it is done, and print what the query API says."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.demo.demo", description="The main job, once.")
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR, help="where the stack runs")
    data_dir = parser.parse_args().data_dir.absolute()
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)
    layout = running_layout(data_dir)
    if layout is None:
        print(f"no stack runs in {data_dir}; start one with `python -m deploy.local up`", file=sys.stderr)
        return 1
    os.environ.update(layout.environment(load_or_create(layout.secrets_file)))
    url = layout.endpoints()["query_api"]
    token = make_token()
    log = LogClient(url, token)
    missing = asyncio.run(do_the_job(data_dir / "demo", log, Reporter(console)))
    if missing:
        print(f"{missing} events are not in the log after {_READABLE_SECONDS} s", file=sys.stderr)
        return 1
    show(log, console)
    hint(console, url, token)
    return 0


def make_token() -> str:
    """A token for the demo's client space, made by the command that developers use."""
    command = [str(Path(sys.executable).parent / "audit-query"), "token", "--client-space", CLIENT_SPACE]
    command += ["--subject", OPERATOR.id, "--expires-in-seconds", str(_TOKEN_SECONDS)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


async def do_the_job(state_dir: Path, log: LogClient, reporter: Reporter) -> int:
    """Publish everything unless the log has it, and wait until it has. Returns how many events it still lacks."""
    with open_import() as file_import:
        last = ImportRecords(state_dir, file_import.files_id).last()
    started_at = None if last is None else last.occurred_at
    if started_at is not None and not await missing_events(log, started_at):
        reporter.line(f"The demo ran before ({started_at:%Y-%m-%d %H:%M} UTC): nothing is published again.")
        return 0
    settings = load_settings()
    reporter.line(f"Importing {USERS_AFTER.name}, edited from {USERS_BEFORE.name}, into client space {CLIENT_SPACE}")
    started_at = await import_lists(state_dir, lambda: KafkaPublisher(settings), reporter.console)
    async with KafkaPublisher(settings) as publisher:
        reporter.line("Acting in the UI and through the API")
        await act_in_ui(publisher, started_at)
        await act_by_api(publisher, started_at)
    with reporter.waiting("waiting until every event can be read"):
        return await until_readable(log, started_at)


async def until_readable(log: LogClient, started_at: datetime) -> int:
    """Wait until the log has every event of the demo; returns how many it still lacks when the time is over."""
    deadline = time.monotonic() + _READABLE_SECONDS
    missing = await missing_events(log, started_at)
    while missing and time.monotonic() < deadline:
        await asyncio.sleep(_POLL_SECONDS)
        missing = await missing_events(log, started_at)
    return missing


async def missing_events(log: LogClient, started_at: datetime) -> int:
    """How many of the demo's events the log lacks."""
    expected = EventIds()
    await act_in_ui(expected, started_at)
    await act_by_api(expected, started_at)
    with open_import() as file_import:
        expected.ids |= {str(event.event_id) for event in file_import.events(started_at)}
    return len(expected.ids - {line["event_id"] for line in log.lines({})})


def show(log: LogClient, console: Console) -> None:
    """The log, whole and through each filter."""
    lines = list(log.lines({}))
    times = [line["occurred_at"] for line in lines if line["channel"] != "file_import"]
    filters: dict[str, dict[str, str]] = {
        "activity_type=user_deletion": {"activity_type": "user_deletion"},
        f"affected_user={TOUCHED.id} (touched by all three channels)": {"affected_user": TOUCHED.id},
        f"admin={OPERATOR.id}": {"admin": OPERATOR.id},
        "channel=api": {"channel": "api"},
        f"from={min(times)} to={max(times)}": {"from": min(times), "to": max(times)},
    }
    print_lines(console, "The log, newest first", lines, at_most=_SHOWN_LINES)
    for title, chosen in filters.items():
        print_lines(console, title, list(log.lines(chosen)), at_most=_SHOWN_LINES)
    print_counts(console, lines)


def hint(console: Console, url: str, token: str) -> None:
    """How to go on. Printed without wrapping, to be copied."""
    request = f"curl -H 'Authorization: Bearer {token}' '{url}/v1/activities?activity_type=user_deletion&limit=5'"
    console.print(f"A token for client space {CLIENT_SPACE}, valid for 12 hours, in a request to go on with:")
    console.print(request, soft_wrap=True, markup=False, highlight=False)
    console.print(
        f"The same log as an administrator sees it: open {url}/demo and click “User management log”", soft_wrap=True
    )


def running_layout(data_dir: Path) -> Layout | None:
    """The layout of the stack that runs in *data_dir*; `None` where none is ready."""
    layout = Layout(data_dir, Ports.from_base(DEFAULT_PORT_BASE))
    state = read_state(layout) if is_running(layout) else None
    return Layout(data_dir, Ports.from_base(state.port_base)) if state is not None and state.ready else None


if __name__ == "__main__":
    sys.exit(main())
