"""How fast the query API answers: `make bench-read`, or `python -m tests.benchmarks.read`, on stacks of its own.

Makes logs of `--lines` lines, asks the API over HTTP for pages, filters and counts of the largest client space (a tenth
of all lines), and asks ClickHouse for the same with a naive query. Every round asks for everything in turn, each second
one in the other order, so that a busy moment strikes all alike; beside each request of the API stands a `SELECT 1`.
Bounded: `--requests` of each kind. With `--data` the logs stay in that directory, and the next run goes on with them.
"""

import argparse
import asyncio
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import httpx
import psutil
import structlog
from aiohttp import ClientResponse
from aiohttp.connector import Connection
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.local.layout import HOST
from deploy.local.stack.stack import LocalStack
from query_api.access.auth import READ_SCOPE, development_token
from query_api.app import create_app
from query_api.settings import load_settings
from schemas.clickhouse_client import connect
from tests.benchmarks.machine import cpu_seconds, watched
from tests.benchmarks.read_cases import Case, cases, cursor_of_deep_page
from tests.benchmarks.read_data import DATABASE, LARGEST, Log, load
from tests.benchmarks.table import Row, shown, table
from tests.free_ports import free_port_base

PATIENCE_SECONDS = 60
STATEMENT_SECONDS = 3600
REQUESTS_A_ROUND = 10
"""Of the API; the peer is asked once: at ten million lines it takes long for a page."""
TAIL = 3
"""How many times the median a page may take at p99."""
GROWTH = 1.3


@dataclass
class Taken:
    """Milliseconds of each request of a case, of each of the peer, and what one request costs the service.

    That is processor time of API and ClickHouse, for all requests together, and rows that ClickHouse scans for one.
    """

    case: Case
    api: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    is_peer_refused: bool = False
    """ClickHouse would not run the peer's query: most often its memory does not suffice."""
    cpu_seconds: float = 0.0
    rows: int = 0

    @property
    def median(self) -> float:
        """Of the API."""
        return statistics.median(self.api)


@dataclass(frozen=True)
class Service:
    """The API over *http*, ClickHouse by *client*, and the ids of both processes."""

    http: httpx.Client
    client: Client
    api_process: int
    clickhouse_process: int

    def cpu_seconds(self) -> float:
        """What both have used so far."""
        return cpu_seconds(self.api_process) + cpu_seconds(self.clickhouse_process)


def measure(service: Service, asked: list[Case], requests: int) -> tuple[list[Taken], list[float]]:
    """What each case took, and what each `SELECT 1` did.

    The first request of each kind pays for caches and is left out.
    """
    found, trips = [Taken(case) for case in asked], []
    for case in asked:
        _ask(Taken(case), service, 1)
    for number in range(max(1, requests // REQUESTS_A_ROUND)):
        for taken in found if number % 2 == 0 else reversed(found):
            _ask(taken, service, min(requests, REQUESTS_A_ROUND))
            trips.append(_milliseconds(lambda: service.client.command("SELECT 1")))
    return found, trips


def _ask(taken: Taken, service: Service, requests: int) -> None:
    if taken.case.conditions is not None and not taken.is_peer_refused:
        try:
            taken.peer.append(_milliseconds(lambda: taken.case.ask_peer(service.client)))
        except DatabaseError:
            taken.is_peer_refused = True
    before = service.cpu_seconds()
    taken.api += [_milliseconds(lambda: taken.case.ask(service.http)) for _ in range(requests)]
    taken.cpu_seconds += service.cpu_seconds() - before


def _milliseconds(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000


def tail(taken: list[float]) -> float:
    """The 99th percentile."""
    return sorted(taken)[round(0.99 * (len(taken) - 1))]


def described(taken: list[float]) -> str:
    """Median and tail."""
    return f"{shown(statistics.median(taken))} / {shown(tail(taken))}" if taken else ""


@contextmanager
def api(stack: LocalStack) -> Iterator[tuple[httpx.Client, int]]:
    """The query API of *stack*: a client with a token of the largest client space, and the id of its process."""
    port = stack.layout.ports.query_api
    command = [str(Path(sys.executable).parent / "audit-query"), "serve", "--host", HOST, "--port", str(port)]
    process = subprocess.Popen(
        command, env={**os.environ, **stack.environment()}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with httpx.Client(base_url=f"http://{HOST}:{port}", headers=_headers(), timeout=PATIENCE_SECONDS) as client:
            _await_ready(client)
            yield client, process.pid
    finally:
        process.terminate()
        process.wait()


def _headers() -> dict[str, str]:
    token = development_token(
        load_settings(),
        client_space_id=LARGEST,
        subject="benchmark",
        scope=READ_SCOPE,
        now=int(time.time()),
        expires_in_seconds=86_400,
    )
    return {"Authorization": f"Bearer {token}"}


def _await_ready(client: httpx.Client) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if client.get("/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > end:
            raise TimeoutError("the query API is not ready")
        time.sleep(0.1)


async def scanned_rows(found: list[Taken]) -> None:
    """Fill in how many rows ClickHouse reads to answer each case, all its queries together, by its own count.

    Measured on an application in this process, whose answers from ClickHouse are listened to. Each case is asked
    twice, as the first request of a kind does not know yet how far back a page reaches.
    """
    rows = 0
    start = ClientResponse.start

    async def counting(self: ClientResponse, connection: Connection) -> ClientResponse:
        nonlocal rows
        response = await start(self, connection)
        # The API decodes answers itself, so the driver's own summary is not made.
        rows += int(json.loads(response.headers["X-ClickHouse-Summary"])["read_rows"])
        return response

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    app = create_app(load_settings())
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{HOST}", headers=_headers()) as client,
    ):
        for taken in found:
            await client.get(taken.case.path, params=taken.case.parameters or None)
            with mock.patch.object(ClientResponse, "start", counting):
                rows = 0
                (await client.get(taken.case.path, params=taken.case.parameters or None)).raise_for_status()
                taken.rows = rows


def row(taken: Taken, log: Log) -> Row:
    """A case as the table shows it."""
    cpu = taken.cpu_seconds * 1000 / len(taken.api)
    figure = f"{described(taken.api)} ms, {shown(cpu)} ms of CPU, {taken.rows:,} rows"
    target = "" if taken.case.target_ms is None else f"≤ {taken.case.target_ms}, p99 ≤ {TAIL} times"
    is_met = taken.median <= (taken.case.target_ms or 0) and tail(taken.api) <= TAIL * taken.median
    peer = "refused" if taken.is_peer_refused else f"{described(taken.peer)} ms" if taken.peer else ""
    return Row(f"{taken.case.name}, {log.lines:,} lines", figure, peer, target, is_met)


def growth(small: list[Taken], large: list[Taken]) -> Row:
    """How much longer the case takes in the larger log whose median grows most, of those with a target."""
    pairs = [(after.median / before.median, after.case) for before, after in zip(small, large, strict=True)]
    times, case = max((pair for pair in pairs if pair[1].target_ms is not None), key=lambda pair: pair[0])
    return Row(f"growth, worst: {case.name}", f"{shown(times)} times", "", f"≤ {GROWTH} times", times <= GROWTH)


def sizes(client: Client, log: Log) -> Row:
    """Bytes on disk for each line, by table, as far as it is merged."""
    statement = (
        "SELECT table, sum(bytes_on_disk), count() FROM system.parts WHERE active AND database = {database:String}"
        " GROUP BY table HAVING sum(rows) > 1000 ORDER BY 2 DESC"
    )
    found = client.query(statement, parameters={"database": DATABASE}).result_rows
    figures = [f"`{name}` {shown(size / log.lines)} in {parts} parts" for name, size, parts in found]
    return Row(f"bytes a line on disk, {log.lines:,} lines", ", ".join(figures))


def memory(log: Log, service: Service) -> Row:
    """What each process holds after the measurement."""
    processes = {"ClickHouse": service.clickhouse_process, "API": service.api_process}
    held = [f"{name} {psutil.Process(pid).memory_info().rss / 1e6:,.0f} MB" for name, pid in processes.items()]
    return Row(f"resident memory, {log.lines:,} lines", ", ".join(held))


def settle(client: Client) -> None:
    """Wait until ClickHouse merges nothing: what a merge costs is another figure."""
    end = time.monotonic() + STATEMENT_SECONDS
    while int(str(client.command("SELECT count() FROM system.merges"))) and time.monotonic() < end:
        time.sleep(1)


def measure_log(directory: Path, log: Log, requests: int, port_base: int) -> tuple[list[Taken], list[Row], str]:
    """Make *log* in *directory*, or what is missing of it, and measure: times, other rows, and the round trip."""
    with (
        LocalStack(directory, port_base=port_base, services=("clickhouse", "migrate")) as stack,
        connect(stack.environment()["CLICKHOUSE_URL"], timeout_seconds=STATEMENT_SECONDS) as client,
    ):
        os.environ.update(stack.environment())
        key = load_settings().pseudonymization_key.get_secret_value()
        started = time.monotonic()
        log = load(client, log, key, told=lambda piece: print(f"{log.lines:,} lines: {piece}", flush=True))
        settle(client)
        print(f"{log.lines:,} lines: made and merged after {time.monotonic() - started:.0f} s", flush=True)
        with api(stack) as (http, process_id):
            service = Service(http, client, process_id, stack.child("clickhouse").pid or 0)
            found, trips = measure(service, cases(log, key, cursor_of_deep_page(http)), requests)
            asyncio.run(scanned_rows(found))
            rows = [sizes(client, log), memory(log, service)]
        print(f"{log.lines:,} lines: measured after {time.monotonic() - started:.0f} s", flush=True)
        return found, rows, f"`SELECT 1` {described(trips)} ms at {log.lines:,} lines"


def main() -> None:
    """Load, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--lines", type=int, nargs="+", default=[1_000_000, 10_000_000], help="of each log, 600000 at least"
    )
    parser.add_argument("--spaces", type=int, default=500, help="client spaces (500)")
    parser.add_argument("--requests", type=int, default=200, help="of each kind (200)")
    parser.add_argument("--data", type=Path, help="keep the logs in this directory, and reuse them")
    options = parser.parse_args()
    kept = nullcontext(options.data) if options.data else tempfile.TemporaryDirectory()
    rows: list[Row] = []
    facts: list[str] = []
    before: list[Taken] = []
    with watched() as watch, kept as directory:
        for lines in options.lines:
            log = Log(lines, options.spaces, datetime.now(UTC))
            data = Path(directory) / f"{lines}-{options.spaces}"
            found, others, trip = measure_log(data, log, options.requests, free_port_base())
            rows += [row(taken, log) for taken in found] + others + ([growth(before, found)] if before else [])
            facts.append(trip)
            before = found
    print(table(rows, watch, *facts))


if __name__ == "__main__":
    main()
