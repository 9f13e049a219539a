"""How fast the query API answers: `python -m tests.benchmarks.read`, on a stack of its own.

Loads logs of `--lines` lines, asks the API over HTTP for pages, filters and counts of the largest client space (a tenth
of all lines), and asks the peers for the same in the same run. Prints Markdown. Bounded: `--requests` of each kind.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client

from deploy.local.layout import HOST
from deploy.local.stack.stack import LocalStack
from query_api.access.auth import READ_SCOPE, development_token
from query_api.app import create_app
from query_api.settings import load_settings
from schemas.clickhouse_client import connect
from tests.benchmarks.machine import machine
from tests.benchmarks.read_data import LARGEST, Log, load, user_ref
from tests.benchmarks.read_peers import SqliteLog, naive, naive_stats

LIST, STATS = "/v1/activities", "/v1/activities/stats"
DEEP_PAGE = 1_000
PATIENCE_SECONDS = 60
LOADING_SECONDS = 900
PEER_REQUESTS_SHARE = 5
"""The peers are asked one time in so many: at ten million lines they take seconds for a page."""

Ask = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Case:
    """A request of the API, and what the peers are asked instead (nothing where *conditions* is `None`)."""

    name: str
    path: str
    parameters: Mapping[str, Any]
    conditions: Mapping[str, str] | None = None
    offset: int = 0


def cases(log: Log, key: bytes, cursor: str) -> list[Case]:
    """What is measured. *cursor* leads to page `DEEP_PAGE`."""
    many, few = 0, log.largest_users // 2
    return [
        Case("first page", LIST, {}, {}),
        Case(f"page {DEEP_PAGE} by cursor", LIST, {"cursor": cursor}, {}, 50 * (DEEP_PAGE - 1)),
        Case(
            "activity type, 5 %",
            LIST,
            {"activity_type": "admin_rights_update"},
            {"activity_type": "admin_rights_update"},
        ),
        Case("channel, 10 %", LIST, {"channel": "file_import"}, {"channel": "file_import"}),
        Case("affected user, most lines", LIST, {"affected_user": f"usr_{many}"}, _user(key, many)),
        Case("affected user, few lines", LIST, {"affected_user": f"usr_{few}"}, _user(key, few)),
        Case("admin", LIST, {"admin": "usr_0"}, {"admin_ref": str(user_ref(key, 0))}),
        Case("everybody deleted", LIST, {"affected_user": "ref:deleted"}),
        Case("one day", LIST, {"from": "2026-06-01T00:00:00Z", "to": "2026-06-02T00:00:00Z"}),
        Case("counts of a year by day", STATS, {"tz": "Europe/Paris"}),
        Case("users", "/v1/users", {}),
        Case("users, searched", "/v1/users", {"q": "77"}),
    ]


def _user(key: bytes, number: int) -> dict[str, str]:
    return {"affected_user_ref": str(user_ref(key, number))}


def measure(ask: Ask, requests: int) -> list[float]:
    """Milliseconds of each of *requests*, in order of length; the first two pay for caches and are left out."""
    taken = []
    for _ in range(requests + 2):
        started = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - started) * 1000)
    return sorted(taken[2:])


def described(taken: list[float]) -> str:
    """Median and tail."""
    return f"{statistics.median(taken):.1f} / {taken[min(len(taken) - 1, round(0.99 * len(taken)))]:.1f}"


@contextmanager
def api(stack: LocalStack, log: Log) -> Iterator[httpx.Client]:
    """The query API over *log*, and a client with a token of the largest client space."""
    environment = {**os.environ, **stack.environment(), "AUDIT_CLICKHOUSE_DATABASE": log.database}
    port = stack.layout.ports.query_api
    command = [str(Path(sys.executable).parent / "audit-query"), "serve", "--host", HOST, "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://{HOST}:{port}", headers=_headers(), timeout=PATIENCE_SECONDS) as client:
            _await_ready(client)
            yield client
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


async def scanned_rows(log: Log, asked: list[Case]) -> dict[str, int]:
    """How many rows ClickHouse reads to answer each case, all its queries together, by ClickHouse's own count.

    Measured on an application in this process, whose driver is listened to; each case is asked twice, as the first
    request of a kind does not know yet how far back a page reaches.
    """
    rows = 0
    query = AsyncClient.query

    async def counting(self: AsyncClient, *args: Any, **options: Any) -> Any:
        nonlocal rows
        result = await query(self, *args, **options)
        rows += int(result.summary["read_rows"])
        return result

    os.environ["AUDIT_CLICKHOUSE_DATABASE"] = log.database
    app = create_app(load_settings())
    found = {}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{HOST}", headers=_headers()) as client,
    ):
        for case in asked:
            await client.get(case.path, params=case.parameters or None)
            with mock.patch.object(AsyncClient, "query", counting):
                rows = 0
                (await client.get(case.path, params=case.parameters or None)).raise_for_status()
                found[case.name] = rows
    return found


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


def _get(client: httpx.Client, case: Case) -> Any:
    answer = client.get(case.path, params=case.parameters or None)
    answer.raise_for_status()
    return answer.json()


def _cursor_of_deep_page(client: httpx.Client) -> str:
    place: dict[str, Any] = {}
    for limit in [500] * ((DEEP_PAGE - 1) * 50 // 500) + [(DEEP_PAGE - 1) * 50 % 500]:
        cursor = _get(client, Case("", LIST, {"limit": limit, **place}))["page"]["next_cursor"]
        place = {"cursor": cursor}
    return str(place["cursor"])


def report(stack: LocalStack, client: Client, log: Log, key: bytes, requests: int, sqlite: SqliteLog | None) -> None:
    """Measure everything on *log*, and print a table."""
    print(f"\n{machine()}")
    print(f"\n{log.lines:,} lines, {log.lines // 10:,} in the client space that is asked for; median / p99, ms\n")
    print("| | API over HTTP | rows scanned | ClickHouse, FINAL and OFFSET | SQLite, in process |")
    print("|---|---:|---:|---:|---:|")
    peer_requests = max(1, requests // PEER_REQUESTS_SHARE)
    with api(stack, log) as over_http:
        asked = cases(log, key, _cursor_of_deep_page(over_http))
        scanned = asyncio.run(scanned_rows(log, asked))
        for case in asked:
            cells = [described(measure(lambda case=case: _get(over_http, case), requests)), f"{scanned[case.name]:,}"]  # type: ignore[misc]
            peers = _peers(case, client, log, sqlite)
            cells += [described(measure(ask, peer_requests)) if ask else "" for ask in peers]
            print(f"| {case.name} | {' | '.join(cells)} |", flush=True)


def _peers(case: Case, client: Client, log: Log, sqlite: SqliteLog | None) -> list[Ask | None]:
    if case.path == STATS:
        return [lambda: naive_stats(client, log), None if sqlite is None else sqlite.stats]
    conditions = case.conditions
    if conditions is None:
        return [None, None]
    return [
        lambda: naive(client, log, conditions, case.offset),
        None if sqlite is None else lambda: sqlite.page(conditions, case.offset),
    ]


def main() -> None:
    """Load, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--sqlite-lines", type=int, default=1_000_000, help="the largest log that SQLite is given")
    parser.add_argument("--port-base", type=int, default=45_100)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as directory,
        LocalStack(Path(directory) / "stack", port_base=options.port_base, services=("clickhouse", "migrate")) as stack,
        connect(stack.environment()["CLICKHOUSE_URL"], timeout_seconds=LOADING_SECONDS) as client,
    ):
        os.environ.update(stack.environment())
        key = load_settings().pseudonymization_key.get_secret_value()
        for lines in options.lines:
            log = Log(f"read_{lines}", lines, datetime.now(UTC))
            load(client, log, key)
            sqlite = None
            if lines <= options.sqlite_lines:
                sqlite = SqliteLog(Path(directory) / f"{lines}.sqlite", client, log)
            report(stack, client, log, key, options.requests, sqlite)


if __name__ == "__main__":
    main()
