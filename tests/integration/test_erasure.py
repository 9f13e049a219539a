"""A deleted person is gone: from every answer at once, from every disk within the bound, and from what is restored."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import CommitFailedError, UnknownMemberIdError

from deploy.local.stack.stack import LocalStack
from producers import KafkaPublisher, Person, UiSession
from schemas.clickhouse_client import connect
from schemas.kafka_address import KafkaAddress
from schemas.person_ref import person_ref
from schemas.rows import PersonLifetimeRow, PersonNameRow
from schemas.topics import EVENTS_TOPIC, PERSON_NAMES_TOPIC, TOPICS
from stream.clients.topic_reader import open_reader
from stream.pipeline.rows.history_codec import NameKey, decode_name, read_person_key
from stream.settings import WorkerSettings
from tests.integration.worker_group import end_memberships, published
from tests.log_client import Line, LogClient, run_command, try_command

ADMIN = Person("usr_grace", "grace@example.com", "Grace Hopper")
PUBLISHED_WITHIN_SECONDS = 60
GONE_WITHIN_SECONDS = 300
"""A bound on a wait, no measure: the durations are made short here, and each look costs what the machine takes."""

ReadLog = Callable[[str], LogClient]


def a_session(publisher: KafkaPublisher, client_space_id: str, admin: Person = ADMIN) -> UiSession:
    return UiSession(publisher, client_space_id=client_space_id, admin=admin, service="user-service")


def a_leaver(client_space_id: str) -> Person:
    """Somebody whose id and names are in no other test's files."""
    mark = client_space_id.removeprefix("space-")
    return Person(f"usr_leaver_{mark}", f"leaver.{mark}@example.com", f"Lea Ver {mark}")


async def make_history(publisher: KafkaPublisher, client_space_id: str, leaver: Person) -> None:
    """*leaver* is created, becomes an admin and acts as one."""
    admin = a_session(publisher, client_space_id)
    await admin.user_created(leaver)
    await admin.admin_rights_updated(leaver, granted=True)
    await a_session(publisher, client_space_id, leaver).user_created(Person("usr_other", "other@example.com"))


def mentions(line: Line, leaver: Person) -> bool:
    return any(str(text) in json.dumps(line) for text in (leaver.id, leaver.username, leaver.display_name))


def verify(stack: LocalStack, client_space_id: str, leaver: Person, *directories: Path) -> dict[str, Any]:
    """What `audit-stream erasure verify --json` reports, whether or not it found something."""
    names = stack.layout.data_dir.parent / f"names-{client_space_id}.txt"
    names.write_text(f"{leaver.username}\n{leaver.display_name}\n", encoding="utf-8")
    options = ["--client-space", client_space_id, "--person-file", "-", "--names-file", str(names), "--json"]
    options += [option for directory in directories for option in ("--directory", str(directory))]
    done = try_command(stack, "audit-stream", "erasure", "verify", *options, said=leaver.id)
    names.unlink()
    assert done.returncode in (0, 1), done.stderr
    for text in (leaver.id, str(leaver.username), str(leaver.display_name)):
        assert text not in done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def places(report: dict[str, Any]) -> set[str]:
    return {trace["place"] for trace in report["traces"]}


async def names_in_topic(stack: LocalStack, client_space_id: str) -> list[PersonNameRow]:
    """The names that a reader of the whole topic is left with."""
    last: dict[bytes, bytes | None] = {}
    async with open_reader(KafkaAddress(stack.environment()["KAFKA_BOOTSTRAP_SERVERS"])) as reader:
        extents = await reader.extents(PERSON_NAMES_TOPIC)
        async for records, _ in reader.records(PERSON_NAMES_TOPIC, extents):
            last.update((record.key, record.value) for record in records)
    keys = ((read_person_key(key), value) for key, value in last.items())
    rows = [decode_name(key, value) for key, value in keys if isinstance(key, NameKey) and value is not None]
    return [row for row in rows if row.client_space_id == client_space_id]


@pytest.fixture
async def quick_compaction(stack: LocalStack) -> AsyncIterator[None]:
    """The topic of names as it is, but for its durations: an hour is a second."""
    (names,) = (topic for topic in TOPICS if topic.name == PERSON_NAMES_TOPIC)
    quick = {"segment.ms": "1000", "max.compaction.lag.ms": "1000", "delete.retention.ms": "0"}
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.environment()["KAFKA_BOOTSTRAP_SERVERS"])
    await admin.start()
    for more in ({**quick, "file.delete.delay.ms": "100"}, {}):
        config = {**names.config, **more}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, names.name, config)])
        if more:
            yield
    await admin.close()


@pytest.fixture
def quick_clean_up(stack: LocalStack) -> Iterator[None]:
    """The table of names as it is, but for its durations: what it replaced leaves the disk within seconds."""
    seconds = "old_parts_lifetime", "cleanup_delay_period", "max_cleanup_delay_period"
    with connect(stack.environment()["CLICKHOUSE_URL"]) as client:
        created = client.command("SHOW CREATE TABLE audit.person_names")
        declared = dict(re.findall(r"(\w+) = (\d+)", str(created).partition("SETTINGS")[2]))
        for values in (dict.fromkeys(seconds, 1), {name: declared[name] for name in seconds}):
            durations = ", ".join(f"{name} = {value}" for name, value in values.items())
            client.command(f"ALTER TABLE audit.person_names MODIFY SETTING {durations}")
            if values[seconds[0]] == 1:
                yield


async def let_time_pass(stack: LocalStack) -> None:
    """Do what the worker does every hour, in a time that lasts seconds; nobody publishes anything."""
    run_command(stack, "audit-stream", "erasure", "run")
    await asyncio.sleep(2)


async def lifetimes_in_topic(stack: LocalStack, ref: UUID) -> set[str]:
    found: set[str] = set()
    async with open_reader(KafkaAddress(stack.environment()["KAFKA_BOOTSTRAP_SERVERS"])) as reader:
        extents = await reader.extents(PERSON_NAMES_TOPIC)
        async for records, _ in reader.records(PERSON_NAMES_TOPIC, extents):
            facts = [read_person_key(record.key) for record in records]
            found |= {fact.change for fact in facts if isinstance(fact, PersonLifetimeRow) and fact.person_ref == ref}
    return found


def of_events(found: set[str]) -> set[str]:
    """Where events themselves are kept: for a week, whoever is deleted."""
    return {place for place in found if place.startswith((f"kafka:{EVENTS_TOPIC}", f"file:{EVENTS_TOPIC}-"))}


@pytest.mark.usefixtures("quick_compaction", "quick_clean_up")
async def test_a_deleted_admin_is_gone_from_answers_at_once_and_from_the_disks_within_the_bound(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    leaver, log = a_leaver(client_space_id), read_log(client_space_id)
    await make_history(publisher, client_space_id, leaver)
    before = log.wait_for(lambda found: len(found) == 3)
    assert all(mentions(line, leaver) for line in before)
    disks = stack.layout.data_dir / "clickhouse", stack.layout.data_dir / "kafka" / "data"
    # The worker publishes a name after it has stored the line.
    await published(stack)
    assert leaver.id in {row.person_id for row in await names_in_topic(stack, client_space_id)}
    found = places(verify(stack, client_space_id, leaver, *disks))
    # In parts of ClickHouse and in segments of both topics, compressed as they are.
    for beginning in ("file:store/", f"file:{EVENTS_TOPIC}-", f"file:{PERSON_NAMES_TOPIC}-"):
        assert any(place.startswith(beginning) for place in found), found

    await a_session(publisher, client_space_id).user_deleted(leaver)
    after = log.wait_for(lambda found: len(found) == 4)
    assert not any(mentions(line, leaver) for line in after)
    assert [line["affected_user"]["display_name"] for line in after].count("Deleted User") == 3
    assert [line["admin"]["display_name"] for line in after].count("Deleted User") == 1
    for export in log.exports():
        assert b"Deleted User" in export
        assert not any(str(text).encode() in export for text in (leaver.id, leaver.username, leaver.display_name))

    await published(stack)
    run_command(stack, "audit-stream", "erasure", "run")
    assert "due" in run_command(stack, "audit-stream", "erasure", "status", "--client-space", client_space_id, "--json")
    assert [row for row in await names_in_topic(stack, client_space_id) if row.person_id == leaver.id] == []
    erased_at = time.monotonic()
    while traces := (left := places(verify(stack, client_space_id, leaver, *disks))) - of_events(left):
        assert time.monotonic() - erased_at < GONE_WITHIN_SECONDS, traces
        await let_time_pass(stack)
    # What Kafka still holds is named, with the time of its end.
    report = verify(stack, client_space_id, leaver, stack.layout.logs)
    assert places(report) == {f"kafka:{EVENTS_TOPIC}"}
    assert all(trace["until"] is not None for trace in report["traces"])
    assert report["erased_at"] is not None
    # Compaction took away what was overwritten, and neither the ledger nor the living.
    ref = person_ref(WorkerSettings.model_validate(stack.environment()).key, client_space_id, leaver.id)
    assert await lifetimes_in_topic(stack, ref) == {"created", "erased"}
    assert ADMIN.id in {row.person_id for row in await names_in_topic(stack, client_space_id)}


async def test_a_dead_letter_of_a_deleted_person_is_found_and_its_end_is_known(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    leaver = a_leaver(client_space_id)
    async with AIOKafkaProducer(bootstrap_servers=stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]) as raw:
        await raw.send_and_wait(EVENTS_TOPIC, f"not Avro, {leaver.username}".encode(), key=b"k")
    await a_session(publisher, client_space_id).user_deleted(leaver)
    read_log(client_space_id).wait_for(lambda found: len(found) == 1)
    place, ends = f"kafka:{EVENTS_TOPIC}.dead-letters", dict[str, str | None]()
    async with asyncio.timeout(PUBLISHED_WITHIN_SECONDS):
        while place not in ends:
            await asyncio.sleep(0)
            ends = {trace["place"]: trace["until"] for trace in verify(stack, client_space_id, leaver)["traces"]}
    assert ends[place] is not None


async def test_replays_and_late_events_of_a_deleted_admin_bring_no_name_back(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    leaver, log = a_leaver(client_space_id), read_log(client_space_id)
    await make_history(publisher, client_space_id, leaver)
    await a_session(publisher, client_space_id).user_deleted(leaver)
    log.wait_for(lambda found: len(found) == 4)
    await published(stack)
    run_command(stack, "audit-stream", "erasure", "run")
    # An import of his ends after his deletion.
    late = a_session(publisher, client_space_id, leaver)
    await asyncio.gather(*(late.user_created(Person(f"usr_late_{n}", f"late{n}@example.com")) for n in range(5)))
    log.wait_for(lambda found: len(found) == 9)
    stack.stop_service("worker")
    await begin_again(stack)
    stack.start_service("worker")
    await a_session(publisher, client_space_id).user_created(Person("usr_last", "last@example.com"))
    lines = log.wait_for(lambda found: len(found) == 10)
    await published(stack)
    assert not any(mentions(line, leaver) for line in lines)
    settings = stack.environment()
    with connect(settings["CLICKHOUSE_URL"]) as client:
        stored = client.query(
            "SELECT count() FROM audit.person_names WHERE person_id = {id:String}", parameters={"id": leaver.id}
        ).result_rows
    assert stored == [(0,)]
    assert [row for row in await names_in_topic(stack, client_space_id) if row.person_id == leaver.id] == []


async def begin_again(stack: LocalStack) -> None:
    """Put the worker's group back to offset 0."""
    await end_memberships(stack)
    settings = stack.environment()
    group = WorkerSettings.model_validate(settings).consumer_group
    places = [TopicPartition(EVENTS_TOPIC, partition) for partition in range(4)]
    async with AIOKafkaConsumer(
        bootstrap_servers=settings["KAFKA_BOOTSTRAP_SERVERS"], group_id=group, enable_auto_commit=False
    ) as consumer:
        consumer.assign(places)
        async with asyncio.timeout(90):
            while True:
                try:
                    await consumer.commit(dict.fromkeys(places, 0))
                except (CommitFailedError, UnknownMemberIdError):
                    # A worker with a name of its own is a member until its session ends.
                    await asyncio.sleep(0.5)
                else:
                    return


async def test_a_later_creation_of_the_same_id_begins_a_new_life(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    leaver, log = a_leaver(client_space_id), read_log(client_space_id)
    await make_history(publisher, client_space_id, leaver)
    admin = a_session(publisher, client_space_id)
    await admin.user_deleted(leaver)
    log.wait_for(lambda found: len(found) == 4)
    await admin.user_created(Person(leaver.id, "back@example.com", "Back Again"))
    log.wait_for(lambda found: len(found) == 5)
    await published(stack)
    run_command(stack, "audit-stream", "erasure", "run")
    names = [line["affected_user"]["display_name"] for line in log.lines()]
    assert names == ["Back Again", "Deleted User", None, "Deleted User", "Deleted User"]
    in_topic = [row.username for row in await names_in_topic(stack, client_space_id) if row.person_id == leaver.id]
    assert in_topic == ["back@example.com"]


async def test_a_database_restored_from_before_the_deletion_shows_nothing_once_the_ledger_is_reapplied(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    leaver, log = a_leaver(client_space_id), read_log(client_space_id)
    await make_history(publisher, client_space_id, leaver)
    log.wait_for(lambda found: len(found) == 3)
    tables = ("activity_log", "person_names", "person_lifetimes")
    with connect(stack.environment()["CLICKHOUSE_URL"]) as client:
        for table in tables:
            client.command(f"CREATE TABLE audit.backup_of_{table} AS audit.{table}")
            client.command(f"INSERT INTO audit.backup_of_{table} SELECT * FROM audit.{table}")
        await a_session(publisher, client_space_id).user_deleted(leaver)
        log.wait_for(lambda found: len(found) == 4)
        await published(stack)
        run_command(stack, "audit-stream", "erasure", "run")
        stack.stop_service("worker")
        for table in tables:
            client.command(f"EXCHANGE TABLES audit.{table} AND audit.backup_of_{table}")
            client.command(f"DROP TABLE audit.backup_of_{table} SYNC")
        assert all(mentions(line, leaver) for line in log.lines()), "the old copy names the deleted"
        run_command(stack, "audit-stream", "erasure", "reapply")
        restored = log.lines()
        assert len(restored) == 3
        assert not any(mentions(line, leaver) for line in restored)
        stored = client.query(
            "SELECT count() FROM audit.person_names WHERE person_id = {id:String}", parameters={"id": leaver.id}
        ).result_rows
    assert stored == [(0,)]
    # The worker's offsets are ahead of the copy; the rest comes from the history or a replay.
    await begin_again(stack)
    stack.start_service("worker")
    assert not any(mentions(line, leaver) for line in log.wait_for(lambda found: len(found) == 4))


@pytest.mark.parametrize("options", [[], ["--client-space", "acme"]])
def test_verify_without_anybody_to_look_for_is_refused(stack: LocalStack, options: list[str]) -> None:
    done = try_command(stack, "audit-stream", "erasure", "verify", *options)
    assert done.returncode == 2
