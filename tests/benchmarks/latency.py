"""How long an event takes from `publish` to being readable: `python -m tests.benchmarks.latency` on a running stack.

Publishes one event after the other into a client space of its own, and asks for each by its id until it is there: the
query API, or with `--ask clickhouse` the table itself, which costs the worker's processors and ClickHouse a tenth of
that. The figure therefore includes the publisher's acknowledgement and the asking. With `--rate`, a process of its own
loads the same topic with as many events a second meanwhile. Bounded: `--events` events.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx

from deploy.local.layout import DEFAULT_DATA_DIR, Layout
from producers import KafkaPublisher, Person, UiSession
from producers import load_settings as producer_settings
from query_api.access.auth import READ_SCOPE, development_token
from query_api.settings import load_settings as query_settings
from tests.benchmarks.ingest.load import running_layout
from tests.benchmarks.machine import round_trip, watched
from tests.benchmarks.table import Row, at_most, table

POLL_SECONDS = 0.005
PATIENCE_SECONDS = 30
PAUSE_SECONDS = 0.1
LOAD_START_SECONDS = 5
LOAD_MADE_PER_SECOND = 100_000
"""The load is made before it is sent."""
TARGETS_MS = {0: (40, 100), 1000: (60, 200)}
"""p50 and p99, by events a second beside."""


IsReadable = Callable[[str], Awaitable[bool]]


async def measure(client_space_id: str, events: int, is_readable: IsReadable) -> list[float]:
    """Seconds from the call of `publish` to the first answer that has the line, for each event."""
    taken = []
    async with KafkaPublisher(producer_settings()) as publisher:
        session = UiSession(publisher, client_space_id=client_space_id, admin=Person("usr_admin"), service="benchmark")
        for number in range(events + 1):
            started = time.perf_counter()
            published = await session.user_created(Person(f"usr_{number}", f"{number}@example.com"))
            async with asyncio.timeout(PATIENCE_SECONDS):
                # A poll is what is measured: how soon somebody who asks sees the line.
                while not await is_readable(str(published.event_id)):  # noqa: ASYNC110
                    await asyncio.sleep(POLL_SECONDS)
            taken.append(time.perf_counter() - started)
            await asyncio.sleep(PAUSE_SECONDS)
    # The first one pays for connections and the schema's registration.
    return taken[1:]


async def by_api(layout: Layout, events: int) -> list[float]:
    """`measure`, asking the query API."""
    space = _a_client_space()
    token = development_token(
        query_settings(),
        client_space_id=space,
        subject="benchmark",
        scope=READ_SCOPE,
        now=int(time.time()),
        expires_in_seconds=3600,
    )
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=layout.endpoints()["query_api"], headers=headers) as api:

        async def is_readable(event_id: str) -> bool:
            return (await api.get(f"/v1/activities/{event_id}")).status_code == httpx.codes.OK

        return await measure(space, events, is_readable)


async def by_clickhouse(layout: Layout, events: int) -> list[float]:
    """`measure`, asking ClickHouse for the line in its client space."""
    space = _a_client_space()
    sql = (
        "SELECT count() FROM audit.activity_log WHERE client_space_id = {space:String} AND event_id = {event_id:UUID}"
        " AND occurred_at >= now() - INTERVAL 1 HOUR"
    )
    async with httpx.AsyncClient(base_url=layout.endpoints()["clickhouse"]) as clickhouse:

        async def is_readable(event_id: str) -> bool:
            asked = {"query": sql, "param_space": space, "param_event_id": event_id}
            return (await clickhouse.get("/", params=asked)).raise_for_status().text.strip() != "0"

        return await measure(space, events, is_readable)


def _a_client_space() -> str:
    return f"latency-{uuid4().hex[:8]}"


@contextmanager
def loaded(data_dir: Path, rate: int, seconds: float) -> Iterator[None]:
    if not rate:
        yield
        return
    options = ["--data-dir", str(data_dir), "--rate", str(rate), "--seconds", str(seconds)]
    load = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.ingest.load", *options])
    try:
        time.sleep(LOAD_START_SECONDS + rate * seconds / LOAD_MADE_PER_SECOND)
        yield
        if load.poll() is not None:
            print("the load ended before the measurement: give it more --seconds")
    finally:
        load.kill()
        load.wait()


def main() -> None:
    """Measure, and print the distribution."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--ask", choices=("api", "clickhouse"), default="api", help="who is asked for the line (api)")
    parser.add_argument("--rate", type=int, default=0, help="events a second beside the ones that are timed (0)")
    parser.add_argument("--seconds", type=float, default=60, help="of the load, which ends with the measurement (60)")
    arguments = parser.parse_args()
    layout = running_layout(arguments.data_dir)
    if layout is None:
        parser.error(f"no stack runs in {arguments.data_dir}: start one with `make demo`")
    with watched(is_alone=False) as watch, loaded(arguments.data_dir, arguments.rate, arguments.seconds):
        trip = round_trip(layout.endpoints()["clickhouse"])
        asked = by_api if arguments.ask == "api" else by_clickhouse
        taken = asyncio.run(asked(layout, arguments.events))
    print(table(rows(taken, arguments.ask, arguments.rate), watch, trip, f"{arguments.events} events"))


def rows(taken: Sequence[float], ask: str, rate: int) -> list[Row]:
    """Median and tail in milliseconds, of *taken* in seconds. Targets are for an idle stack and for the full load."""
    cuts = statistics.quantiles((seconds * 1000 for seconds in taken), n=100)
    what = f"publish to visible, asking {'the API' if ask == 'api' else 'ClickHouse'}, {rate} events/s"
    p50, p95, p99 = cuts[49], cuts[94], cuts[98]
    if rate not in TARGETS_MS:
        return [Row(what, f"p50 {p50:.0f}, p95 {p95:.0f}, p99 {p99:.0f} ms")]
    target_p50, target_p99 = TARGETS_MS[rate]
    return [
        at_most(f"{what}, p50", p50, target_p50, "ms"),
        at_most(f"{what}, p99", p99, target_p99, f"ms (p95 {p95:.0f})"),
    ]


if __name__ == "__main__":
    main()
