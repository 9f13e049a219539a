"""What the transport makes of fetches, whatever a rebalance, Faust and its seeks do meanwhile."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError, KafkaConnectionError
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from stream.errors import OffsetGap
from stream.offsets import Offsets
from stream.positions import Positions
from stream.records import Chunk
from stream.transport import ChunkConsumer
from tests.builders import FakeRecord

PARTITION = TP("events", 0)
END = 40


class Broker:
    """One partition with records up to `END`, and the group's offset in it, as the consumer's thread tells of them."""

    def __init__(self, committed: int | None = None, earliest: int = 0) -> None:
        self.committed = committed
        self.earliest = earliest
        self.position = max(committed or 0, earliest)
        self.error: Exception | None = None
        self.seeks = 0

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        self.seeks += 1
        if self.error is not None:
            raise self.error
        # As aiokafka does: where nothing is committed, the position stays what it is.
        if self.committed:
            self.position = max(self.committed, self.earliest)
        return {PARTITION: self.committed}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        return dict.fromkeys(partitions, self.earliest)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        if self.error is not None:
            raise self.error
        self.position = max(partitions[PARTITION], self.earliest)

    def fetch(self, count: int) -> list[FakeRecord]:
        first, self.position = self.position, min(self.position + count, END)
        return [FakeRecord(offset, b"") for offset in range(first, self.position)]


class FetchingConsumer(ChunkConsumer):
    """The consumer on a `Broker`, in generation 7."""

    should_stop = False
    size = 5

    def __init__(self, broker: Broker, *, flow_active: bool = True) -> None:
        self.app: Any = SimpleNamespace(consumer_generation_id=7)
        self.flow_active = flow_active
        self.positions = Positions()
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


async def test_a_group_that_has_committed_nothing_begins_with_the_first_record() -> None:
    assert offsets_of(await FetchingConsumer(Broker(earliest=2)).chunks()) == [2, 3, 4, 5, 6]


async def test_records_that_left_the_topic_unread_are_told_and_end_nothing() -> None:
    with capture_logs() as said:
        assert offsets_of(await FetchingConsumer(Broker(committed=3, earliest=9)).chunks())[0] == 9
    assert [(one["event"], one["count"]) for one in said] == [("records left the topic unread", 6)]


@pytest.mark.parametrize("committed", [None, 0, 3])
async def test_what_was_fetched_and_not_given_is_fetched_again(committed: int | None) -> None:
    """During a rebalance the flow stands still; Faust's own seek does nothing where nothing is committed."""
    consumer = FetchingConsumer(Broker(committed))
    consumer.flow_active = False
    assert await consumer.chunks() == []
    consumer.flow_active = True
    given: list[Chunk] = []
    while not given:
        given = await consumer.chunks()
    assert offsets_of(given)[0] == (committed or 0)


async def test_what_is_fetched_before_the_new_generation_has_sought_is_not_lost() -> None:
    """Seen under load: the recovery of the one before lets the flow resume, and a fetch comes before the seek."""
    consumer = FetchingConsumer(Broker(committed=3))
    first = await consumer.chunks()
    consumer.app.consumer_generation_id = 8
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

    async def rebalanced(*partitions: TP) -> Mapping[TP, int]:
        consumer.app.consumer_generation_id = 8
        return dict.fromkeys(partitions, 0)

    broker.earliest_offsets = rebalanced  # type: ignore[method-assign]
    await consumer.perform_seek()
    assert not consumer.positions.has_begun(7)
    assert not consumer.positions.has_begun(8)


async def test_offsets_that_have_no_record_are_passed_over_and_told() -> None:
    """A transaction left its marker there, or the topic holds them no longer: asking for them again brings the same."""
    broker = Broker(committed=3)
    consumer = FetchingConsumer(broker)
    given = await consumer.chunks()
    broker.earliest = 20
    broker.position = 20
    with capture_logs() as said:
        while not (after := await consumer.chunks()):
            pass
    assert offsets_of(after) == [20, 21, 22, 23, 24]
    assert [(one["event"], one["first"], one["count"]) for one in said] == [("no records here", 8, 12)]
    offsets = offsets_of_the_group(consumer)
    for chunk in [*given, *after, *await consumer.chunks()]:
        offsets.receive(chunk)


async def test_a_chunk_that_never_arrived_ends_the_worker_before_the_next_is_committed() -> None:
    """The first of a generation, too: nothing was received before it that could tell."""
    consumer = FetchingConsumer(Broker(committed=3))
    _, second = [chunk for _ in range(3) for chunk in await consumer.chunks()]
    with pytest.raises(OffsetGap, match="expected offset 3, received 8"):
        offsets_of_the_group(consumer).receive(second)
    with pytest.raises(OffsetGap, match="expected offset 3, received 8"):
        await offsets_of_the_group(consumer).finish([second])


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


def offsets_of_the_group(consumer: FetchingConsumer) -> Offsets:
    async def commit(_: object) -> bool:
        return True

    return Offsets(
        current_generation=lambda: consumer.app.consumer_generation_id,
        assigned=lambda: [PARTITION],
        started_at=lambda chunk: consumer.positions.start(chunk.generation, (chunk.topic, chunk.partition)),
        commit=commit,
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fetch"), st.integers(1, 6)),
        st.tuples(st.sampled_from(["stop", "resume", "seek", "rebalance"]), st.just(0)),
        st.tuples(st.just("lose"), st.integers(1, 6)),
        st.tuples(st.just("commit"), st.integers(0, END)),
    ),
    max_size=40,
)


@given(STEPS, st.sampled_from([None, 0, 3]))
async def test_in_any_order_of_steps_each_generation_gets_every_record_once(
    steps: list[tuple[str, int]], committed: int | None
) -> None:
    broker = Broker(committed)
    consumer = FetchingConsumer(broker)
    given: dict[int, list[int]] = {}
    losses = 0
    for step, number in [*steps, ("resume", 0), *[("fetch", 6)] * 14]:
        generation = consumer.app.consumer_generation_id
        match step:
            case "fetch":
                consumer.size = number
                given.setdefault(generation, []).extend(offsets_of(await consumer.chunks()))
            case "stop" | "resume":
                consumer.flow_active = step == "resume"
            case "seek":
                await consumer.perform_seek()
            case "rebalance":
                consumer.app.consumer_generation_id += 1
            case "lose" if losses < 3:
                # A fetch that nobody waited for any more. Four times the same would be taken for a hole.
                losses += 1
                broker.position = min(broker.position + number, END)
            case "commit" if consumer.positions.has_begun(generation):
                broker.committed = max(broker.committed or 0, min(number, (given.get(generation) or [-1])[-1] + 1))
    for found in given.values():
        assert found == list(range(found[0], found[0] + len(found))) if found else True, found
    last = given[consumer.app.consumer_generation_id]
    assert last[-1] == END - 1
    assert last[0] == consumer.positions.start(consumer.app.consumer_generation_id, PARTITION)
