"""Whatever happens to ClickHouse, the log comes back from the two long-lived topics as it was."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from deploy.local.stack.stack import LocalStack
from producers import KafkaPublisher, Person, UiSession
from schemas.clickhouse_client import connect
from schemas.kafka_address import KafkaAddress
from stream.rebuild.handover import workers_are_past
from stream.settings import WorkerSettings
from tests.log_client import LogClient, run_command

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


def rebuild_in_background(stack: LocalStack, *options: str) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("audit-stream")), "rebuild", "--into", INTO, *options]
    environment = {**os.environ, **stack.environment()}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def published(stack: LocalStack) -> None:
    """Return once the worker has committed, and so published, whatever it may show by now."""
    group = WorkerSettings.model_fields["consumer_group"].default
    await workers_are_past(KafkaAddress(stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]), group)


def databases(stack: LocalStack) -> set[str]:
    with connect(stack.environment()["CLICKHOUSE_URL"]) as client:
        return {name for (name,) in client.query("SELECT name FROM system.databases").result_rows}


async def test_after_clickhouse_lost_everything_a_rebuild_answers_the_same_to_the_byte(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    count = await make_history(publisher, client_space_id)
    log = read_log(client_space_id)
    log.wait_for(lambda found: len(found) == count)
    await published(stack)
    before = answers(log)
    stack.stop_service("clickhouse")
    shutil.rmtree(stack.layout.data_dir / "clickhouse")
    stack.start_service("clickhouse")
    run_command(stack, "audit-stream", "migrate")
    assert log.wait_for(lambda found: found == []) == []
    output = run_command(stack, "audit-stream", "rebuild", "--into", INTO, "--exchange")
    assert "0 of them in rows that are served now" in output
    assert answers(log) == before
    assert INTO not in databases(stack)
    # And it goes on.
    await a_session(publisher, client_space_id).user_created(Person("usr_new", "new@example.com"))
    assert len(log.wait_for(lambda found: len(found) == count + 1)) == count + 1


async def test_a_rebuild_beside_a_working_worker_loses_and_doubles_nothing(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    session, log = a_session(publisher, client_space_id), read_log(client_space_id)
    published = 0
    ended = asyncio.Event()

    async def load() -> None:
        nonlocal published
        while not ended.is_set():
            users = [Person(f"usr_{published + n}", f"{published + n}@example.com") for n in range(5)]
            await asyncio.gather(*(session.user_created(user) for user in users))
            published += len(users)
            await asyncio.sleep(0.2)

    loading, watching = asyncio.create_task(load()), asyncio.create_task(watch(stack, client_space_id, ended))
    try:
        await asyncio.sleep(1)
        command = rebuild_in_background(stack, "--exchange")
        output, errors = await asyncio.to_thread(command.communicate)
        assert command.returncode == 0, output + errors
        assert "serves the rebuilt tables" in output
        await asyncio.sleep(1)
    finally:
        ended.set()
        await loading
    lines = log.wait_for(lambda found: len(found) >= published)
    assert len(lines) == len({line["event_id"] for line in lines}) == published
    assert await watching == []
    # What fills the keys of events fills the served ones, before the exchange and after it.
    with connect(stack.environment()["CLICKHOUSE_URL"]) as client:
        keys = client.query(
            "SELECT uniqExact(event_id) FROM audit.event_keys WHERE client_space_id = {space:String}",
            parameters={"space": client_space_id},
        ).result_rows
        persons = client.query(
            "SELECT uniqExact(event_id) FROM audit.person_lines WHERE client_space_id = {space:String}",
            parameters={"space": client_space_id},
        ).result_rows
        views = client.query(
            "SELECT name FROM system.tables WHERE engine = 'MaterializedView' ORDER BY name"
        ).result_rows
    assert keys == persons == [(published,)]
    # None is left of those that wrote to both databases.
    assert views == [("event_keys_of_lines",), ("person_lines_of_lines",)]


async def watch(stack: LocalStack, client_space_id: str, ended: asyncio.Event) -> list[tuple[int, int]]:
    """Count the lines again and again until *ended*; the answer is where there were fewer than before."""
    shrunk, before = [], 0
    sql = "SELECT uniqExact(event_id) FROM audit.activity_log WHERE client_space_id = {space:String}"
    with connect(stack.environment()["CLICKHOUSE_URL"]) as client:
        while not ended.is_set():
            result = await asyncio.to_thread(client.query, sql, parameters={"space": client_space_id})
            (count,) = result.result_rows[0]
            if count < before:
                shrunk.append((before, count))
            before = count
            await asyncio.sleep(0.01)
    assert before
    return shrunk


async def test_a_rebuild_that_was_killed_goes_on_and_comes_to_the_same_end(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    count = await make_history(publisher, client_space_id)
    log = read_log(client_space_id)
    log.wait_for(lambda found: len(found) == count)
    await published(stack)
    before = answers(log)
    for seconds in (1.2, 1.8):
        doomed = rebuild_in_background(stack)
        await asyncio.sleep(seconds)
        doomed.kill()
        doomed.communicate()
    output = run_command(stack, "audit-stream", "rebuild", "--into", INTO)
    assert "0 differences" in output
    assert answers(log) == before
    assert INTO in databases(stack)
    run_command(stack, "audit-stream", "rebuild", "--into", INTO, "--exchange")
    assert answers(log) == before
    assert INTO not in databases(stack)


async def test_a_line_that_only_the_served_tables_hold_stops_the_exchange(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    await a_session(publisher, client_space_id).user_created(Person("usr_ada", "ada@example.com"))
    log = read_log(client_space_id)
    log.wait_for(lambda found: len(found) == 1)
    await published(stack)
    with connect(stack.environment()["CLICKHOUSE_URL"]) as client:
        client.command(
            "INSERT INTO audit.activity_log SELECT * REPLACE (generateUUIDv4() AS event_id) FROM audit.activity_log"
            " WHERE client_space_id = {space:String}",
            parameters={"space": client_space_id},
        )
    command = rebuild_in_background(stack, "--exchange")
    output, _ = await asyncio.to_thread(command.communicate)
    assert command.returncode == 1
    assert client_space_id in output
    assert len(log.lines()) == 2
    output = run_command(stack, "audit-stream", "rebuild", "--into", INTO, "--exchange", "--accept-differences")
    assert "serves the rebuilt tables" in output
    assert len(log.lines()) == 1


async def test_lines_from_before_the_topics_are_published_once_and_rebuilt(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    await a_session(publisher, client_space_id).user_created(Person("usr_ada", "ada@example.com", "Ada"))
    log = read_log(client_space_id)
    log.wait_for(lambda found: len(found) == 1)
    await published(stack)
    space, old = {"space": client_space_id}, "generateUUIDv4() AS event_id, toUUID({ref:String}) AS affected_user_ref"
    with connect(stack.environment()["CLICKHOUSE_URL"]) as client:
        ref = str(uuid4())
        for table, changed in (
            ("activity_log", f"{old}, occurred_at - INTERVAL 1 DAY AS occurred_at"),
            ("person_lifetimes", "toUUID({ref:String}) AS person_ref"),
            ("person_names", "toUUID({ref:String}) AS person_ref, 'usr_old' AS person_id, 'Old Hand' AS display_name"),
        ):
            client.command(
                f"INSERT INTO audit.{table} SELECT * REPLACE ({changed}) FROM audit.{table}"
                " WHERE client_space_id = {space:String} LIMIT 1",
                parameters={**space, "ref": ref},
            )
    before = log.lines()
    assert [line["affected_user"]["display_name"] for line in before] == ["Ada", "Old Hand"]
    output = run_command(stack, "audit-stream", "rebuild", "--into", INTO, "--backfill")
    assert "1 lines published" in output
    assert "0 of them in rows that are served now" in output
    output = run_command(stack, "audit-stream", "rebuild", "--into", INTO, "--backfill", "--exchange")
    assert "0 lines published" in output
    assert "serves the rebuilt tables" in output
    assert log.lines() == before


async def test_a_rebuild_waits_for_no_worker_where_there_is_none(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    session, log = a_session(publisher, client_space_id), read_log(client_space_id)
    await session.user_created(Person("usr_ada", "ada@example.com"))
    before = log.wait_for(lambda found: len(found) == 1)
    # A line is shown before it is published, and a rebuild refuses to drop one that is not.
    await published(stack)
    stack.stop_service("worker")
    await session.user_created(Person("usr_bob", "bob@example.com"))
    assert "serves the rebuilt tables" in run_command(stack, "audit-stream", "rebuild", "--into", INTO, "--exchange")
    assert log.lines() == before
    stack.start_service("worker")
    log.wait_for(lambda found: len(found) == 2)
