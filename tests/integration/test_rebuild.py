"""Whatever happens to ClickHouse, the log comes back from the two long-lived topics as it was."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.local.stack.stack import LocalStack
from producers import KafkaPublisher, Person, UiSession
from schemas.clickhouse_client import connect
from schemas.topics import ACTIVITY_LOG_TOPIC
from tests.faults.trial import delete_topic
from tests.faults.workers import wait_until
from tests.integration.worker_group import published, workers_stopped
from tests.log_client import LogClient, run_command, try_command

ADMIN = Person("usr_grace", "grace@example.com", "Grace Hopper")
INTO = "audit_rebuilt"

ReadLog = Callable[[str], LogClient]


def a_session(publisher: KafkaPublisher, client_space_id: str, admin: Person = ADMIN) -> UiSession:
    return UiSession(publisher, client_space_id=client_space_id, admin=admin, service="user-service")


async def make_history(publisher: KafkaPublisher, client_space_id: str) -> int:
    """Everything that a line can depend on: renames, an admin who is deleted, a second life, all activities."""
    admin = a_session(publisher, client_space_id)
    ada, leaver = Person("usr_ada", "ada@example.com", "Ada"), Person("usr_leaver", "leaver@example.com", "Lea Ver")
    await admin.user_created(ada)
    await admin.license_updated(ada, previous_license=None, new_license="Data Reader")
    renamed = Person("usr_ada", "ada@example.com", "Ada Lovelace")
    await admin.license_updated(renamed, previous_license="Data Reader", new_license="Data Steward")
    # It was a mistake.
    await admin.license_updated(ada, previous_license="Data Steward", new_license="Data Reader")
    await admin.user_created(leaver)
    await admin.admin_rights_updated(leaver, granted=True)
    await a_session(publisher, client_space_id, leaver).user_created(Person("usr_other", "other@example.com"))
    await admin.user_deleted(leaver)
    await admin.user_created(Person("usr_leaver", "back@example.com", "Back Again"))
    await admin.admin_rights_updated(Person("usr_leaver", "back@example.com", "Back Again"), granted=False)
    return 10


def answers(log: LogClient) -> list[bytes]:
    """The log, page, details, persons and exports, to the byte; without what the time of asking decides."""
    page = log.get("/v1/activities", limit=100).json()
    details = [log.get(f"/v1/activities/{line['event_id']}").content for line in page["data"]]
    people = [log.get(path, limit=50).content for path in ("/v1/users", "/v1/admins")]
    return [json.dumps(page["data"], sort_keys=True).encode(), *details, *people, *log.exports()]


def start_rebuild(stack: LocalStack) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("audit-stream")), "rebuild", "--into", INTO]
    environment = {**os.environ, **stack.environment()}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def rebuild(stack: LocalStack, *options: str, code: int = 0) -> str:
    """What a rebuild prints; fails the test where it ends with another code."""
    done = try_command(stack, "audit-stream", "rebuild", "--into", INTO, *options)
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    return output


def databases(stack: LocalStack) -> set[str]:
    with connect(stack.environment()["CLICKHOUSE_URL"]) as client:
        return {name for (name,) in client.query("SELECT name FROM system.databases").result_rows}


def count(stack: LocalStack, sql: str, client_space_id: str = "") -> int:
    with connect(stack.environment()["CLICKHOUSE_URL"]) as client:
        return int(client.query(sql, parameters={"space": client_space_id}).result_rows[0][0])


def drop_what_was_kept(stack: LocalStack, output: str) -> str:
    """The name of the database that an exchange has kept; it is dropped, as its message says."""
    found = re.search(r"`audit-stream rebuild drop (audit_replaced_\d{8}_\d{6})`", output)
    assert found is not None, output
    run_command(stack, "audit-stream", "rebuild", "drop", found[1])
    assert not {found[1], INTO} & databases(stack)
    return found[1]


async def test_after_clickhouse_lost_everything_a_rebuild_answers_the_same_to_the_byte(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    events = await make_history(publisher, client_space_id)
    log = read_log(client_space_id)
    log.wait_for(lambda found: len(found) == events)
    await published(stack)
    before = answers(log)
    await workers_stopped(stack)
    stack.stop_service("clickhouse")
    shutil.rmtree(stack.layout.data_dir / "clickhouse")
    stack.start_service("clickhouse")
    run_command(stack, "audit-stream", "migrate")
    assert log.wait_for(lambda found: found == []) == []
    output = rebuild(stack, "--exchange")
    assert "0 served lines are missing or changed" in output
    assert answers(log) == before
    drop_what_was_kept(stack, output)
    # And it goes on.
    stack.start_service("worker")
    await a_session(publisher, client_space_id).user_created(Person("usr_new", "new@example.com"))
    assert len(log.wait_for(lambda found: len(found) == events + 1)) == events + 1


async def test_an_exchange_is_refused_while_a_worker_may_write(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    await a_session(publisher, client_space_id).user_created(Person("usr_ada", "ada@example.com"))
    read_log(client_space_id).wait_for(lambda found: len(found) == 1)
    before = databases(stack)
    assert "stop the workers and repeat the command" in rebuild(stack, "--exchange", code=1)
    assert databases(stack) == before


async def test_a_rebuild_beside_a_working_worker_and_an_exchange_after_it_lose_and_double_nothing(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    session, log = a_session(publisher, client_space_id), read_log(client_space_id)
    sent, is_loaded, is_over = 0, asyncio.Event(), asyncio.Event()

    async def load() -> None:
        nonlocal sent
        while not is_loaded.is_set():
            users = [Person(f"usr_{sent + n}", f"{sent + n}@example.com") for n in range(5)]
            await asyncio.gather(*(session.user_created(user) for user in users))
            sent += len(users)
            await asyncio.sleep(0.2)

    loading = asyncio.create_task(load())
    watching = asyncio.create_task(watch(stack, client_space_id, is_loaded, is_over))
    try:
        assert "0 served lines are missing or changed" in await asyncio.to_thread(rebuild, stack)
        is_loaded.set()
        await loading
        await published(stack)
        await workers_stopped(stack)
        # It waits in Kafka.
        await session.user_created(Person("usr_late", "late@example.com"))
        drop_what_was_kept(stack, await asyncio.to_thread(rebuild, stack, "--exchange"))
        stack.start_service("worker")
        lines = log.wait_for(lambda found: len(found) > sent)
    finally:
        is_loaded.set()
        is_over.set()
    assert len(lines) == len({line["event_id"] for line in lines}) == sent + 1
    assert await watching == []
    # What fills the keys of events and the lines by person fills the served ones, before the exchange and after it.
    for table in ("event_keys", "person_lines"):
        sql = f"SELECT uniqExact(event_id) FROM audit.{table} WHERE client_space_id = {{space:String}}"
        assert count(stack, sql, client_space_id) == sent + 1


async def watch(
    stack: LocalStack, client_space_id: str, exchanging: asyncio.Event, ended: asyncio.Event
) -> list[tuple[int, int]]:
    """Count the lines until *ended*, more often once *exchanging*; the answer is where there were fewer than before."""
    shrunk, before = [], 0
    sql = "SELECT uniqExact(event_id) FROM audit.activity_log WHERE client_space_id = {space:String}"
    with connect(stack.environment()["CLICKHOUSE_URL"]) as client:
        while not ended.is_set():
            result = await asyncio.to_thread(client.query, sql, parameters={"space": client_space_id})
            (count,) = result.result_rows[0]
            if count < before:
                shrunk.append((before, count))
            before = count
            await asyncio.sleep(0.01 if exchanging.is_set() else 0.2)
    assert before
    return shrunk


async def test_a_rebuild_that_was_killed_goes_on_and_comes_to_the_same_end(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    events = await make_history(publisher, client_space_id)
    log = read_log(client_space_id)
    log.wait_for(lambda found: len(found) == events)
    await published(stack)
    before = answers(log)
    for table in ("rebuild_marker", "person_lifetimes", "rebuild_progress"):
        doomed = start_rebuild(stack)
        is_there = f"SELECT count() FROM system.tables WHERE database = '{INTO}' AND name = '{table}'"
        wait_until(lambda sql=is_there: count(stack, sql) == 1)  # type: ignore[misc]
        doomed.kill()
        doomed.communicate()
    assert "0 differences" in rebuild(stack)
    assert answers(log) == before
    await workers_stopped(stack)
    drop_what_was_kept(stack, rebuild(stack, "--exchange"))
    assert answers(log) == before


async def test_a_line_that_only_the_served_tables_hold_stops_the_exchange_until_its_number_is_named(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    await a_session(publisher, client_space_id).user_created(Person("usr_ada", "ada@example.com"))
    log = read_log(client_space_id)
    log.wait_for(lambda found: len(found) == 1)
    await published(stack)
    await workers_stopped(stack)
    count_before = len(databases(stack))
    with connect(stack.environment()["CLICKHOUSE_URL"]) as client:
        # At a place that was committed: the next worker stores no line of it again.
        client.command(
            "INSERT INTO audit.activity_log SELECT * REPLACE (generateUUIDv4() AS event_id)"
            " FROM audit.activity_log WHERE client_space_id = {space:String}",
            parameters={"space": client_space_id},
        )
    for options in ((), ("--accept-differences", "2")):
        output = rebuild(stack, "--exchange", *options, code=1)
        assert "1 served lines are missing or changed" in output
        assert client_space_id in output
        assert "not exchanged" in output
        assert len(log.lines()) == 2
    output = rebuild(stack, "--exchange", "--accept-differences", "1")
    assert len(log.lines()) == 1
    assert len(databases(stack)) == count_before + 1
    drop_what_was_kept(stack, output)


async def test_a_history_that_was_made_anew_takes_no_served_line_away(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    events = await make_history(publisher, client_space_id)
    log = read_log(client_space_id)
    log.wait_for(lambda found: len(found) == events)
    await published(stack)
    rebuild(stack)
    await workers_stopped(stack)
    await delete_topic(stack.environment()["KAFKA_BOOTSTRAP_SERVERS"], ACTIVITY_LOG_TOPIC)
    run_command(stack, "audit-stream", "topics", "--replication-factor", "1")
    before = answers(log)
    everything = count(stack, "SELECT count() FROM audit.activity_log FINAL")

    assert "it was made anew" in rebuild(stack, "--exchange", code=1)
    run_command(stack, "audit-stream", "rebuild", "drop", INTO)
    for options in ((), ("--exchange",)):
        assert f"{everything} served lines are missing or changed" in rebuild(stack, *options, code=1)
    assert answers(log) == before

    # Something new in the topic hides nothing either.
    stack.start_service("worker")
    await a_session(publisher, client_space_id).user_created(Person("usr_new", "new@example.com"))
    log.wait_for(lambda found: len(found) == events + 1)
    await published(stack)
    await workers_stopped(stack)
    assert f"{everything} served lines are missing or changed" in rebuild(stack, "--exchange", code=1)
    assert len(log.lines()) == events + 1

    # Who says so all the same still has what was served.
    output = rebuild(stack, "--exchange", "--accept-differences", str(everything))
    assert len(log.lines()) == 1
    found = re.search(r"database (audit_replaced_\w+) keeps", output)
    assert found is not None
    assert count(stack, f"SELECT count() FROM {found[1]}.activity_log FINAL") == everything + 1
    drop_what_was_kept(stack, output)
