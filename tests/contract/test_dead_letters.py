"""Every `DeadLetters` keeps its promises: the in-memory one, and the Kafka topic."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.errors import Reason
from schemas.kafka_address import KafkaAddress
from schemas.topics import DEAD_LETTERS_TOPIC
from stream.errors import Unavailable
from stream.pipeline.accept import Refused
from stream.pipeline.dead_letters import DeadLetters, KafkaDeadLetters
from tests.builders import FakeRecord, a_chunk
from tests.fakes.stream import InMemoryDeadLetters

TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
Kept = list[tuple[bytes | None, bytes | None, dict[str, bytes]]]


@dataclass
class Subject:
    """A keeper, and a look at the key, value and headers of what came since."""

    keeper: DeadLetters
    kept: Callable[[], Awaitable[Kept]]


@pytest.fixture(params=["in memory", "kafka"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param == "in memory":
        fake = InMemoryDeadLetters()

        async def kept_in_memory() -> Kept:
            return [(r.record.key, r.record.value, {"reason": r.reason.value.encode()}) for _, r in fake.kept]

        yield Subject(fake, kept_in_memory)
        return
    servers = request.getfixturevalue("stack_environment")["KAFKA_BOOTSTRAP_SERVERS"]
    partition = TopicPartition(DEAD_LETTERS_TOPIC, 0)
    keeper = KafkaDeadLetters(KafkaAddress(servers))
    async with AIOKafkaConsumer(bootstrap_servers=servers) as consumer:
        consumer.assign([partition])
        start = (await consumer.end_offsets([partition]))[partition]

        async def kept_in_kafka() -> Kept:
            consumer.seek(partition, start)
            end = (await consumer.end_offsets([partition]))[partition]
            async with asyncio.timeout(60):
                records = [await consumer.getone() for _ in range(end - start)]
            return [(record.key, record.value, dict(record.headers)) for record in records]

        yield Subject(keeper, kept_in_kafka)
    await keeper.close()


async def test_key_and_value_are_kept_to_the_byte_with_the_reason(subject: Subject) -> None:
    records = [FakeRecord(7, b"\x00\xff raw"), FakeRecord(8, None), FakeRecord(9, b"", key=None)]
    chunk = a_chunk(*records, partition=3)
    await subject.keeper.keep([(chunk, Refused(record, Reason.MALFORMED, "")) for record in records])
    kept = await subject.kept()
    assert [(key, value) for key, value, _ in kept] == [(record.key, record.value) for record in records]
    assert {headers["reason"] for _, _, headers in kept} == {b"malformed"}


async def test_a_record_with_neither_key_nor_value_is_kept_too(subject: Subject) -> None:
    record = FakeRecord(7, None, key=None)
    await subject.keeper.keep([(a_chunk(record), Refused(record, Reason.EMPTY_RECORD, ""))])
    assert [(key or None, value) for key, value, _ in await subject.kept()] == [(None, None)]


async def test_a_record_that_was_small_only_while_compressed_is_kept_too(subject: Subject) -> None:
    record = FakeRecord(7, b"\0" * 50_000_000)
    await subject.keeper.keep([(a_chunk(record), Refused(record, Reason.WRONG_MAGIC, ""))])
    assert [len(value or b"") for _, value, _ in await subject.kept()] == [50_000_000]


async def test_nothing_to_keep_keeps_nothing(subject: Subject) -> None:
    await subject.keeper.keep([])
    assert await subject.kept() == []


async def test_headers_say_where_a_record_came_from_and_hold_nothing_of_it(stack_environment: dict[str, str]) -> None:
    keeper = KafkaDeadLetters(KafkaAddress(stack_environment["KAFKA_BOOTSTRAP_SERVERS"]))
    partition = TopicPartition(DEAD_LETTERS_TOPIC, 0)
    async with AIOKafkaConsumer(bootstrap_servers=stack_environment["KAFKA_BOOTSTRAP_SERVERS"]) as consumer:
        consumer.assign([partition])
        consumer.seek(partition, (await consumer.end_offsets([partition]))[partition])
        headers = (("traceparent", TRACE), ("tracestate", b"user=ada"), ("user", b"ada"))
        record = FakeRecord(12, b"ada@example.com", b"acme/usr_ada", 1_700_000_000_123, headers)
        await keeper.keep([(a_chunk(record, partition=2), Refused(record, Reason.TOO_LONG, "admin.username"))])
        kept = await consumer.getone()
    await keeper.close()
    assert dict(kept.headers) == {
        "topic": b"user-management.events",
        "partition": b"2",
        "offset": b"12",
        "recorded_at_ms": b"1700000000123",
        "reason": b"too_long",
        "field": b"admin.username",
        "traceparent": TRACE,
    }


async def test_a_broker_that_does_not_answer_is_unavailable() -> None:
    keeper = KafkaDeadLetters(KafkaAddress("127.0.0.1:9"))
    record = FakeRecord(0, b"x")
    with pytest.raises(Unavailable):
        await keeper.keep([(a_chunk(record), Refused(record, Reason.MALFORMED, ""))])
    await keeper.close()
