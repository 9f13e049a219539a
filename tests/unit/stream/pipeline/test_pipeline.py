"""The order of effects, with a fault at every step."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
import stamina
from structlog.testing import capture_logs

from schemas.avro_schemas import AvroSchema, current_event_schema
from schemas.errors import Reason, RegistryUnavailable
from schemas.events import Channel, Event
from schemas.rows import epoch_of, record_offset
from schemas.wire import HEADER_BYTES, frame
from stream.errors import Unavailable, WrongSchema
from stream.fetch.records import Chunk
from stream.pipeline.batch import Batch
from stream.pipeline.commits import Commits
from stream.pipeline.pipeline import RECORDS_TO_OVERLAP, Pipeline, Ports
from tests.builders import KEY, SCHEMA_ID, FakeRecord, a_chunk, a_record, an_event
from tests.fakes.stream import (
    UNAVAILABLE,
    Faults,
    InMemoryDeadLetters,
    InMemoryGroup,
    InMemoryHistory,
    InMemoryKnownEvents,
    InMemoryRegistry,
    InMemorySink,
    InMemoryTopicEpochs,
)

TOPIC = "user-management.events"
TOPIC_ID = UUID(int=7)
TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries without their pauses and log lines: what is tested is their order, not their length."""
    stamina.instrumentation.set_on_retry_hooks([])
    with stamina.set_testing(True, attempts=1000):
        yield
    stamina.instrumentation.set_on_retry_hooks(None)


@dataclass
class World:
    """A pipeline and what it touches."""

    sink: InMemorySink = field(default_factory=InMemorySink)
    dead_letters: InMemoryDeadLetters = field(default_factory=InMemoryDeadLetters)
    history: InMemoryHistory = field(default_factory=InMemoryHistory)
    registry: InMemoryRegistry = field(default_factory=InMemoryRegistry)
    topic_epochs: InMemoryTopicEpochs = field(default_factory=InMemoryTopicEpochs)
    group: InMemoryGroup = field(default_factory=InMemoryGroup)
    off_boarded: Callable[[], frozenset[str]] = frozenset

    def __post_init__(self) -> None:
        self.known_events = InMemoryKnownEvents(self.sink)

    def pipeline(self) -> Pipeline:
        ports = Ports(
            registry=self.registry,
            topic_epochs=self.topic_epochs,
            known_events=self.known_events,
            sink=self.sink,
            dead_letters=self.dead_letters,
            history=self.history,
            commits=Commits(self.group),
            off_boarded=self.off_boarded,
        )
        return Pipeline(ports, pseudonymization_key=KEY)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Pipeline]:
        pipeline = self.pipeline()
        running = asyncio.create_task(pipeline.run())
        try:
            yield pipeline
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def work(self, *chunks: Chunk) -> None:
        """Feed *chunks* and wait until all of them are committed."""
        async with self.running() as pipeline:
            for chunk in chunks:
                await pipeline.put(chunk)
            await until(lambda: all(self.committed(c.partition) >= c.next_offset for c in chunks))

    def committed(self, partition: int = 0) -> int:
        return self.group.committed.get((TOPIC, partition), 0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the fakes have no event to wait for
            await asyncio.sleep(0.001)


def events(count: int) -> tuple[list[Event], Chunk]:
    made = [an_event() for _ in range(count)]
    return made, a_chunk(*(a_record(event, offset) for offset, event in enumerate(made)))


async def test_every_record_becomes_a_line_and_then_the_offset_moves() -> None:
    world = World()
    made, chunk = events(3)
    await world.work(chunk)
    assert [row.event_id for row in world.sink.activities] == [event.event_id for event in made]
    assert world.committed() == 3


async def test_a_bad_record_is_kept_and_its_neighbours_go_through() -> None:
    world = World()
    good = [an_event(), an_event()]
    await world.work(a_chunk(a_record(good[0], 0), FakeRecord(1, b"junk"), a_record(good[1], 2)))
    assert world.sink.shown() == {event.event_id for event in good}
    assert [(r.record.value, r.reason) for _, r in world.dead_letters.kept] == [(b"junk", Reason.WRONG_MAGIC)]


@pytest.mark.parametrize(
    ("value", "logged"),
    [
        (TRACE, TRACE.decode()),
        (b"ada@example.com", None),
        (TRACE + b"-ada", None),
        (TRACE.upper(), None),
        (None, None),
    ],
)
async def test_a_refusal_is_logged_with_the_trace_that_published_the_record(
    value: bytes | None, logged: str | None
) -> None:
    record = FakeRecord(0, b"junk", headers=(("tracestate", b"x=ada"), ("traceparent", value)))
    with capture_logs() as lines:
        await World().work(a_chunk(record))
    assert lines == [
        {
            "event": "record refused",
            "log_level": "warning",
            "topic": TOPIC,
            "partition": 0,
            "offset": 0,
            "reason": "wrong_magic",
            "field": "",
            "traceparent": logged,
        }
    ]


STEPS: dict[str, Callable[[World], Faults]] = {
    "conflicts": lambda world: world.known_events.faults,
    "dead letters": lambda world: world.dead_letters.faults,
    "insert": lambda world: world.sink.faults,
    "history": lambda world: world.history.faults,
    "registry": lambda world: world.registry.faults,
    "epoch": lambda world: world.topic_epochs.faults,
}


@pytest.mark.parametrize("step", STEPS)
async def test_an_outage_at_any_step_is_waited_out(step: str) -> None:
    world = World()
    error = RegistryUnavailable("down") if step == "registry" else UNAVAILABLE
    STEPS[step](world).lost += [error] * 20
    event = an_event()
    await world.work(replace(a_chunk(a_record(event, 0), FakeRecord(1, b"junk")), topic_id=TOPIC_ID))
    assert world.sink.shown() == {event.event_id}
    assert world.dead_letters.places() == {(0, 1)}


@pytest.mark.parametrize("step", ["dead letters", "insert", "history"])
async def test_a_step_that_was_done_though_it_failed_is_done_again(step: str) -> None:
    world = World()
    STEPS[step](world).done += [UNAVAILABLE] * 2
    event = an_event()
    await world.work(replace(a_chunk(a_record(event, 0), FakeRecord(1, b"junk")), topic_id=TOPIC_ID))
    assert world.sink.shown() == {event.event_id}
    assert world.dead_letters.places() == {(0, 1)}


@pytest.mark.parametrize("step", STEPS)
async def test_nothing_is_committed_while_a_step_fails(step: str) -> None:
    world = World()
    error = RegistryUnavailable("down") if step == "registry" else UNAVAILABLE
    STEPS[step](world).lost += [error] * 1000
    async with world.running() as pipeline:
        await pipeline.put(replace(a_chunk(a_record(an_event(), 0), FakeRecord(1, b"junk")), topic_id=TOPIC_ID))
        await until(lambda: len(STEPS[step](world).lost) < 900)
    assert world.group.committed == {}


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_killed_at_any_step_and_restarted_loses_nothing_and_commits_nothing_early(step: str) -> None:
    world = World()
    error = RegistryUnavailable("down") if step == "registry" else UNAVAILABLE
    STEPS[step](world).lost += [error] * 1000
    event = an_event()
    chunk = replace(a_chunk(a_record(event, 0), FakeRecord(1, b"junk")), topic_id=TOPIC_ID)
    async with world.running() as pipeline:
        await pipeline.put(chunk)
        await until(lambda: len(STEPS[step](world).lost) < 995)
    assert world.group.committed == {}
    STEPS[step](world).lost.clear()
    await world.work(chunk)
    assert world.sink.shown() == {event.event_id}
    assert world.dead_letters.places() == {(0, 1)}


async def test_a_row_that_the_store_refuses_becomes_a_dead_letter_and_its_neighbours_go_in() -> None:
    made, chunk = events(9)
    world = World(sink=InMemorySink(refuses=lambda row: row.event_id in {made[0].event_id, made[6].event_id}))
    await world.work(chunk)
    assert world.sink.shown() == {event.event_id for n, event in enumerate(made) if n not in {0, 6}}
    assert {(r.record.offset, r.reason) for _, r in world.dead_letters.kept} == {
        (0, Reason.REFUSED_BY_STORE),
        (6, Reason.REFUSED_BY_STORE),
    }


async def test_the_history_gets_what_the_store_took_and_nothing_else() -> None:
    made, chunk = events(5)
    world = World(sink=InMemorySink(refuses=lambda row: row.event_id == made[2].event_id))
    await world.work(chunk)
    assert [row.event_id for row in world.history.activities] == [e.event_id for n, e in enumerate(made) if n != 2]
    assert set(world.history.lifetimes) == set(world.sink.lifetimes)
    assert set(world.history.names) == set(world.sink.names)


async def test_a_contradiction_of_what_is_not_stored_yet_is_found_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second account was looked up while the first one was held up on its way into the store."""
    monkeypatch.setattr("stream.pipeline.pipeline.RECORDS_TO_OVERLAP", 1)
    world = World()
    event = an_event()
    first, second = (
        a_chunk(a_record(account, 0), partition=partition)
        for partition, account in enumerate((event, replace(event, channel=Channel.API)))
    )
    world.sink.opened.clear()
    async with world.running() as pipeline:
        await pipeline.put(first)
        await until(lambda: world.known_events.answers == 1)
        await pipeline.put(second)
        await until(lambda: world.known_events.answers == 2)
        assert world.sink.activities == []
        world.sink.opened.set()
        await until(lambda: world.committed(0) == world.committed(1) == 1)
    assert [row.channel for row in world.sink.activities] == [event.channel.value]
    assert [(chunk.partition, r.reason) for chunk, r in world.dead_letters.kept] == [(1, Reason.CONFLICTING_EVENT)]


async def test_a_batch_that_is_looked_up_again_does_not_meet_the_next_one_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The port takes one caller at a time."""
    monkeypatch.setattr("stream.pipeline.pipeline.RECORDS_TO_OVERLAP", 1)
    world = World()
    event = an_event()
    chunks = [a_chunk(a_record(one, 0), partition=place) for place, one in enumerate((event, event, an_event()))]
    world.sink.opened.clear()
    async with world.running() as pipeline:
        for count, chunk in enumerate(chunks[:2], 1):
            await pipeline.put(chunk)
            await until(lambda count=count: world.known_events.answers == count)  # type: ignore[misc]
        world.known_events.opened.clear()
        world.sink.opened.set()
        await pipeline.put(chunks[2])
        # Long enough for the third to be asked for beside the second.
        await asyncio.sleep(0.1)
        world.known_events.opened.set()
        await until(lambda: all(world.committed(partition) == 1 for partition in range(3)))
    assert world.known_events.answers == len(chunks) + 1


async def test_an_unknown_schema_id_is_refused_only_on_the_registry_s_word() -> None:
    world = World()
    world.registry.faults.lost += [RegistryUnavailable("down")] * 3
    await world.work(a_chunk(FakeRecord(0, b"\x00\x00\x00\x00\x63datum")))
    assert [refused.reason for _, refused in world.dead_letters.kept] == [Reason.UNKNOWN_SCHEMA_ID]


async def test_records_of_a_topic_that_was_made_anew_have_places_of_their_own() -> None:
    """And behind those of the earlier topic, whatever their offsets: who reads in the order of places goes on."""
    world = World()
    old, new = (replace(events(2)[1], topic_id=UUID(int=number)) for number in (1, 2))
    await world.work(old)
    world.group.generation = 2
    world.group.committed.clear()
    await world.work(replace(new, generation=2))
    places = [row.kafka_offset for row in world.sink.activities]
    assert places == sorted(set(places))
    assert [(epoch_of(place), record_offset(place)) for place in places] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert world.committed() == 2


async def test_a_partition_that_waits_for_its_schema_holds_up_no_other_one() -> None:
    """As long as the registry denies a new id and is not believed yet."""
    world = World()
    gate = asyncio.Event()
    look_up = world.registry.event_schema

    async def lagging(schema_id: int) -> AvroSchema:
        if schema_id != SCHEMA_ID:
            await gate.wait()
            world.registry.schemas[schema_id] = current_event_schema()
        return await look_up(schema_id)

    world.registry.event_schema = lagging  # type: ignore[method-assign]
    new = frame(SCHEMA_ID + 1, (a_record(an_event(), 0).value or b"")[HEADER_BYTES:])
    async with world.running() as pipeline:
        await pipeline.put(a_chunk(FakeRecord(0, new)))
        await pipeline.put(a_chunk(a_record(an_event(), 1)))
        await pipeline.put(a_chunk(a_record(an_event(), 0), partition=1))
        await until(lambda: world.committed(1) == 1)
        assert world.committed(0) == 0
        gate.set()
        await until(lambda: world.committed(0) == 2)
    assert (len(world.sink.activities), world.dead_letters.kept) == (3, [])


async def test_a_chunk_of_an_earlier_generation_is_left_to_the_next_owner() -> None:
    world = World()
    _, stale = events(2)
    made = an_event()
    world.group.generation = 2
    await world.work(a_chunk(a_record(made, 0), partition=1, generation=2))
    async with world.running() as pipeline:
        await pipeline.put(stale)
        await pipeline.put(a_chunk(a_record(an_event(), 1), partition=1, generation=2))
        await until(lambda: world.committed(1) == 2)
    assert world.committed(0) == 0


async def test_wrong_tables_end_the_worker_before_the_first_record() -> None:
    world = World()
    world.sink.schema_problem = WrongSchema("migration 0002 is missing")
    with pytest.raises(WrongSchema):
        await world.pipeline().run()


async def test_an_error_of_an_unknown_kind_ends_the_worker_and_commits_nothing() -> None:
    world = World()

    class Surprise(Exception):
        pass

    def write(_: object) -> None:
        raise Surprise

    world.sink.write = write  # type: ignore[assignment]
    pipeline = world.pipeline()
    running = asyncio.create_task(pipeline.run())
    await pipeline.put(events(1)[1])
    with pytest.raises(ExceptionGroup) as ended:
        await running
    assert ended.group_contains(Surprise)
    assert world.group.committed == {}


async def test_what_trickles_in_while_a_batch_is_stored_is_the_next_batch() -> None:
    """None of it waits behind another batch."""
    world = World()
    chunks = [a_chunk(a_record(an_event(), offset)) for offset in range(60)]
    world.sink.opened.clear()
    async with world.running() as pipeline:
        try:
            await pipeline.put(chunks[0])
            await until(lambda: world.known_events.answers == 1)
            async with asyncio.timeout(60):
                for chunk in chunks[1:]:
                    await pipeline.put(chunk)
                    # The pipeline's turn: what it would decode by now would not be with the others.
                    await asyncio.sleep(0)
        finally:
            world.sink.opened.set()
        await until(lambda: world.committed() == len(chunks))
    assert world.known_events.answers == 2
    assert len(world.sink.activities) == len(chunks)


async def test_a_large_batch_is_looked_up_while_another_is_stored() -> None:
    world = World()
    large = a_chunk(*(a_record(an_event(), offset) for offset in range(RECORDS_TO_OVERLAP)), partition=1)
    world.sink.opened.clear()
    async with world.running() as pipeline:
        try:
            await pipeline.put(events(1)[1])
            await until(lambda: world.known_events.answers == 1)
            await pipeline.put(large)
            await until(lambda: world.known_events.answers == 2)
            assert world.sink.activities == []
        finally:
            world.sink.opened.set()
        await until(lambda: world.committed(1) == RECORDS_TO_OVERLAP)


@pytest.mark.parametrize(
    ("records", "large"),
    [
        (0, {}),
        (20, {}),
        (60, {"value": bytes(60_000)}),
        (60, {"value": None, "key": bytes(60_000)}),
        (60, {"value": None, "headers": (("padding", bytes(60_000)),)}),
    ],
    ids=["by chunks", "by records", "by large values", "by large keys", "by large headers"],
)
async def test_a_full_pipeline_takes_nothing_more(
    records: int, large: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.pipeline.pipeline.WAITING_RECORDS", records)
    world = World()
    world.sink.faults.lost += [UNAVAILABLE] * 1000
    fed = 0

    async def feed(put: Callable[[Chunk], Awaitable[None]]) -> None:
        nonlocal fed
        for offset in range(100):
            await put(a_chunk(replace(a_record(an_event(), offset), **large)))
            fed += 1

    async with world.running() as pipeline:
        feeding = asyncio.create_task(feed(pipeline.put))
        await until(lambda: len(world.sink.faults.lost) < 500)
        stopped_at = fed
        await until(lambda: len(world.sink.faults.lost) < 200)
        assert (fed, fed < 40 + (0 if large else 2 * records)) == (stopped_at, True)
        feeding.cancel()


async def test_a_batch_that_is_stored_stays_in_memory_no_longer() -> None:
    def batches() -> int:
        gc.collect()
        return sum(type(held) is Batch for held in gc.get_objects())

    world, of_other_tests = World(), batches()
    async with world.running() as pipeline:
        await pipeline.put(events(3)[1])
        await until(lambda: world.committed() == 3)
        assert batches() <= of_other_tests


async def test_events_of_a_client_space_that_has_left_are_committed_and_nowhere_stored() -> None:
    answers: list[Exception | frozenset[str]] = [Unavailable("down"), frozenset({"gone"})]

    def off_boarded() -> frozenset[str]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    world = World(off_boarded=off_boarded)
    chunk = a_chunk(a_record(an_event(client_space_id="gone"), 0), a_record(an_event(), 1))
    await world.work(chunk)
    assert [row.client_space_id for row in world.sink.activities] == ["acme"]
    assert [row.client_space_id for row in world.history.activities] == ["acme"]
    assert world.dead_letters.kept == []
