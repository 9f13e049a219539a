"""What the log shows after the worst: nothing lost, nothing twice, and it goes on by itself."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

from deploy.local.stack.stack import LocalStack
from producers import KafkaPublisher, Person, UiSession
from tests.faults.workers import wait_until
from tests.log_client import LogClient

ADMIN = Person("usr_grace", "grace@example.com")
ReadLog = Callable[[str], LogClient]


async def publish(publisher: KafkaPublisher, client_space_id: str, count: int, *, start: int = 0) -> set[str]:
    """Create *count* users; the answer is the event ids that the broker has acknowledged."""
    session = UiSession(publisher, client_space_id=client_space_id, admin=ADMIN, service="user-service")
    acknowledged = await asyncio.gather(
        *(
            session.user_created(Person(f"usr_{number}", f"{number}@example.com"))
            for number in range(start, start + count)
        )
    )
    return {str(a.event_id) for a in acknowledged}


def assert_shown_once(log: LogClient, acknowledged: set[str]) -> None:
    """Every acknowledged event is a line, no line is there twice, and no line comes from nowhere."""
    lines = log.wait_for(lambda found: len(found) >= len(acknowledged))
    shown = [line["event_id"] for line in lines]
    assert acknowledged - set(shown) == set(), "lost"
    assert len(shown) == len(set(shown)), "twice"
    assert set(shown) - acknowledged == set(), "from nowhere"


async def test_an_outage_of_clickhouse_is_waited_out(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    acknowledged = await publish(publisher, client_space_id, 10)
    log = read_log(client_space_id)
    assert_shown_once(log, acknowledged)
    stack.stop_service("clickhouse")
    acknowledged |= await publish(publisher, client_space_id, 10, start=10)
    # What the last check has found is the answer for a second.
    wait_until(lambda: log.get("/readyz").status_code == 503)
    assert (log.get("/v1/activities").status_code, log.get("/healthz").status_code) == (503, 200)
    stack.start_service("clickhouse")
    wait_until(lambda: log.get("/readyz").status_code == 200)
    assert_shown_once(log, acknowledged)
    assert stack.dead() == []


async def test_clickhouse_killed_while_it_takes_inserts_keeps_what_it_acknowledged(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    acknowledged: set[str] = set()
    for batch in range(3):
        acknowledged |= await publish(publisher, client_space_id, 50, start=batch * 50)
        stack.kill("clickhouse")
        acknowledged |= await publish(publisher, client_space_id, 50, start=1000 + batch * 50)
        stack.start_service("clickhouse")
    log = read_log(client_space_id)
    wait_until(lambda: log.get("/readyz").status_code == 200)
    assert_shown_once(log, acknowledged)


async def test_an_outage_of_the_schema_registry_turns_no_good_record_into_a_dead_letter(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    acknowledged = await publish(publisher, client_space_id, 1)
    stack.stop_service("schema_registry")
    # A restarted worker knows no schema, and has nobody to ask.
    stack.restart("worker")
    acknowledged |= await publish(publisher, client_space_id, 10, start=1)
    readyz = stack.layout.endpoints()["worker"] + "/readyz"
    wait_until(lambda: "schema_registry does not answer" in httpx.get(readyz, timeout=30).text)
    log = read_log(client_space_id)
    assert len(log.lines()) <= 1
    stack.start_service("schema_registry")
    assert_shown_once(log, acknowledged)


async def test_the_whole_stack_restarted_shows_the_same_log_and_goes_on(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    acknowledged = await publish(publisher, client_space_id, 20)
    log = read_log(client_space_id)
    assert_shown_once(log, acknowledged)
    before = log.lines()
    # Not in a thread of the loop's: its end, before the session's, would be that of what it started.
    stack.stop()
    stack.start()
    wait_until(lambda: log.get("/readyz").status_code == 200)
    assert log.lines() == before
    acknowledged |= await publish(publisher, client_space_id, 5, start=20)
    assert_shown_once(log, acknowledged)


async def test_a_rebalance_between_two_workers_loses_and_doubles_nothing(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog, tmp_path: Path
) -> None:
    acknowledged: set[str] = set()
    command = [str(Path(sys.executable).with_name("faust")), "-A", "stream.app", "worker", "-l", "info"]
    environment = {**os.environ, **stack.environment(), "AUDIT_WORKER_INSTANCE": "worker-2"}

    async def load(batches: int) -> None:
        for _ in range(batches):
            acknowledged.update(await publish(publisher, client_space_id, 20, start=len(acknowledged)))
            await asyncio.sleep(0.15)

    file = tmp_path / "log"
    with file.open("wb") as log:
        second = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            while "Worker ready" not in file.read_text(encoding="utf-8"):
                assert second.poll() is None, file.read_text(encoding="utf-8")
                await load(1)
            await load(10)
            second.terminate()
            while second.poll() is None:
                await load(1)
        finally:
            second.kill()
            second.wait()
    await load(10)
    assert_shown_once(read_log(client_space_id), acknowledged)
