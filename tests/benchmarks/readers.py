"""Many readers at once while events come in: `python -m tests.benchmarks.readers` on a running stack.

Each reader has a client space, and asks for its first page every `--pause` seconds. Then the same again, while one more
client space asks for counts and exports without a pause. Prints what a page took, how many requests failed, and how
soon a published event could be read meanwhile. Bounded: `--seconds` for each of the two; loopback only.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from deploy.local.layout import DEFAULT_DATA_DIR, Layout
from query_api.access.auth import EXPORT_SCOPE, READ_SCOPE, development_token
from query_api.settings import load_settings
from tests.benchmarks.ingest.events import SPACES
from tests.benchmarks.ingest.load import running_layout
from tests.benchmarks.latency import by_clickhouse, loaded
from tests.benchmarks.machine import round_trip, watched
from tests.benchmarks.table import Row, at_most, table

HISTORY_EVENTS = 50_000
NOISY_SPACE = "space-0"
NOISY_CALLERS = 4
"""The first asks for exports, the others for counts."""
FRESHNESS_EVENTS_PER_SECOND = 4
TARGET_TIMES = 1.5
SECONDS_BEYOND = 60
"""The load goes on for so long after what was planned; it is ended with the measurement."""


class Readers:
    """What pages took, in milliseconds, and how many requests failed."""

    def __init__(self, layout: Layout, pause_seconds: float) -> None:
        self._url = layout.endpoints()["query_api"]
        self._pause = pause_seconds
        self._failed = 0
        self._taken: list[float] = []

    async def read(self, readers: int, seconds: float) -> tuple[list[float], int]:
        """Let so many readers read for so long; the answer is what pages took, in order, and what failed."""
        self._taken, self._failed = [], 0
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for number in range(readers):
                # The noisy client space has no quiet reader.
                group.create_task(self._reader(f"space-{1 + number % (SPACES - 1)}", number, readers, end))
        return sorted(self._taken), self._failed

    @asynccontextmanager
    async def noise(self) -> AsyncIterator[None]:
        """One client space asks for counts and exports, one after the other, by each of its callers."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._noisy(number)) for number in range(NOISY_CALLERS)]
            yield
            for task in tasks:
                task.cancel()

    async def _reader(self, space: str, number: int, readers: int, end: float) -> None:
        async with self._client(space, f"reader-{number}") as client:
            await asyncio.sleep(self._pause * number / readers)
            while time.monotonic() < end:
                started = time.perf_counter()
                answer = await client.get("/v1/activities")
                self._taken.append((time.perf_counter() - started) * 1000)
                self._failed += not answer.is_success
                await asyncio.sleep(self._pause)

    async def _noisy(self, number: int) -> None:
        path = "/v1/activities/stats" if number else "/v1/activities/export?format=csv"
        async with self._client(NOISY_SPACE, f"noisy-{number}") as client:
            while True:
                answer = await client.get(path)
                # The service may tell this one to wait; the others must not notice.
                if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    await asyncio.sleep(float(answer.headers["Retry-After"]))

    def _client(self, space: str, subject: str) -> httpx.AsyncClient:
        token = development_token(
            load_settings(),
            client_space_id=space,
            subject=subject,
            scope=f"{READ_SCOPE} {EXPORT_SCOPE}",
            now=int(time.time()),
            expires_in_seconds=3600,
        )
        return httpx.AsyncClient(base_url=self._url, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def row(name: str, taken: Sequence[float], failed: int, fresh: Sequence[float]) -> Row:
    """A page, and how soon a line was visible meanwhile."""
    pages, lines = statistics.quantiles(taken, n=100), statistics.quantiles([1000 * one for one in fresh], n=100)
    figure = (
        f"{pages[49]:.0f} / {pages[98]:.0f} ms, {len(taken)} pages, {failed} failed;"
        f" visible after {lines[49]:.0f} / {lines[98]:.0f} ms"
    )
    return Row(name, figure, target="0 failed", is_met=not failed)


async def measure(layout: Layout, readers: int, pause: float, seconds: float) -> list[Row]:
    """Pages without and beside the client space that never stops."""
    crowd, fresh_events = Readers(layout, pause), int(seconds * FRESHNESS_EVENTS_PER_SECOND)
    (quiet, failed), fresh = await asyncio.gather(crowd.read(readers, seconds), by_clickhouse(layout, fresh_events))
    rows = [row(f"a page, {readers} readers", quiet, failed, fresh)]
    async with crowd.noise():
        (noisy, failed), fresh = await asyncio.gather(crowd.read(readers, seconds), by_clickhouse(layout, fresh_events))
    rows.append(row("a page beside one that never stops", noisy, failed, fresh))
    times = statistics.median(noisy) / statistics.median(quiet)
    return [*rows, at_most("a page beside it takes", times, TARGET_TIMES, "times as long (median)")]


def main() -> None:
    """Load a history, then measure under load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--pause", type=float, default=2, help="seconds between two pages of a reader (2)")
    parser.add_argument("--rate", type=int, default=500, help="events a second meanwhile (500)")
    parser.add_argument("--seconds", type=float, default=30, help="of each of the two measurements (30)")
    arguments = parser.parse_args()
    layout = running_layout(arguments.data_dir)
    if layout is None:
        parser.error(f"no stack runs in {arguments.data_dir}: start one with `make demo`")
    once = ["--data-dir", str(arguments.data_dir), "--rate", str(HISTORY_EVENTS), "--seconds", "1"]
    with watched(is_alone=False) as watch:
        subprocess.run([sys.executable, "-m", "tests.benchmarks.ingest.load", *once], check=True)
        # What comes behind the history is readable once the history is.
        asyncio.run(by_clickhouse(layout, 1))
        trip = round_trip(layout.endpoints()["clickhouse"])
        with loaded(arguments.data_dir, arguments.rate, 2 * arguments.seconds + SECONDS_BEYOND):
            rows = asyncio.run(measure(layout, arguments.readers, arguments.pause, arguments.seconds))
    print(table(rows, watch, trip, f"{arguments.rate} events/s beside"))


if __name__ == "__main__":
    main()
