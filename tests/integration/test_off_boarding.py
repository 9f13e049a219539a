"""A client space leaves: the command, killed and repeated, on the real stack."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx

from deploy.local.stack.stack import LocalStack
from producers import KafkaPublisher, Person
from schemas.clickhouse_client import connect
from schemas.topics import TOPICS
from tests.faults.workers import wait_until
from tests.integration.test_erasure import a_session, begin_again
from tests.integration.test_worker_operations import page
from tests.integration.worker_group import published
from tests.log_client import LogClient, run_command

ReadLog = Callable[[str], LogClient]


def off_board(stack: LocalStack, client_space_id: str, *options: str, shortened: int = 90) -> "subprocess.Popen[str]":
    """The command, under way. It waits for two seconds, or longer: no worker is about to write anything."""
    shorter = f"from stream.erasure import off_boarding as o; o.SETTLING /= {shortened}"
    program = [sys.executable, "-c", f"{shorter}; from stream.commands.cli import main; main()", "off-board"]
    return subprocess.Popen(
        [*program, "--client-space", client_space_id, "--json", *options],
        env=stack.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, dict[str, Any], str]:
    """How it ended, what it found, and what it said."""
    said, told = process.communicate(timeout=120)
    return process.returncode, json.loads(said) if said else {}, told


def off_boarded_records(stack: LocalStack) -> float:
    text = httpx.get(stack.layout.endpoints()["worker"] + "/metrics", timeout=60).text
    line = next(x for x in text.splitlines() if x.startswith('audit_worker_records_total{outcome="off_boarded"}'))
    return float(line.split()[-1])


async def test_a_client_space_that_left_is_gone_for_good_although_the_command_was_killed_and_all_is_read_again(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    stays = f"{client_space_id}-stays"
    for space in (client_space_id, stays):
        for number in range(3):
            await a_session(publisher, space).user_created(Person(f"usr_{number}", f"user{number}@example.com"))
    log, other = read_log(client_space_id), read_log(stays)
    log.wait_for(lambda found: len(found) == 3)
    other.wait_for(lambda found: len(found) == 3)
    await published(stack)

    code, found, told = ended(off_board(stack, client_space_id))
    assert (code, found["before"]["lines"], found["after"]) == (0, 3, None), told
    assert "--confirm 3" in told
    code, _, told = ended(off_board(stack, client_space_id, "--confirm", "2"))
    assert (code, len(log.lines())) == (1, 3), told

    # It waits behind the mark for longer than the signal may take.
    killed = off_board(stack, client_space_id, "--confirm", "3", shortened=1)
    assert killed.stderr is not None
    assert "marked" in killed.stderr.readline()
    killed.send_signal(signal.SIGKILL)
    assert ended(killed)[0] == -signal.SIGKILL
    code, found, told = ended(off_board(stack, client_space_id, "--confirm", "3"))
    assert (code, found["after"]["places"]) == (0, {}), told
    assert {remains["topic"] for remains in found["remains"] if remains["gone_by"]} == {topic.name for topic in TOPICS}
    assert (log.lines(), len(other.lines())) == ([], 3)

    # The worker reads everything again, and a service that was forgotten still publishes.
    stack.stop_service("worker")
    await begin_again(stack)
    await a_session(publisher, client_space_id).user_created(Person("usr_late", "late@example.com"))
    stack.start_service("worker")
    wait_until(lambda: page(stack, "/readyz")[0] == 200 and off_boarded_records(stack) >= 4)
    run_command(stack, "audit-stream", "rebuild", "--into", "rebuilt_without")
    with connect(stack.environment()["CLICKHOUSE_URL"]) as client:
        rebuilt = client.query(
            "SELECT client_space_id, count() FROM rebuilt_without.activity_log FINAL"
            " WHERE client_space_id IN {spaces:Array(String)} GROUP BY 1",
            parameters={"spaces": [client_space_id, stays]},
        ).result_rows
    run_command(stack, "audit-stream", "rebuild", "drop", "rebuilt_without")
    assert rebuilt == [(stays, 3)]
    code, found, told = ended(off_board(stack, client_space_id, "--confirm", "0"))
    # The empty log was read meanwhile, and such reads are recorded.
    assert (code, set(found["before"]["places"])) == (0, {"clickhouse:audit.access_log"}), told
    assert (found["after"]["places"], log.lines()) == ({}, [])
