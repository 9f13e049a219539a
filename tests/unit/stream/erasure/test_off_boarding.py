"""A client space that has left is gone, and whatever is read again brings nothing of it back."""

import threading
from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import pytest

from schemas.rows import CREATED, ERASED, PersonLifetimeRow, PersonNameRow
from schemas.topics import ACTIVITY_LOG_TOPIC, PERSON_NAMES_TOPIC
from stream.clients.topic_reader import TopicReader
from stream.erasure.eraser import Eraser
from stream.erasure.guard import KNOWN_SECONDS, ErasedPersons, GuardedHistory, GuardedSink
from stream.erasure.ledger import reapply
from stream.erasure.name_topic import Swept
from stream.erasure.off_boarding import SETTLING, OffBoarding
from stream.erasure.rules import PersonKey
from stream.errors import Unavailable
from stream.pipeline.history import line_messages
from stream.pipeline.rows.history_codec import (
    NameKey,
    OffBoarded,
    encode_name,
    lifetime_records,
    off_boarded_record,
    read_off_boarded,
    read_person_key,
)
from stream.pipeline.rows.rows import Rows
from stream.pipeline.unreadable import UnreadableRecords
from tests.builders import NOW, a_lifetime, a_uuid
from tests.contract.test_log_sink import a_line
from tests.fakes.erasure import InMemoryPersonStore, InMemorySpaceStore, InMemoryTopics
from tests.fakes.stream import InMemoryHistory, InMemorySink
from tests.unit.stream.erasure.test_unreadable import InMemoryReader, a_rebuild

LEFT_AT = NOW + timedelta(days=1)


def rows_of(space: str) -> Rows:
    """A line, a name and a fact."""
    name = PersonNameRow(space, a_uuid(1), "usr_ada", "ada@example.com", "Ada", NOW, NOW)
    return Rows(
        [a_lifetime(space, a_uuid(1), CREATED, NOW)], [name], [a_line(a_uuid(hash(space) % 99), client_space_id=space)]
    )


class Killed(Exception):
    """The process ends here."""


@dataclass
class World:
    """Two client spaces with the same content; *dies_at* is the number of the effect before which the process ends."""

    sink: InMemorySink = field(default_factory=InMemorySink)
    topics: InMemoryTopics = field(default_factory=InMemoryTopics)
    dies_at: int | None = None
    waited: list[float] = field(default_factory=list)
    now: datetime = LEFT_AT
    slowness: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        for space in ("acme", "other"):
            rows = rows_of(space)
            self.sink.write(rows)
            self.topics.put(dict(lifetime_records(rows.lifetimes)))
            self.topics.put({NameKey(space, a_uuid(1), "a", 0).encoded(): encode_name(rows.names[0])})
        self.effects = 0

    def effect(self) -> None:
        if self.effects == self.dies_at:
            raise Killed
        self.effects += 1

    def off_boarding(self) -> OffBoarding:
        persons, world = InMemoryPersonStore(self.sink), self

        class Spaces(InMemorySpaceStore):
            def mark(self, spaces: Mapping[str, datetime]) -> None:
                world.effect()
                super().mark(spaces)

            def remove(self) -> None:
                world.effect()
                super().remove()

        class Topic:
            async def mark(self, client_space_id: str, at: datetime) -> None:
                world.effect()
                world.now += world.slowness
                world.topics.put(dict([off_boarded_record(client_space_id, at)]))

            async def held(self, client_space_id: str) -> int:
                raise NotImplementedError

        async def sleep(seconds: float) -> None:
            world.effect()
            world.waited.append(seconds)

        eraser = Eraser(persons, self.topics, ErasedPersons(persons), clock=lambda: self.now)

        async def swept() -> Swept:
            world.effect()
            return await eraser.sweep()

        return OffBoarding(
            Spaces(self.sink),
            Topic(),
            swept,
            clock=lambda: self.now,
            sleep=sleep,
        )

    def spaces_in_topic(self) -> set[str]:
        places = map(read_person_key, self.topics.persons)
        return {place.client_space_id for place in places if not isinstance(place, OffBoarded)}  # type: ignore[union-attr]

    def is_gone(self) -> bool:
        spaces = {row.client_space_id for rows in (self.sink.activities, self.sink.names) for row in rows}
        facts = {row.client_space_id for row in self.sink.lifetimes}
        return spaces == facts == self.spaces_in_topic() == {"other"}


async def test_lines_names_and_facts_go_from_every_store_and_another_client_space_s_stay() -> None:
    world = World()
    await world.off_boarding().run("acme", None)
    assert world.is_gone()
    assert world.sink.off_boarded == {"acme": LEFT_AT}
    key, value = off_boarded_record("acme", LEFT_AT)
    assert world.topics.persons[key] == value


@pytest.mark.parametrize("dies_at", range(5))
async def test_one_that_was_cut_off_anywhere_is_finished_by_the_next_run(dies_at: int) -> None:
    world = World(dies_at=dies_at)
    with pytest.raises(Killed):
        await world.off_boarding().run("acme", None)
    # Nothing goes before both marks are there: what is read again would bring it back.
    assert dies_at >= 2 or {row.client_space_id for row in world.sink.activities} == {"acme", "other"}
    world.dies_at = None
    await world.off_boarding().run("acme", world.sink.off_boarded.get("acme"))
    assert world.is_gone()


async def test_nothing_is_removed_before_every_worker_knows_and_the_proof_of_the_next_day_does_not_wait() -> None:
    world = World()
    await world.off_boarding().run("acme", None)
    world.now = LEFT_AT + timedelta(days=1)
    await world.off_boarding().run("acme", LEFT_AT)
    assert world.waited == [SETTLING.total_seconds()]
    assert world.sink.off_boarded == {"acme": LEFT_AT}


async def test_workers_have_all_the_time_to_learn_of_a_mark_that_was_written_slowly() -> None:
    world = World(slowness=timedelta(hours=1), dies_at=2)
    with pytest.raises(Killed):
        await world.off_boarding().run("acme", None)
    world.dies_at = None
    await world.off_boarding().run("acme", LEFT_AT)
    assert world.waited == [SETTLING.total_seconds()]


@pytest.mark.parametrize("space", ["acme", "a/b", "segment-roll/1", "x/off-boarded", f"acme/{a_uuid(1)}/name/a/0"])
def test_the_mark_of_any_client_space_is_read_as_it_was_written(space: str) -> None:
    key, value = off_boarded_record(space, LEFT_AT)
    assert read_person_key(key) == OffBoarded(space)
    assert read_off_boarded(value) == LEFT_AT


@pytest.mark.parametrize("space", ["x/off-boarded", "off-boarded"])
def test_no_name_or_fact_of_a_client_space_is_taken_for_a_mark(space: str) -> None:
    name = NameKey(space, a_uuid(1), "a", 0)
    fact = a_lifetime(space, a_uuid(1), ERASED, NOW)
    assert read_person_key(name.encoded()) == name
    assert read_person_key(lifetime_records([fact])[0][0]) == fact


async def test_a_rebuild_brings_nothing_back_although_the_topics_still_hold_it() -> None:
    records: dict[str, list[tuple[bytes, bytes | None]]] = {PERSON_NAMES_TOPIC: [], ACTIVITY_LOG_TOPIC: []}
    for space in ("acme", "other"):
        rows = rows_of(space)
        records[PERSON_NAMES_TOPIC] += [
            *lifetime_records(rows.lifetimes),
            (NameKey(space, a_uuid(1), "a", 0).encoded(), encode_name(rows.names[0])),
        ]
        records[ACTIVITY_LOG_TOPIC] += [(one.key, one.value) for one in line_messages(rows.activities)]
    records[PERSON_NAMES_TOPIC].append(off_boarded_record("acme", LEFT_AT))
    sink = InMemorySink()
    await a_rebuild(records, sink).load()
    found = [row.client_space_id for rows in (sink.activities, sink.names, sink.lifetimes) for row in rows]
    assert found == ["other"] * 3
    assert sink.off_boarded == {"acme": LEFT_AT}


async def test_a_rebuild_under_way_drops_what_it_had_loaded() -> None:
    rows = rows_of("acme")
    lines: list[tuple[bytes, bytes | None]] = [(one.key, one.value) for one in line_messages(rows.activities)]
    records = {PERSON_NAMES_TOPIC: lifetime_records(rows.lifetimes), ACTIVITY_LOG_TOPIC: lines}
    sink = InMemorySink()
    rebuild = a_rebuild(cast("dict[str, list[tuple[bytes, bytes | None]]]", records), sink)
    await rebuild.load()
    assert len(sink.activities) == 1
    cast("list[tuple[bytes, bytes]]", records[PERSON_NAMES_TOPIC]).append(off_boarded_record("acme", LEFT_AT))
    await rebuild.catch_up()
    assert (sink.activities, sink.lifetimes) == ([], [])


async def test_a_restored_database_loses_it_again_when_the_ledger_is_reapplied() -> None:
    sink = InMemorySink()
    for space in ("acme", "other"):
        sink.write(rows_of(space))
    reader = cast("TopicReader", InMemoryReader({PERSON_NAMES_TOPIC: [off_boarded_record("acme", LEFT_AT)]}))
    assert await reapply(reader, sink, InMemorySpaceStore(sink), UnreadableRecords()) == 0
    assert [row.client_space_id for row in sink.activities] == ["other"]


def test_a_worker_knows_who_has_left_before_its_first_batch() -> None:
    class Down(InMemoryPersonStore):
        def off_boarded(self) -> dict[str, datetime]:
            raise Unavailable("down")

    with pytest.raises(Unavailable):
        ErasedPersons(Down(InMemorySink())).refresh()
    sink = InMemorySink()
    sink.off_boarded["acme"] = LEFT_AT
    erased = ErasedPersons(InMemoryPersonStore(sink))
    erased.refresh()
    assert erased.off_boarded() == {"acme"}


def test_a_worker_that_had_nothing_to_do_knows_who_has_left_before_its_next_batch() -> None:
    sink, now = InMemorySink(), [0.0]
    erased = ErasedPersons(InMemoryPersonStore(sink), clock=lambda: now[0])
    erased.refresh()
    sink.off_boarded["acme"] = LEFT_AT
    now[0] = KNOWN_SECONDS + 1
    assert erased.off_boarded_now() == {"acme"}


def test_a_batch_that_was_decoded_before_the_mark_is_written_without_the_client_space() -> None:
    sink, now = InMemorySink(), [0.0]
    guarded = GuardedSink(sink, ErasedPersons(InMemoryPersonStore(sink), clock=lambda: now[0]))
    guarded.check_schema()
    acme, other = rows_of("acme"), rows_of("other")
    sink.off_boarded["acme"] = LEFT_AT
    now[0] = KNOWN_SECONDS + 1
    guarded.write(
        Rows(
            [*acme.lifetimes, *other.lifetimes],
            [*acme.names, *other.names],
            [*acme.activities, *other.activities],
        )
    )
    found = [row.client_space_id for rows in (sink.activities, sink.names, sink.lifetimes) for row in rows]
    assert found == ["other"] * 3


class SlowStore(InMemoryPersonStore):
    """Each answer about persons takes longer than what is known of client spaces may be old; one leaves meanwhile."""

    now = 0.0

    def erased(self) -> "array[int]":
        self._pass()
        return super().erased()

    def of(self, persons: Collection[PersonKey]) -> list[PersonLifetimeRow]:
        self._pass()
        return super().of(persons)

    def _pass(self) -> None:
        self.now += KNOWN_SECONDS + 1


def test_a_client_space_that_leaves_while_a_batch_s_names_are_judged_is_not_written() -> None:
    store = InMemorySink()
    store.lifetimes.append(a_lifetime("acme", a_uuid(1), ERASED, NOW))

    class Leaving(SlowStore):
        def of(self, persons: Collection[PersonKey]) -> list[PersonLifetimeRow]:
            store.off_boarded["acme"] = LEFT_AT
            return super().of(persons)

    slow, written = Leaving(store), InMemorySink()
    guarded = GuardedSink(written, ErasedPersons(slow, clock=lambda: slow.now))
    guarded.write(rows_of("acme"))
    assert [*written.activities, *written.names, *written.lifetimes] == []


def test_a_slow_look_at_the_erased_makes_what_is_known_of_client_spaces_no_older() -> None:
    store = SlowStore(InMemorySink())
    erased = ErasedPersons(store, clock=lambda: store.now)
    erased.refresh()
    erased.without_off_boarded(rows_of("acme"))
    assert erased.refreshes() == 1


async def test_a_publication_that_is_tried_again_after_the_mark_has_nothing_of_the_client_space() -> None:
    sink, now, history = InMemorySink(), [0.0], InMemoryHistory()
    guarded = GuardedHistory(history, ErasedPersons(InMemoryPersonStore(sink), clock=lambda: now[0]))
    history.faults.lost.append(Unavailable("down"))
    with pytest.raises(Unavailable):
        await guarded.publish(rows_of("acme"))
    sink.off_boarded["acme"] = LEFT_AT
    now[0] = KNOWN_SECONDS + 1
    await guarded.publish(rows_of("acme"))
    await guarded.publish(rows_of("other"))
    assert {row.client_space_id for row in history.activities} == {"other"}


def test_an_answer_that_was_asked_for_earlier_takes_no_later_one_s_place() -> None:
    sink, asked, go_on = InMemorySink(), threading.Event(), threading.Event()

    class Slow(InMemoryPersonStore):
        def off_boarded(self) -> dict[str, datetime]:
            known = dict(super().off_boarded())
            if not asked.is_set():
                asked.set()
                go_on.wait()
            return known

    erased = ErasedPersons(Slow(sink))
    earlier, later = (threading.Thread(target=erased.refresh) for _ in range(2))
    earlier.start()
    asked.wait()
    sink.off_boarded["acme"] = LEFT_AT
    later.start()
    later.join(0.1)  # it ends at once, or waits for the earlier one
    go_on.set()
    for thread in (earlier, later):
        thread.join()
    assert set(erased.off_boarded()) == {"acme"}
