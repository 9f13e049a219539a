"""The main job once, on a running stack: `python -m deploy.local.demo.demo [--data-dir DIR]`.

An administrator's edited user list is imported, an admin acts in the UI and through the API, and the log shows it.
Another client space gets a year of activities, for the panel. A second run finds everything in the log and publishes
nothing. Exit codes: 0 done, 1 no stack runs or a line is missing.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx
from rich.console import Console

from deploy.local.console import Reporter
from deploy.local.demo import year
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
from producers.in_memory import InMemoryPublisher
from producers.kafka.publisher import KafkaPublisher
from producers.settings import load_settings
from schemas.retention import retention_start

Logs = Mapping[str, LogClient]
"""By client space."""

_READABLE_SECONDS = 60
_POLL_SECONDS = 0.2
_PLAIN_WIDTH = 150
_TOKEN_SECONDS = 12 * 3600
_SHOWN_LINES = 10


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
    logs = {CLIENT_SPACE: LogClient(url, token), year.CLIENT_SPACE: LogClient(url, page_token(url, year.CLIENT_SPACE))}
    missing = asyncio.run(do_the_job(data_dir / "demo", logs, Reporter(console)))
    if missing:
        print(f"{missing} events are not in the log after {_READABLE_SECONDS} s", file=sys.stderr)
        return 1
    show(logs, console)
    hint(console, url, token)
    return 0


def make_token() -> str:
    """A token for the story's client space, made by the command that developers use."""
    command = [str(Path(sys.executable).parent / "audit-query"), "token", "--client-space", CLIENT_SPACE]
    command += ["--subject", OPERATOR.id, "--expires-in-seconds", str(_TOKEN_SECONDS)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def page_token(url: str, client_space: str) -> str:
    """A token for *client_space* that lasts ten minutes, as the demo's page gets it."""
    answer = httpx.post(f"{url}/demo/session/audit-token", params={"client_space": client_space})
    return answer.raise_for_status().text


async def do_the_job(state_dir: Path, logs: Logs, reporter: Reporter) -> int:
    """Publish everything unless the log has it, and wait until it has. Returns how many events it still lacks."""
    with open_import() as file_import:
        last = ImportRecords(state_dir, file_import.files_id).last()
    started_at = None if last is None else last.occurred_at
    if started_at is not None and not missing_in(logs, await expected_ids(started_at)):
        reporter.line(f"The demo ran before ({started_at:%Y-%m-%d %H:%M} UTC): nothing is published again.")
        return 0
    settings = load_settings()
    reporter.line(f"Importing {USERS_AFTER.name}, edited from {USERS_BEFORE.name}, into client space {CLIENT_SPACE}")
    started_at = await import_lists(state_dir, lambda: KafkaPublisher(settings), reporter.console)
    async with KafkaPublisher(settings) as publisher:
        reporter.line("Acting in the UI and through the API")
        await act_in_ui(publisher, started_at)
        await act_by_api(publisher, started_at)
        reporter.line(f"Publishing a year of activities in client space {year.CLIENT_SPACE}")
        await publisher.publish_all(year.events(started_at))
    with reporter.waiting("waiting until every event can be read"):
        return await until_readable(logs, await expected_ids(started_at))


async def until_readable(logs: Logs, expected: Mapping[str, set[str]]) -> int:
    """Wait until *logs* have all that is *expected*; returns how many events they lack when the time is over."""
    deadline = time.monotonic() + _READABLE_SECONDS
    missing = missing_in(logs, expected)
    while missing and time.monotonic() < deadline:
        await asyncio.sleep(_POLL_SECONDS)
        missing = missing_in(logs, expected)
    return missing


async def expected_ids(started_at: datetime) -> Mapping[str, set[str]]:
    """The ids of the demo's events, by client space, but for those that retention has ended."""
    async with InMemoryPublisher() as publisher:
        await act_in_ui(publisher, started_at)
        await act_by_api(publisher, started_at)
    with open_import() as file_import:
        events = [*year.events(started_at), *publisher.events, *file_import.events(started_at)]
    kept = retention_start(datetime.now(UTC))
    ids: dict[str, set[str]] = {CLIENT_SPACE: set(), year.CLIENT_SPACE: set()}
    for event in events:
        if event.occurred_at >= kept:
            ids[event.client_space_id].add(str(event.event_id))
    return ids


def missing_in(logs: Logs, expected: Mapping[str, set[str]]) -> int:
    """How many of the *expected* events *logs* lack."""
    return sum(len(ids - {line["event_id"] for line in logs[space].lines({})}) for space, ids in expected.items())


def show(logs: Logs, console: Console) -> None:
    """The log of the story, whole and through each filter, and how many lines each client space has."""
    log = logs[CLIENT_SPACE]
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
    for space, each in logs.items():
        print_counts(console, space, lines if each is log else list(each.lines({})))


def hint(console: Console, url: str, token: str) -> None:
    """How to go on. Printed without wrapping, to be copied."""
    request = f"curl -H 'Authorization: Bearer {token}' '{url}/v1/activities?activity_type=user_deletion&limit=5'"
    console.print(f"A token for client space {CLIENT_SPACE}, valid for 12 hours, in a request to go on with:")
    console.print(request, soft_wrap=True, markup=False, highlight=False)
    console.print(
        f"A year of client space {year.CLIENT_SPACE}, as its administrators see it: open {url}/demo and click"
        f" “User management log”. Client space {CLIENT_SPACE} is another choice there.",
        soft_wrap=True,
    )


def running_layout(data_dir: Path) -> Layout | None:
    """The layout of the stack that runs in *data_dir*; `None` where none is ready."""
    layout = Layout(data_dir, Ports.from_base(DEFAULT_PORT_BASE))
    state = read_state(layout) if is_running(layout) else None
    return Layout(data_dir, Ports.from_base(state.port_base)) if state is not None and state.ready else None


if __name__ == "__main__":
    sys.exit(main())
