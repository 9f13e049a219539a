"""What the transport makes of fetches, whatever a rebalance, Faust and its seeks do meanwhile."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Never, cast
from unittest.mock import AsyncMock

import faust
import pytest
from aiokafka.errors import IllegalStateError, KafkaConnectionError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from stream.errors import OffsetGap
from stream.fetch.membership import GroupMembership
from stream.fetch.positions import Positions
from stream.fetch.records import Chunk
from stream.fetch.transport import ChunkConsumer, _chunks
from stream.pipeline.commits import Commits
from tests.builders import FakeRecord

PARTITION = TP("events", 0)
END = 40


class Broker:
    """One partition with records up to `END`, and the group's offset in it, as the consumer's thread tells of them."""

    def __init__(self, committed: int | None = None, earliest: int = 0, end: int = END) -> None:
        self.end = end
        self.committed = committed
        self.earliest = earliest
        self.position = committed or 0
        self.without_record: set[int] = set()
        self.error: Exception | None = None
        self.seeks = 0
        self.rejoins = 0
        self.topic_ids: dict[str, None] = {}

    async def rejoin(self) -> None:
        self.rejoins += 1

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        return dict.fromkeys(partitions, self.earliest)

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        self.seeks += 1
        if self.error is not None:
            raise self.error
        # As aiokafka does: where nothing is committed, the position stays what it is.
        if self.committed:
            self.position = self.committed
        return {PARTITION: self.committed}

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        if self.error is not None:
            raise self.error
        self.position = partitions[PARTITION]

    def highwater(self, tp: TP) -> int:  # noqa: ARG002 - there is one
        return self.end

    def fetch(self, count: int) -> list[FakeRecord]:
        if not self.earliest <= self.position <= self.end:
            self.position = self.earliest
        first, self.position = self.position, min(self.position + count, self.end)
        return [FakeRecord(offset, b"") for offset in range(first, self.position) if offset not in self.without_record]


class FetchingConsumer(ChunkConsumer):
    """The consumer on a `Broker`, in generation 7."""

    should_stop = False
    size = 5

    def __init__(self, broker: Broker, *, flow_active: bool = True) -> None:
        self.app: Any = SimpleNamespace(consumer_generation_id=70)
        self.generation = 7
        self.flow_active = flow_active
        self.positions = Positions()
        self._is_torn = True
        self._left_generation = None
        self._read_offset: Any = {}
        self._committed_offset: Any = {}
        self._thread: Any = broker
        self.broker = broker

    async def _wait_next_records(self, timeout: float) -> tuple[dict[TP, list[FakeRecord]], set[TP]]:  # noqa: ASYNC109, ARG002 - Faust's
        records = self.broker.fetch(self.size)
        return ({PARTITION: records} if records else {}), set()

    async def chunks(self) -> list[Chunk]:
        """What one call of `getmany` yields."""
        return [self.chunk_of(message) async for _, message in self.getmany(1.0)]

    async def next_chunks(self) -> list[Chunk]:
        """What the first call yields that yields anything."""
        for _ in range(20):
            if chunks := await self.chunks():
                return chunks
        return []

    @staticmethod
    def chunk_of(message: Any) -> Chunk:
        found: Chunk = message.value
        return found


def offsets_of(chunks: list[Chunk]) -> list[int]:
    return [record.offset for chunk in chunks for record in chunk.records]


async def test_one_fetch_is_one_message_from_where_the_group_committed() -> None:
    (chunk,) = await FetchingConsumer(Broker(committed=3)).chunks()
    assert offsets_of([chunk]) == [3, 4, 5, 6, 7]
    assert chunk.generation == 7


async def test_records_that_were_all_given_before_are_passed_over() -> None:
    consumer = FetchingConsumer(Broker(committed=3))
    await consumer.chunks()
    consumer.broker.position, consumer.size = 3, 2

    assert await consumer.chunks() == []
    assert offsets_of(await consumer.chunks()) == []
    assert offsets_of(await consumer.next_chunks()) == [8]


async def test_a_group_that_has_committed_nothing_begins_with_the_first_record() -> None:
    assert offsets_of(await FetchingConsumer(Broker(earliest=2)).next_chunks()) == [2, 3, 4, 5, 6]


async def test_a_topic_that_ends_before_what_the_group_committed_was_made_anew_and_is_read_whole() -> None:
    consumer = FetchingConsumer(Broker(committed=END + 5))
    with capture_logs() as said:
        chunks = [chunk for _ in range(10) for chunk in await consumer.chunks()]
    assert offsets_of(chunks) == list(range(END))
    assert [one["event"] for one in said] == ["the topic ended before the group's offset"]
    assert await commits_of(consumer).finish(chunks)


@pytest.mark.parametrize("committed", [None, 0, 3])
async def test_a_topic_that_is_made_anew_under_a_worker_is_read_whole_by_its_next_generation(
    committed: int | None,
) -> None:
    broker = Broker(committed)
    consumer = FetchingConsumer(broker)
    await consumer.next_chunks()
    broker.end = 4
    assert await consumer.next_chunks() == []
    assert broker.rejoins == 1, "the generation ends, once"
    # What was committed since, or the group's offsets, which go with a topic that is deleted.
    broker.committed = None if committed is None else 8
    await assign(consumer)
    chunks = await consumer.next_chunks()
    assert offsets_of(chunks) == [0, 1, 2, 3]
    assert await commits_of(consumer).finish(chunks)


@pytest.mark.parametrize(("committed", "expired"), [(3, 9), (None, 0)], ids=["read before", "a new group"])
async def test_records_that_left_the_topic_unread_are_counted(committed: int | None, expired: int) -> None:
    broker = Broker(committed, earliest=12)
    broker.without_record = {12, 13}
    chunks = await FetchingConsumer(broker).next_chunks()
    assert (chunks[0].first_offset, chunks[0].expired) == (14, expired)


@pytest.mark.parametrize("committed", [None, 0, 3])
async def test_the_last_records_that_were_fetched_and_not_given_need_no_later_one_to_be_missed(
    committed: int | None,
) -> None:
    consumer = FetchingConsumer(Broker(committed, end=5))
    consumer.flow_active = False
    await consumer.chunks()
    consumer.flow_active = True
    await consumer.perform_seek()
    consumer.broker.position = 5
    assert offsets_of(await consumer.next_chunks()) == list(range(committed or 0, 5))


async def test_what_a_cancelled_fetch_has_brought_is_fetched_again() -> None:
    consumer = FetchingConsumer(Broker(committed=3, end=6))
    consumer.size = 1
    given = await consumer.next_chunks()

    await cancel_a_fetch(consumer, 3)
    for _ in range(5):
        given += await consumer.chunks()
    assert offsets_of(given) == [3, 4, 5]


@pytest.mark.parametrize("committed", [None, 0, 3])
async def test_what_was_fetched_and_not_given_is_fetched_again(committed: int | None) -> None:
    """During a rebalance the flow stands still; Faust's own seek does nothing where nothing is committed."""
    consumer = FetchingConsumer(Broker(committed))
    consumer.flow_active = False
    assert await consumer.chunks() == []
    consumer.flow_active = True
    assert offsets_of(await consumer.next_chunks())[0] == (committed or 0)


async def test_what_is_fetched_before_the_new_generation_has_sought_is_not_lost() -> None:
    """Seen under load: the recovery of the one before lets the flow resume, and a fetch comes before the seek."""
    consumer = FetchingConsumer(Broker(committed=3))
    first = await consumer.chunks()
    consumer.generation = 8
    second = await consumer.chunks()
    await consumer.perform_seek()
    third = await consumer.chunks()
    assert offsets_of(first) == [3, 4, 5, 6, 7]
    while len(offsets_of(second + third)) < 5:
        third += await consumer.chunks()
    assert offsets_of(second + third)[:5] == [3, 4, 5, 6, 7]
    assert {chunk.generation for chunk in second + third} == {8}


async def test_a_seek_back_within_a_generation_gives_nothing_twice() -> None:
    consumer = FetchingConsumer(Broker(committed=3))
    given = await consumer.chunks()
    await consumer.perform_seek()
    consumer.size = 7
    given += await consumer.chunks()
    assert offsets_of(given) == list(range(3, 10))


async def test_the_seek_of_a_generation_that_is_over_says_nothing_of_the_next() -> None:
    broker = Broker(committed=3)
    consumer = FetchingConsumer(broker)

    async def rebalanced() -> Mapping[TP, int | None]:
        consumer.generation = 8
        return {PARTITION: 3}

    broker.seek_to_committed = rebalanced  # type: ignore[method-assign]
    await consumer.perform_seek()
    assert not consumer.positions.has_begun(7)
    assert not consumer.positions.has_begun(8)


@pytest.mark.parametrize(
    ("earliest", "without_record", "holes"),
    [(20, set(), [(8, 12)]), (0, {8}, [(8, 1)]), (0, {3, 4, 13}, [(3, 2), (13, 1)]), (0, {6, 7, 8, 9}, [(6, 4)])],
)
async def test_offsets_that_have_no_record_are_passed_over_and_told(
    earliest: int, without_record: set[int], holes: list[tuple[int, int]]
) -> None:
    """A transaction left its marker there, or the topic holds them no longer: asking for them again brings the same."""
    broker = Broker(committed=3)
    broker.without_record = without_record
    consumer = FetchingConsumer(broker)
    with capture_logs() as said:
        given = await consumer.next_chunks()
        broker.earliest = earliest
        given += [chunk for _ in range(20) for chunk in await consumer.chunks()]
    there = {*range(3, 8), *range(max(8, earliest), END)} - without_record
    assert offsets_of(given) == sorted(there)
    assert [(one["first"], one["count"]) for one in said] == holes
    what = "no records here" if earliest == 0 else "records expired before they were read"
    assert {one["event"] for one in said} == {what}
    assert await commits_of(consumer).finish(given)


def test_a_hole_between_two_chunks_of_one_fetch_is_told_by_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.fetch.transport.MAX_CHUNK_RECORDS", 2)
    records = [FakeRecord(offset, b"") for offset in (3, 4, 6, 7, 8)]
    assert [(chunk.begin, chunk.first_offset) for chunk in _chunks(PARTITION, 7, records, 3)] == [
        (3, 3),
        (5, 6),
        (8, 8),
    ]


async def test_what_was_given_and_skipped_in_a_generation_that_kafka_gives_the_same_number_is_given_again() -> None:
    consumer = FetchingConsumer(Broker(committed=3))
    await consumer.next_chunks()
    await assign(consumer)
    assert consumer.generation == 8
    (chunk,) = await consumer.next_chunks()
    assert (chunk.generation, chunk.first_offset) == (8, 3)


async def cancel_a_fetch(consumer: FetchingConsumer, count: int) -> None:
    """The consumer's thread goes on with a fetch that nobody waits for any more."""

    async def cancelled(_: float) -> Never:
        consumer.broker.fetch(count)
        raise asyncio.CancelledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(consumer, "_wait_next_records", cancelled)
        with pytest.raises(asyncio.CancelledError):
            await consumer.chunks()


async def assign(consumer: FetchingConsumer) -> None:
    """Give the partition once more, as a rebalance does that ends in the generation that there was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver.Consumer, "on_partitions_assigned", AsyncMock())
        await consumer.on_partitions_assigned({PARTITION}, 70)


async def test_a_chunk_that_never_arrived_ends_the_worker_before_the_next_is_committed() -> None:
    """The first of a generation, too: nothing was received before it that could tell."""
    consumer = FetchingConsumer(Broker(committed=3))
    await consumer.next_chunks()
    (second,) = await consumer.next_chunks()
    with pytest.raises(OffsetGap, match="expected offset 3, received 8"):
        await commits_of(consumer).finish([second])


@pytest.mark.parametrize("error", [IllegalStateError("not assigned"), AssertionError("none is assigned")])
async def test_a_partition_that_is_taken_away_meanwhile_ends_nothing(error: Exception) -> None:
    broker = Broker(committed=3)
    consumer = FetchingConsumer(broker)
    broker.error = error
    assert await consumer.chunks() == []
    broker.error = None
    await consumer.perform_seek()
    await consumer.chunks()
    broker.position += 1
    broker.error = error
    assert await consumer.chunks() == []


async def test_a_seek_that_fails_for_another_reason_is_told() -> None:
    broker = Broker(committed=3)
    broker.error = KafkaConnectionError()
    with pytest.raises(KafkaConnectionError):
        await FetchingConsumer(broker).chunks()


def commits_of(consumer: FetchingConsumer) -> Commits:
    """What commits the chunks of *consumer*, as a member of the group that holds the partition."""

    async def commit(_: object) -> bool:
        return True

    consumer.assignment = lambda: {PARTITION}  # type: ignore[method-assign]
    consumer._commit = commit  # type: ignore[assignment,method-assign]
    return Commits(GroupMembership(cast("faust.App", SimpleNamespace(consumer=consumer))))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fetch"), st.integers(1, 6)),
        st.tuples(st.sampled_from(["stop", "resume", "seek", "rebalance"]), st.just(0)),
        st.tuples(st.just("lose"), st.integers(1, 6)),
        st.tuples(st.just("commit"), st.integers(0, END)),
    ),
    max_size=40,
)


@given(STEPS, st.sampled_from([None, 0, 3]), st.sampled_from([6, END]))
async def test_in_any_order_of_steps_each_generation_gets_every_record_once(
    steps: list[tuple[str, int]], committed: int | None, end: int
) -> None:
    broker = Broker(committed, end=end)
    consumer = FetchingConsumer(broker)
    given: dict[int, list[int]] = {}
    losses = 0
    for step, number in [*steps, ("resume", 0), *[("fetch", 6)] * 14]:
        generation = consumer.generation
        match step:
            case "fetch":
                consumer.size = number
                given.setdefault(generation, []).extend(offsets_of(await consumer.chunks()))
            case "stop" | "resume":
                consumer.flow_active = step == "resume"
            case "seek":
                await consumer.perform_seek()
            case "rebalance":
                await assign(consumer)
            case "lose" if losses < 3:
                # Four times the same would be taken for a hole.
                losses += 1
                await cancel_a_fetch(consumer, number)
            case "commit" if consumer.positions.has_begun(generation):
                broker.committed = max(broker.committed or 0, min(number, (given.get(generation) or [-1])[-1] + 1))
    for found in filter(None, given.values()):
        assert found == list(range(found[0], found[-1] + 1))
    start = consumer.positions.start(consumer.generation, PARTITION)
    assert given[consumer.generation] == list(range(start or 0, end))
