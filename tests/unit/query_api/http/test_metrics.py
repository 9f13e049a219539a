"""The metrics are the documented ones, and tell what happened."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from query_api.app import create_app
from query_api.clickhouse.connection import POOL_SIZE
from query_api.http.metrics import OTHER_ROUTE, STATUSES, Metrics
from query_api.log.access_log import MAX_WAITING, Access
from tests.fakes.reader import InMemoryLogReader
from tests.free_ports import free_port
from tests.unit.query_api.api import settings_for, token

README = Path("query_api/README.md")
ROUTE = "/v1/activities"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics([ROUTE])


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """Every sample, by name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def moved(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every counter and gauge that is not 0."""
    found = samples(generate_latest(metrics.registry))
    return {name: value for name, value in found.items() if value and not name[0].startswith("audit_query_request_")}


def test_the_readme_documents_every_metric_and_no_other(repository: Path, metrics: Metrics) -> None:
    text = (repository / README).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(audit_query_\w+)` \| (\w+) \| ([^|]*) \| ([^|]+) \|$", text, re.MULTILINE)
    documented = [(name, kind, meaning) for name, kind, _, meaning in rows]
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    assert documented == [
        (family.name + ("_total" if family.type == "counter" else ""), family.type, family.documentation)
        for family in families
    ]
    assert f"one of the {POOL_SIZE} connections" in text
    assert f"at {MAX_WAITING:,} the API refuses" in text


@pytest.mark.parametrize(
    ("route", "status", "counted"),
    [
        (ROUTE, 200, (ROUTE, "2xx")),
        (ROUTE, 304, (ROUTE, "3xx")),
        (ROUTE, 404, (ROUTE, "4xx")),
        (ROUTE, 429, (ROUTE, "429")),
        (ROUTE, 503, (ROUTE, "5xx")),
        (None, 404, (OTHER_ROUTE, "4xx")),
        ("/v1/users/ada@example.com", 404, (OTHER_ROUTE, "4xx")),
    ],
)
def test_a_request_counts_once_under_its_route_and_status(
    metrics: Metrics, route: str | None, status: int, counted: tuple[str, str]
) -> None:
    metrics.answered(route, status, 0.2)
    assert moved(metrics) == {("audit_query_requests_total", *counted): 1}


def test_every_series_exists_before_its_first_increase(metrics: Metrics) -> None:
    found = samples(generate_latest(metrics.registry))
    assert {name[1:] for name in found if name[0] == "audit_query_requests_total"} == {
        (route, status) for route in (ROUTE, OTHER_ROUTE) for status in STATUSES
    }


def read(port: int) -> dict[tuple[str, ...], float]:
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return samples(answer.read())


class HeldAccessLog:
    """`AccessLog` that stores nothing before it is released."""

    def __init__(self) -> None:
        self.released = asyncio.Event()

    async def record(self, accesses: Sequence[Access]) -> None:  # noqa: ARG002 - nobody reads them
        await self.released.wait()


async def test_a_running_api_counts_its_requests_and_the_views_that_wait() -> None:
    port, access_log = free_port(), HeldAccessLog()
    app = create_app(settings_for(AUDIT_QUERY_METRICS_PORT=port), InMemoryLogReader(), access_log=access_log)
    headers = {"Authorization": f"Bearer {token()}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://audit.example.com") as client,
    ):
        for path in (ROUTE, "/v1/nothing/ada@example.com"):
            await client.get(path, headers=headers)
        found = await asyncio.to_thread(read, port)
        access_log.released.set()
    assert found["audit_query_requests_total", ROUTE, "2xx"] == 1
    assert found["audit_query_requests_total", OTHER_ROUTE, "4xx"] == 1
    assert found["audit_query_request_seconds_count", ROUTE] == 1
    assert found["audit_query_views_waiting",] == 1
    assert not any("ada" in text for name in found for text in name)
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(read, port)
