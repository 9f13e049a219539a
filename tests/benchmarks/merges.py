"""What a steady load costs beside a log that is there: `python -m tests.benchmarks.merges` on a running stack.

Sends `--rate` events a second for `--seconds` and prints what ClickHouse, worker and API use of the cores and of the
memory meanwhile, how much ClickHouse merges, and how many parts it leaves. The log of `make bench-read OPTIONS="--data
DIR"` is a stack's: `python -m deploy.local up --detach --no-demo-data --data-dir DIR/LINES-SPACES` starts it whole.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from clickhouse_connect.driver.client import Client

from deploy.local.layout import DEFAULT_DATA_DIR, Layout, Ports
from deploy.local.stack.state import read_state
from schemas.clickhouse_client import connect
from tests.benchmarks.ingest.load import load, running_layout
from tests.benchmarks.machine import cpu_seconds, round_trip, watched
from tests.benchmarks.read_data import DATABASE
from tests.benchmarks.table import Row, shown, table

SERVICES = ("clickhouse", "worker", "query_api")


@dataclass(frozen=True)
class Look:
    """What was used and done until now: seconds of each service's CPU, rows inserted and merged, seconds of merging."""

    at: float
    cpu: dict[str, float]
    inserted: int
    merged: int
    merging_seconds: float
    parts: dict[str, int]


def look(client: Client, pids: dict[str, int]) -> Look:
    """Ask the kernel and ClickHouse. A server counts every table, its own logs too; the local one has none."""
    events = dict(map(tuple, client.query("SELECT event, value FROM system.events").result_rows))
    parts = client.query(
        "SELECT table, count() FROM system.parts WHERE active AND database = {database:String} GROUP BY table",
        parameters={"database": DATABASE},
    ).result_rows
    return Look(
        time.monotonic(),
        {name: cpu_seconds(pids[name]) for name in SERVICES},
        events.get("InsertedRows", 0),
        events.get("MergedRows", 0),
        events.get("MergeExecuteMilliseconds", 0) / 1000,
        {str(name): int(count) for name, count in parts},
    )


def rows(before: Look, after: Look, pids: dict[str, int]) -> list[Row]:
    """What happened between the two looks."""
    seconds = after.at - before.at
    cores = ", ".join(f"{name} {shown((after.cpu[name] - before.cpu[name]) / seconds)}" for name in SERVICES)
    inserted, merged = after.inserted - before.inserted, after.merged - before.merged
    merging = (after.merging_seconds - before.merging_seconds) / seconds
    held = ", ".join(f"{name} {psutil.Process(pids[name]).memory_info().rss / 1e6:,.0f} MB" for name in SERVICES)
    parts = ", ".join(f"`{name}` {before.parts.get(name, 0)} to {count}" for name, count in after.parts.items())
    return [
        Row("cores used", cores),
        Row("merges", f"{shown(merged / max(inserted, 1))} rows merged for each inserted; {shown(merging)} running"),
        Row("resident memory", held),
        Row("parts", parts),
    ]


def main() -> None:
    """Load, and print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=180)
    arguments = parser.parse_args()
    layout = running_layout(arguments.data_dir)
    state = read_state(Layout(arguments.data_dir.absolute(), Ports.from_base(1)))
    if layout is None or state is None:
        parser.error(f"no stack runs in {arguments.data_dir}: start one with `python -m deploy.local up --data-dir`")
    url = layout.endpoints()["clickhouse"]
    with watched(is_alone=False) as watch, connect(url, timeout_seconds=60) as client:
        trip = round_trip(url)
        before = look(client, state.pids)
        count, seconds = asyncio.run(load(arguments.rate, arguments.seconds))
        found = rows(before, look(client, state.pids), state.pids)
    print(table(found, watch, trip, f"{count / seconds:,.0f} events/s for {seconds:.0f} s"))


if __name__ == "__main__":
    main()
