"""Every `History` keeps its promises: the in-memory one, and the two Kafka topics."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from schemas.fields import to_micros
from schemas.kafka_address import KafkaAddress
from schemas.rows import CREATED, ActivityRow, PersonLifetimeRow, PersonNameRow, precedence
from schemas.topics import ACTIVITY_LOG_TOPIC, PERSON_NAMES_TOPIC
from stream.clients.topic_reader import open_reader
from stream.erasure.guard import ErasedPersons
from stream.erasure.name_topic import KafkaNameTopic, NameTopic, Swept
from stream.errors import Unavailable
from stream.pipeline.history import MAX_LINES, History, KafkaHistory, Message, TopicWriter
from stream.pipeline.published_names import PublishedNames
from stream.pipeline.rows.history_codec import (
    NameKey,
    SegmentRoll,
    decode_lines,
    decode_name,
    encode_name,
    off_boarded_record,
    read_person_key,
)
from stream.pipeline.rows.rows import Rows
from tests.builders import NOW, a_lifetime, a_uuid
from tests.fakes.erasure import InMemoryPersonStore, InMemoryTopics, InMemoryWorkerHistory
from tests.fakes.stream import InMemorySink

NOBODY = ErasedPersons(InMemoryPersonStore(InMemorySink()))
RECORDED = NOW.replace(microsecond=0)


@dataclass
class Found:
    """What a reader of the topics is left with, of one client space."""

    lines: list[ActivityRow]
    names: list[PersonNameRow]
    lifetimes: set[PersonLifetimeRow]


@dataclass
class Subject:
    """A history of a client space of its own, and what it is told about erasures."""

    space: str
    store: InMemoryPersonStore
    erased: ErasedPersons
    history: History
    topic: NameTopic
    found: Callable[[], Awaitable[Found]]
    put: Callable[[dict[bytes, bytes | None]], Awaitable[None]]

    def line(self, **fields: Any) -> ActivityRow:
        offset = fields.pop("kafka_offset", 0)
        defaults: dict[str, Any] = dict.fromkeys(ActivityRow._fields) | {
            "client_space_id": self.space,
            "occurred_at": NOW,
            "event_id": uuid4(),
            "activity_type": "user_creation",
            "channel": "ui",
            "admin_ref": a_uuid(1),
            "affected_user_ref": a_uuid(2),
            "recorded_at": RECORDED,
            "kafka_partition": 0,
            "kafka_offset": offset,
            "schema_id": 7,
            "precedence": precedence(to_micros(RECORDED) // 1000, offset),
        }
        return ActivityRow(**{**defaults, **fields})

    def name(self, first: int, last: int, username: str = "ada@example.com") -> PersonNameRow:
        start, end = (NOW + timedelta(days=day) for day in (first, last))
        return PersonNameRow(self.space, a_uuid(2), "usr_ada", username, "Ada", start, end)

    def learn_from_a_batch(self, change: str, day: int) -> None:
        row = a_lifetime(self.space, a_uuid(2), change, NOW + timedelta(days=day))
        self.store.sink.lifetimes.append(row)
        self.erased.learn([row])

    def learn(self, change: str, day: int) -> None:
        self.learn_from_a_batch(change, day)
        self.erased.refresh()


@pytest.fixture(params=["in memory", "kafka"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    space = f"history/{uuid4().hex}"
    store = InMemoryPersonStore(InMemorySink())
    erased = ErasedPersons(store)
    if request.param == "in memory":
        topics = InMemoryTopics()

        async def found_in_memory() -> Found:
            return Found(topics.lines, topics.names(), topics.lifetimes())

        async def put_in_memory(records: dict[bytes, bytes | None]) -> None:
            topics.put(records)

        history_in_memory = InMemoryWorkerHistory(topics, erased)
        yield Subject(space, store, erased, history_in_memory, topics, found_in_memory, put_in_memory)
        return
    servers = request.getfixturevalue("stack_environment")["KAFKA_BOOTSTRAP_SERVERS"]
    history = KafkaHistory(KafkaAddress(servers), erased)

    async def found_in_kafka() -> Found:
        return await read_back(servers, space)

    async def put_in_kafka(records: dict[bytes, bytes | None]) -> None:
        writer = TopicWriter(KafkaAddress(servers))
        await writer.write([Message(PERSON_NAMES_TOPIC, key, value) for key, value in records.items()])
        await writer.close()

    yield Subject(space, store, erased, history, KafkaNameTopic(KafkaAddress(servers)), found_in_kafka, put_in_kafka)
    await history.close()


async def read_back(servers: str, space: str) -> Found:
    lines: list[ActivityRow] = []
    last: dict[bytes, bytes | None] = {}
    async with open_reader(KafkaAddress(servers)) as reader:
        extents = await reader.extents(ACTIVITY_LOG_TOPIC)
        async for records, _ in reader.records(ACTIVITY_LOG_TOPIC, extents):
            lines += [line for r in records if r.key == space.encode() for line in decode_lines(r.value)]
        extents = await reader.extents(PERSON_NAMES_TOPIC)
        async for records, _ in reader.records(PERSON_NAMES_TOPIC, extents):
            last.update((record.key, record.value) for record in records)
    mine = {key: value for key, value in last.items() if key.startswith(f"{space}/".encode()) and value is not None}
    topics = InMemoryTopics(mine)
    return Found(lines, topics.names(), topics.lifetimes())


async def test_everything_comes_back_as_it_was_published(subject: Subject) -> None:
    lines = [subject.line(), subject.line(request_id="req\0é💡", admin_rights_granted=True)]
    lifetime = a_lifetime(subject.space, a_uuid(2), "created", NOW)
    await subject.history.publish(Rows([lifetime], [subject.name(0, 1)], lines))
    found = await subject.found()
    assert (found.lines, found.names, found.lifetimes) == (lines, [subject.name(0, 1)], {lifetime})


async def test_a_large_batch_comes_back_whole(subject: Subject) -> None:
    lines = [subject.line(kafka_offset=n, request_id="x" * 250) for n in range(2 * MAX_LINES + 1)]
    names = [subject.name(0, 0, f"{n}@example.com") for n in range(2_000)]
    await subject.history.publish(Rows(names=names, activities=lines))
    found = await subject.found()
    assert sorted(found.lines, key=lambda line: line.kafka_offset) == lines
    assert set(found.names) == set(names)


async def test_a_name_keeps_its_first_and_its_last_sight_in_whatever_order_they_come(subject: Subject) -> None:
    for day in (30, 10, 50, 20):
        await subject.history.publish(Rows(names=[subject.name(day, day)]))
    assert (await subject.found()).names == [subject.name(10, 50)]


async def test_no_name_of_an_erased_person_is_published(subject: Subject) -> None:
    subject.learn("erased", 2)
    await subject.history.publish(Rows(names=[subject.name(1, 1), subject.name(3, 3)]))
    assert (await subject.found()).names == []


async def test_a_sweep_overwrites_the_names_of_the_erased_and_nothing_else(subject: Subject) -> None:
    other = subject.name(1, 1)._replace(person_ref=a_uuid(3), person_id="usr_bob")
    lifetime = a_lifetime(subject.space, a_uuid(2), "created", NOW)
    await subject.history.publish(Rows([lifetime], [subject.name(1, 1), subject.name(1, 5, "b"), other], []))
    subject.learn("erased", 2)
    subject.learn("created", 4)
    assert (await subject.topic.sweep(subject.erased, NOW - timedelta(days=365))).overwritten == 2
    found = await subject.found()
    assert set(found.names) == {subject.name(4, 5, "b"), other}
    assert found.lifetimes == {lifetime}
    assert (await subject.topic.sweep(subject.erased, NOW - timedelta(days=365))).overwritten == 0


async def test_a_sweep_overwrites_names_and_facts_of_a_client_space_that_has_left(subject: Subject) -> None:
    await subject.history.publish(Rows([a_lifetime(subject.space, a_uuid(2), CREATED, NOW)], [subject.name(0, 1)]))
    key, value = off_boarded_record(subject.space, NOW)
    await subject.put({key: value})
    subject.store.sink.off_boarded[subject.space] = NOW
    subject.erased.refresh()
    assert (await subject.topic.sweep(subject.erased, NOW - timedelta(days=365))).overwritten == 2
    found = await subject.found()
    assert (found.names, found.lifetimes) == ([], set())
    # The mark itself stays, and nothing is left to do.
    assert (await subject.topic.sweep(subject.erased, NOW - timedelta(days=365))).overwritten == 0


@pytest.mark.parametrize("subject", ["kafka"], indirect=True)
@pytest.mark.parametrize("moments", [(1,), (2,), (3,), (2, 3), (2, 3, 4)])
async def test_a_name_of_a_life_that_begins_while_the_topic_is_swept_is_not_lost(
    subject: Subject, moments: tuple[int, ...]
) -> None:
    """At *moments*, each just after the sweep has asked who was erased, another worker publishes the name again."""
    loop, asked = asyncio.get_running_loop(), 0
    reached: list[int] = []
    await subject.history.publish(Rows(names=[subject.name(1, 1)]))
    subject.learn_from_a_batch("erased", 2)

    class Asked(ErasedPersons):
        """Counts how often it is asked by whoever sweeps."""

        def refresh(self) -> None:
            nonlocal asked
            super().refresh()
            asked += 1
            if asked in moments:
                subject.learn_from_a_batch("created", 4)
                seen = Rows(names=[subject.name(4 + asked, 4 + asked)])
                asyncio.run_coroutine_threadsafe(subject.history.publish(seen), loop).result()
                reached.append(asked)

    await subject.topic.sweep(Asked(subject.store), NOW - timedelta(days=365))
    # A sweep asks again only while it may have hidden something, so the last moment may not come.
    assert reached
    assert tuple(reached) == moments[: len(reached)]
    assert (await subject.found()).names == [subject.name(4 + reached[0], 4 + reached[-1])]


NEWER = b"\xc3\x01" + b"newer-v9" + b"usr_ada ada@example.com"
"""A name as a version that is yet to come may write it."""


async def test_what_a_sweep_cannot_read_keeps_no_other_name_from_being_erased_and_is_told(subject: Subject) -> None:
    living = NameKey(subject.space, a_uuid(3), "e9", 0).encoded()
    odd = f"{subject.space}/a key that nobody knows".encode()
    await subject.put({living: NEWER, odd: b"?"})
    await subject.history.publish(Rows(names=[subject.name(1, 1)]))
    subject.learn("erased", 2)
    for overwritten in (1, 0):
        swept = await subject.topic.sweep(subject.erased, NOW - timedelta(days=365))
        assert (swept.overwritten, len(swept.unreadable)) == (overwritten, 2)
    assert not any("ada" in place or subject.space in place for place in swept.unreadable)
    # What was overwritten by hand is no longer told.
    await subject.put({odd: None, living: None})
    assert await subject.topic.sweep(subject.erased, NOW - timedelta(days=365)) == Swept(0)
    assert (await subject.found()).names == []


async def test_a_name_that_cannot_be_read_is_overwritten_where_its_person_was_erased(subject: Subject) -> None:
    gone = NameKey(subject.space, a_uuid(2), "e9", 0).encoded()
    damaged = NameKey(subject.space, a_uuid(2), "e9", 1).encoded()
    await subject.put({gone: NEWER, damaged: encode_name(subject.name(1, 1))[:-1]})
    subject.learn("erased", 2)
    assert await subject.topic.sweep(subject.erased, NOW - timedelta(days=365)) == Swept(2)
    assert (await subject.found()).names == []


async def test_each_sweep_appends_one_segment_roll_to_every_partition(stack_environment: dict[str, str]) -> None:
    """Kafka ends a segment at an append only: without one, what was overwritten would never be compacted."""
    servers = stack_environment["KAFKA_BOOTSTRAP_SERVERS"]
    async with open_reader(KafkaAddress(servers)) as reader:
        before = await reader.extents(PERSON_NAMES_TOPIC)
        await KafkaNameTopic(KafkaAddress(servers)).sweep(NOBODY, NOW - timedelta(days=365))
        after = await reader.extents(PERSON_NAMES_TOPIC)
        start = {partition: extent.end for partition, extent in before.items()}
        appended = [
            (record.partition, read_person_key(record.key), record.value is not None)
            async for records, _ in reader.records(PERSON_NAMES_TOPIC, after, start)
            for record in records
        ]
    assert sorted(appended) == [(partition, SegmentRoll(partition), True) for partition in sorted(before)]


async def test_a_name_that_was_swept_and_lives_again_is_published_again(subject: Subject) -> None:
    await subject.history.publish(Rows(names=[subject.name(5, 5)]))
    subject.learn("erased", 2)
    await subject.topic.sweep(subject.erased, NOW - timedelta(days=365))
    assert (await subject.found()).names == []
    subject.learn("created", 4)
    await subject.history.publish(Rows(names=[subject.name(5, 5)]))
    assert (await subject.found()).names == [subject.name(5, 5)]


async def test_a_name_that_no_shown_line_mentions_expires(subject: Subject) -> None:
    await subject.history.publish(Rows(names=[subject.name(-400, -366, "old"), subject.name(-400, -364, "new")]))
    assert (await subject.topic.sweep(NOBODY, NOW - timedelta(days=365))).overwritten == 1
    assert [name.username for name in (await subject.found()).names] == ["new"]


async def test_nothing_to_publish_is_no_error(subject: Subject) -> None:
    await subject.history.publish(Rows())
    assert await subject.found() == Found([], [], set())


async def test_a_broker_that_does_not_answer_is_unavailable() -> None:
    history = KafkaHistory(KafkaAddress("127.0.0.1:9"), ErasedPersons(InMemoryPersonStore(InMemorySink())))
    with pytest.raises(Unavailable):
        await history.publish(Rows(lifetimes=[a_lifetime("acme", a_uuid(1), "created", NOW)]))
    await history.close()


async def test_a_record_larger_than_a_batch_is_written_too(stack_environment: dict[str, str]) -> None:
    servers = stack_environment["KAFKA_BOOTSTRAP_SERVERS"]
    space = f"history/{uuid4().hex}"
    subject = Subject(space, *[None] * 6)  # type: ignore[arg-type] # a builder of lines, no more
    lines = [subject.line(kafka_offset=n, request_id=uuid4().hex * 80) for n in range(MAX_LINES)]
    history = KafkaHistory(KafkaAddress(servers), ErasedPersons(InMemoryPersonStore(InMemorySink())))
    await history.publish(Rows(activities=lines))
    await history.close()
    assert (await read_back(servers, space)).lines == lines


async def test_an_overwriting_record_has_no_value(stack_environment: dict[str, str]) -> None:
    writer = TopicWriter(KafkaAddress(stack_environment["KAFKA_BOOTSTRAP_SERVERS"]))
    key = NameKey(f"history/{uuid4().hex}", a_uuid(1), "a", 0)
    await writer.write([Message(PERSON_NAMES_TOPIC, key.encoded(), None)])
    await writer.close()
    assert (await read_back(stack_environment["KAFKA_BOOTSTRAP_SERVERS"], key.client_space_id)).names == []


async def test_a_sight_within_a_week_of_the_last_is_not_published_unless_the_person_was_ever_deleted(
    subject: Subject,
) -> None:
    evening = subject.name(1, 1)._replace(last_seen=NOW + timedelta(days=7, hours=9))
    await subject.history.publish(Rows(names=[subject.name(1, 1)]))
    await subject.history.publish(Rows(names=[evening]))
    assert (await subject.found()).names == [subject.name(1, 1)]
    subject.learn("erased", -1)
    subject.learn("created", 0)
    await subject.history.publish(Rows(names=[evening]))
    assert (await subject.found()).names == [evening]


async def test_every_sight_of_somebody_with_several_names_is_published_those_before_the_second_too(
    subject: Subject,
) -> None:
    def at(hour: int, username: str) -> PersonNameRow:
        seen = NOW + timedelta(hours=hour)
        return subject.name(0, 0, username)._replace(first_seen=seen, last_seen=seen)

    for hour, username in ((1, "a"), (6, "a"), (4, "b"), (9, "a")):
        await subject.history.publish(Rows(names=[at(hour, username)]))
    found = (await subject.found()).names
    assert set(found) == {at(1, "a")._replace(last_seen=NOW + timedelta(hours=9)), at(4, "b")}


def test_what_could_not_be_published_of_a_first_name_is_due_again() -> None:
    subject = Subject("acme", *[None] * 6)  # type: ignore[arg-type] # a builder of names, no more
    guard, names = ErasedPersons(InMemoryPersonStore(InMemorySink())), PublishedNames()
    evening = subject.name(1, 1, "a")._replace(last_seen=NOW + timedelta(days=1, hours=9))
    names.remember(names.due([subject.name(1, 1, "a")], guard))
    assert names.due([evening], guard) == []
    for _ in range(2):
        due = names.due([subject.name(1, 1, "b")], guard)
        published = [decode_name(cast("NameKey", read_person_key(one.key)), one.value) for one in due]
        assert published == [subject.name(1, 1, "b"), evening]
    names.remember(due)
    assert names.due([evening], guard) == []
