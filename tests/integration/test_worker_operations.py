"""The worker as its operators see it: pages that follow outages, an end in time, and an end when it is stuck."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from deploy.local.stack.stack import LocalStack
from producers import KafkaPublisher
from stream.health.watchdog import EXIT_HELD_UP, EXIT_STUCK
from tests.faults.workers import wait_until
from tests.integration.test_faults import assert_shown_once, publish
from tests.integration.worker_group import published
from tests.log_client import LogClient

ReadLog = Callable[[str], LogClient]
SCRIPT = Path(__file__).with_name("worker_that_hangs.py")


def page(stack: LocalStack, path: str) -> tuple[int, dict[str, Any]]:
    response = httpx.get(stack.layout.endpoints()["worker"] + path, timeout=60)
    return response.status_code, response.json()


async def test_health_is_red_while_clickhouse_is_down_and_green_by_itself_afterwards(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    wait_until(lambda: page(stack, "/readyz")[0] == 200)
    stack.stop_service("clickhouse")
    acknowledged = await publish(publisher, client_space_id, 5)

    def waits_for_clickhouse() -> bool:
        # Probes and pipeline see it one after the other.
        status, answer = page(stack, "/readyz")
        is_told = "clickhouse does not answer" in {outage["what"] for outage in answer["outages"]}
        is_behind = answer["lag_records"] >= 5 and answer["oldest_unfinished_seconds"] > 0
        return (status, answer["status"]) == (503, "waiting") and is_told and is_behind

    wait_until(waits_for_clickhouse)
    assert page(stack, "/healthz")[0] == 200
    stack.start_service("clickhouse")
    wait_until(lambda: page(stack, "/readyz")[0] == 200)
    assert_shown_once(read_log(client_space_id), acknowledged)
    wait_until(lambda: page(stack, "/readyz")[1]["lag_records"] == 0)


async def test_the_metrics_tell_what_became_of_each_record(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    def stored() -> float:
        text = httpx.get(stack.layout.endpoints()["worker"] + "/metrics", timeout=60).text
        line = next(x for x in text.splitlines() if x.startswith('audit_worker_records_total{outcome="stored"}'))
        return float(line.split()[-1])

    await published(stack)
    before = stored()
    acknowledged = await publish(publisher, client_space_id, 7)
    assert_shown_once(read_log(client_space_id), acknowledged)
    wait_until(lambda: stored() == before + 7)


async def test_a_worker_that_hangs_while_all_it_needs_answers_ends_itself_and_loses_nothing(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog, tmp_path: Path
) -> None:
    await published(stack)
    stack.stop_service("worker")
    acknowledged = await publish(publisher, client_space_id, 20)
    environment = {**os.environ, **stack.environment(), "AUDIT_WATCHDOG_SECONDS": "10"}
    with (tmp_path / "log").open("wb") as log:
        hanging = subprocess.Popen([sys.executable, str(SCRIPT)], env=environment, stdout=log, stderr=log)
        try:
            assert hanging.wait(90) == EXIT_STUCK, (tmp_path / "log").read_text()
        finally:
            hanging.kill()
            hanging.wait()
    assert "20 records to do, and no step was done for" in (tmp_path / "log").read_text()
    stack.start_service("worker")
    assert_shown_once(read_log(client_space_id), acknowledged)


async def test_sigterm_ends_a_worker_while_clickhouse_hangs_and_commits_nothing_early(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    clickhouse, worker = stack.child("clickhouse"), stack.child("worker")
    assert clickhouse.pid is not None
    assert worker.pid is not None
    os.kill(clickhouse.pid, signal.SIGSTOP)
    try:
        acknowledged = await publish(publisher, client_space_id, 20)
        wait_until(lambda: page(stack, "/readyz")[1]["oldest_unfinished_seconds"] > 0)
        os.kill(worker.pid, signal.SIGTERM)
        wait_until(lambda: worker.exit_code() is not None)
    finally:
        os.kill(clickhouse.pid, signal.SIGCONT)
    assert worker.exit_code() in {0, EXIT_HELD_UP}
    stack.start_service("worker")
    assert_shown_once(read_log(client_space_id), acknowledged)
