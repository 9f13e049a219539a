"""The pages, over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from stream.errors import Unavailable
from stream.health.observer import Observer
from stream.health.pages import pages, serve
from stream.health.watchdog import Limits, Ok, Stuck, Verdict, verdict
from tests.builders import FakeRecord, a_chunk

Get = Callable[[str], Awaitable[tuple[int, dict[str, Any]]]]


class Worker:
    """An observed worker, and the verdict on it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.observer = Observer(clock=lambda: self.now)
        self.verdict: Verdict | None = None

    def turns(self) -> None:
        self.observer.progress.looped()
        self.observer.progress.probed()

    def look(self) -> Verdict:
        return self.verdict or verdict(self.observer.progress, Limits())


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
async def get(worker: Worker) -> AsyncIterator[Get]:
    async with TestClient(TestServer(pages(worker.observer, worker.look))) as client:

        async def got(path: str) -> tuple[int, dict[str, Any]]:
            async with client.get(path) as response:
                return response.status, await response.json()

        yield got


async def test_a_worker_that_gets_on_is_green_on_both_pages(worker: Worker, get: Get) -> None:
    worker.verdict = Ok()
    assert [(await get(path))[0] for path in ("/healthz", "/readyz")] == [200, 200]


async def test_an_outage_is_red_where_progress_is_asked_and_not_where_a_restart_would_follow(
    worker: Worker, get: Get
) -> None:
    with pytest.raises(Unavailable), worker.observer.attempting("insert"):
        raise Unavailable("down")
    worker.now += 30
    worker.turns()
    assert (await get("/healthz"))[0] == 200
    status, answer = await get("/readyz")
    assert (status, answer["status"], answer["outages"]) == (503, "waiting", [{"what": "insert", "seconds": 30}])


async def test_a_worker_that_holds_nothing_of_a_topic_with_records_is_red_where_progress_is_asked(
    worker: Worker, get: Get
) -> None:
    worker.observer.progress.stands_at(lag=4, assigned_partitions=0)
    assert (await get("/healthz"))[0] == 200
    status, answer = await get("/readyz")
    assert (status, answer["status"]) == (503, "unassigned")


async def test_a_stuck_worker_is_red_on_both_and_tells_what_was_seen(worker: Worker, get: Get) -> None:
    worker.verdict = Stuck("9 records to do, and no step was done for 130 s")
    for path in ("/healthz", "/readyz"):
        status, answer = await get(path)
        assert (status, answer["seen"]) == (503, "9 records to do, and no step was done for 130 s")


async def test_the_pages_tell_progress_in_figures(worker: Worker, get: Get) -> None:
    worker.observer.progress.stands_at(lag=42, assigned_partitions=2)
    worker.observer.received(a_chunk(FakeRecord(0, b"")))
    worker.now += 7
    _, answer = await get("/readyz")
    assert (answer["lag_records"], answer["assigned_partitions"], answer["last_commit_seconds"]) == (42, 2, 7)


async def test_the_metrics_are_served_as_prometheus_reads_them(worker: Worker) -> None:
    async with (
        TestClient(TestServer(pages(worker.observer, worker.look))) as client,
        client.get("/metrics") as response,
    ):
        assert response.content_type == "text/plain"
        assert "audit_worker_records_total" in await response.text()


async def test_a_taken_port_is_an_error_and_not_a_worker_without_pages(worker: Worker) -> None:
    first = await serve(pages(worker.observer, worker.look), "127.0.0.1", 0)
    port = first.addresses[0][1]
    with pytest.raises(OSError, match="in use"):
        await serve(pages(worker.observer, worker.look), "127.0.0.1", port)
    await first.cleanup()
