"""The eraser and the guard, step by step; `test_erasure_histories.py` runs them through everything at once."""

import asyncio
import tracemalloc
from array import array
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from schemas.lifetimes import Erasure
from schemas.rows import CREATED, ERASED, PersonLifetimeRow, PersonNameRow
from stream.commands.common import in_words
from stream.erasure.eraser import Eraser, compacted_within
from stream.erasure.guard import ErasedPersons, GuardedSink
from stream.erasure.name_topic import Swept
from stream.erasure.rules import PersonKey
from stream.errors import Unavailable
from stream.pipeline.published_names import PublishedNames
from stream.pipeline.rows.rows import Rows
from tests.builders import NOW, a_lifetime, a_uuid
from tests.fakes.erasure import InMemoryPersonStore, InMemoryTopics
from tests.fakes.stream import UNAVAILABLE, InMemorySink

ADA = PersonKey("acme", a_uuid(1))


def day(number: int) -> datetime:
    return NOW + timedelta(days=number)


def a_name(at: int = 1, person: int = 1) -> PersonNameRow:
    return PersonNameRow("acme", a_uuid(person), f"usr_{person}", "ada@example.com", "Ada", day(at), day(at))


def a_change(change: str, at: int, person: int = 1) -> PersonLifetimeRow:
    return a_lifetime("acme", a_uuid(person), change, day(at))


class CountingTopic(InMemoryTopics):
    """Counts its sweeps, and fails those that it is told to."""

    sweeps = 0
    fails = 0

    async def sweep(self, erased: ErasedPersons, expired: datetime) -> Swept:
        self.sweeps += 1
        if self.fails:
            self.fails -= 1
            raise UNAVAILABLE
        return await super().sweep(erased, expired)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def an_eraser(store: InMemoryPersonStore, topic: CountingTopic, clock: Clock) -> Eraser:
    return Eraser(store, topic, ErasedPersons(store), clock=clock)


@pytest.mark.parametrize(
    ("segment_minutes", "lag_minutes", "minutes"),
    [(30, 60, 75), (59, 60, 75), (60, 60, 135), (60, 30, 75), (30, 150, 165), (None, 60, 135), (30, None, None)],
)
def test_what_a_sweep_overwrote_is_gone_once_a_later_sweep_ended_its_segment(
    segment_minutes: int | None, lag_minutes: int | None, minutes: int | None
) -> None:
    def ms(minutes: int | None) -> str:
        return str(2**63 - 1 if minutes is None else minutes * 60_000)

    config = {"segment.ms": ms(segment_minutes), "max.compaction.lag.ms": ms(lag_minutes)}
    assert compacted_within(config) == (None if minutes is None else timedelta(minutes=minutes))


async def test_a_sweep_that_failed_is_made_up_for_by_the_next_one() -> None:
    topic = CountingTopic()
    topic.fails = 1
    eraser = an_eraser(InMemoryPersonStore(InMemorySink()), topic, Clock())
    with pytest.raises(Unavailable):
        await eraser.run()
    assert (await eraser.run()).overwritten == 0
    assert topic.sweeps == 2


async def test_a_run_tells_how_many_persons_it_erased() -> None:
    store = InMemoryPersonStore(InMemorySink())
    store.sink.write(Rows([a_change(ERASED, 2), a_change(ERASED, 2, 2)], [a_name(), a_name(person=2), a_name(0)]))
    assert (await an_eraser(store, CountingTopic(), Clock()).run()).persons == 2
    assert store.sink.names == []


async def test_a_name_that_comes_in_while_its_person_is_erased_is_removed_by_the_next_attempt() -> None:
    class Racing(InMemoryPersonStore):
        late = 1

        def remove(self, due: dict[PersonKey, Erasure]) -> None:
            super().remove(due)
            if self.late:
                self.late -= 1
                self.sink.names.append(a_name())

    store = Racing(InMemorySink())
    store.sink.write(Rows([a_change(ERASED, 2)], [a_name()]))
    await an_eraser(store, CountingTopic(), Clock()).run()
    assert store.sink.names == []
    store.late = 99
    store.sink.names.append(a_name())
    with pytest.raises(Unavailable, match="as fast as they are removed"):
        await an_eraser(store, CountingTopic(), Clock()).run()


def test_a_deletion_keeps_the_names_of_its_own_batch_out() -> None:
    sink = InMemorySink()
    guarded = GuardedSink(sink, ErasedPersons(InMemoryPersonStore(sink)))
    guarded.write(Rows([a_change(ERASED, 2)], [a_name(), a_name(3)]))
    assert (sink.names, len(sink.lifetimes)) == ([], 1)


def test_a_creation_that_was_stored_before_its_deletion_came_still_begins_a_life() -> None:
    sink = InMemorySink()
    guarded = GuardedSink(sink, ErasedPersons(InMemoryPersonStore(sink)))
    guarded.write(Rows([a_change(CREATED, 4)], [a_name(4)]))
    guarded.write(Rows([a_change(ERASED, 2)], [a_name(1), a_name(5)]))
    assert sink.names == [a_name(4), a_name(5)]


def test_nothing_is_passed_on_before_the_deletions_are_known() -> None:
    class Down(InMemoryPersonStore):
        def erased(self) -> "array[int]":
            raise UNAVAILABLE

    sink = InMemorySink()
    with pytest.raises(Unavailable):
        GuardedSink(sink, ErasedPersons(Down(sink))).write(Rows(names=[a_name()]))
    assert sink.names == []


def test_what_is_given_to_the_sink_is_left_as_it_is() -> None:
    sink = InMemorySink()
    rows = Rows([a_change(ERASED, 2)], [a_name()])
    GuardedSink(sink, ErasedPersons(InMemoryPersonStore(sink))).write(rows)
    assert rows.names == [a_name()]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "—"), (NOW.replace(microsecond=0), "2026-11-24T09:31:07Z"), (3, "3")]
)
def test_values_are_printed_as_people_read_them(value: object, text: str) -> None:
    assert in_words(value) == text


def test_the_eraser_tells_how_many_persons_are_due() -> None:
    class Stuck(InMemoryPersonStore):
        def remove(self, due: dict[PersonKey, Erasure]) -> None:  # noqa: ARG002 - the port has it
            raise UNAVAILABLE

    told: list[int] = []
    store = Stuck(InMemorySink())
    store.sink.write(Rows([a_lifetime("acme", a_uuid(1), ERASED, day(2))], [a_name()]))
    eraser = Eraser(store, InMemoryTopics(), ErasedPersons(store), due_persons=told.append)
    with pytest.raises(Unavailable):
        asyncio.run(eraser.remove())
    assert told == [1]


class CountingStore(InMemoryPersonStore):
    """Counts how many persons' facts were read."""

    read = 0

    def of(self, persons: Collection[PersonKey]) -> list[PersonLifetimeRow]:
        self.read += len(persons)
        return super().of(persons)


def test_facts_are_read_for_persons_who_come_by_and_were_erased_and_are_forgotten_at_the_next_refresh() -> None:
    store = CountingStore(InMemorySink())
    store.sink.write(Rows([a_change(ERASED, 2, n) for n in range(1, 4)] + [a_change(CREATED, 4, 1)]))
    erased = ErasedPersons(store)
    erased.refresh()
    names = [a_name(5, 1), a_name(5, 2), a_name(5, 9)]
    for _ in range(2):
        assert erased.living(names) == [names[0], names[2]]
    assert store.read == 2
    erased.refresh()
    erased.living(names)
    assert store.read == 4


def test_a_creation_that_is_stored_is_known_at_once_though_its_person_was_looked_up_before() -> None:
    sink = InMemorySink()
    erased = ErasedPersons(InMemoryPersonStore(sink))
    guarded = GuardedSink(sink, erased)
    guarded.write(Rows([a_change(ERASED, 2)], [a_name(5)]))
    guarded.write(Rows([a_change(CREATED, 4)], [a_name(6)]))
    assert sink.names == [a_name(6)]
    assert erased.living([a_name(7)]) == [a_name(7)]


def test_an_erasure_that_is_not_stored_yet_outlives_a_refresh() -> None:
    class Failing(InMemorySink):
        fails = True

        def write(self, rows: Rows) -> None:
            if self.fails:
                raise UNAVAILABLE
            super().write(rows)

    sink = Failing()
    erased = ErasedPersons(InMemoryPersonStore(sink))
    with pytest.raises(Unavailable):
        GuardedSink(sink, erased).write(Rows([a_change(ERASED, 2)]))
    for _ in range(3):
        erased.refresh()
        assert erased.was_erased(str(a_uuid(1)))
    assert not erased.was_erased(str(a_uuid(2)))


def test_who_stays_deleted_in_doubt_is_told() -> None:
    told: list[int] = []
    sink = InMemorySink()
    guarded = GuardedSink(sink, ErasedPersons(InMemoryPersonStore(sink), in_doubt=told.append))
    guarded.write(Rows([a_change(ERASED, 2), a_change(ERASED, 2, 2), a_change(CREATED, 1, 2)]))
    guarded.write(Rows([a_lifetime("acme", a_uuid(1), CREATED, day(1), recorded_at=day(3))]))
    assert told == [0, 1]


def test_a_million_deletions_cost_a_worker_at_most_fifty_megabytes() -> None:
    class Many(InMemoryPersonStore):
        def erased(self) -> "array[int]":
            return array("Q", range(0, 2**64, 2**64 // 1_000_000))

    erased = ErasedPersons(Many(InMemorySink()))
    tracemalloc.start()
    try:
        erased.refresh()
        erased.refresh()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50_000_000
    assert erased.was_erased(str(UUID(int=2**64 // 1_000_000 * 777)))
    assert not erased.was_erased(str(UUID(int=1)))


def test_a_name_in_memory_is_forgotten_at_the_refresh_after_its_person_was_erased() -> None:
    sink = InMemorySink()
    erased, names = ErasedPersons(InMemoryPersonStore(sink)), PublishedNames()
    erased.refresh()
    names.remember(names.due([a_name(1, 1), a_name(1, 2)], erased))
    # Another worker erases; this one hears of it at the next refresh.
    sink.write(Rows([a_change(ERASED, 2)]))
    erased.refresh()
    names.due([], erased)
    assert [name[1] for name in names._known] == [str(a_uuid(2))]
