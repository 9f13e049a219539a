"""Whatever happened, in whatever order it arrives and however often: the deleted are nowhere, and no line is lost.

Random histories of a client space run through the worker's real rules (accept, guard, history, eraser) over in-memory
stores, in random interleavings, with replays, restarts, a second worker, merges and erasures in between. Producers'
clocks are wrong by minutes, and events reach the broker late. The other side is a model that knows nothing of rows,
stores or the order of processing.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from query_api.log import persons
from query_api.log.persons import DELETED_USER, KnownName, KnownPerson, Persons
from schemas import lifetimes
from schemas.avro_schemas import current_event_schema
from schemas.events import Activity, Event, Person, UserCreation, UserDeletion, UserLicenseUpdate
from schemas.fields import to_micros
from schemas.lifetimes import Erasure, Fact, happened_at
from schemas.person_ref import person_refs
from schemas.rows import PersonNameRow, precedence
from stream.erasure import guard, rules
from stream.erasure.eraser import Eraser
from stream.erasure.guard import ErasedPersons, GuardedSink
from stream.pipeline.accept import Accepted, accept
from stream.pipeline.rows.rows import rows_of
from tests.builders import KEY, SCHEMA_ID, a_chunk, a_record, an_event
from tests.fakes import erasure as fakes_erasure
from tests.fakes.erasure import InMemoryPersonStore, InMemoryTopics, InMemoryWorkerHistory, erasures_of
from tests.fakes.stream import InMemorySink

HISTORIES = 300
"""In `make test`. Each of the broken rules below falls within a hundred."""
MANY_HISTORIES = 3_000
"""In `make faults`, and at most for a broken rule."""
SPACE = "acme"
START = datetime(2026, 3, 1, tzinfo=UTC)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
REFS = person_refs(KEY)

MINUTE, MILLISECOND = 60_000_000, 1_000


class Happened(NamedTuple):
    """What happened (`create`, `delete`, `update`), to whom, by whom, and which of their names the two bore.

    The broker recorded it at the minute *recorded*; the producer dates it *lead* minutes later, or earlier if negative.
    """

    kind: str
    user: int
    admin: int
    recorded: int
    user_name: int
    admin_name: int
    lead: int = 0

    @property
    def occurred_at(self) -> datetime:
        """What the producer says."""
        return START + timedelta(minutes=self.recorded + self.lead)

    @property
    def at(self) -> int:
        """When it counts as having happened, in microseconds since the start: not after it was recorded."""
        return min((self.recorded + self.lead) * MINUTE, self.recorded * MINUTE + MILLISECOND)


def name_of(person: int, variant: int) -> str:
    return f"p{person}-name{variant}"


def to_event(number: int, what: Happened) -> Event:
    kind, user, admin, _, user_name, admin_name, _ = what
    activity: dict[str, Activity] = {
        "create": UserCreation(),
        "delete": UserDeletion(),
        "update": UserLicenseUpdate(None, "Data Reader"),
    }
    named = Person(f"usr_{user}", name_of(user, user_name))
    return an_event(
        activity[kind],
        event_id=UUID(int=number),
        occurred_at=what.occurred_at,
        client_space_id=SPACE,
        admin=Person(f"usr_{admin}", name_of(admin, admin_name)),
        affected_user=Person(named.id) if kind == "delete" else named,
    )


# The model: what must be shown and kept, read off the events as a set. -------------------------------------------


def lives(events: list[Happened], person: int) -> tuple[int | None, int | None]:
    """When *person* was deleted last, and when the life after that began. *events* are in the broker's order.

    A creation begins a life if no deletion is later, neither by the producers' clocks nor by the broker's order.
    """
    ends = [(event.at, place) for place, event in enumerate(events) if (event.kind, event.user) == ("delete", person)]
    begins = [(event.at, place) for place, event in enumerate(events) if (event.kind, event.user) == ("create", person)]
    if not ends:
        return None, None
    end = max(at for at, _ in ends)
    sure = [at for at, place in begins if all(at >= ended and place > before for ended, before in ends)]
    return end, max(min(sure), end + 1) if sure else None


def sightings(events: Iterable[Happened], person: int) -> Iterator[tuple[int, str]]:
    """When *person* was seen, and under which name."""
    for event in events:
        if event.admin == person:
            yield event.at, name_of(person, event.admin_name)
        if event.user == person and event.kind != "delete":
            yield event.at, name_of(person, event.user_name)


def spans(events: list[Happened], person: int) -> dict[str, tuple[int, int]]:
    """The names of *person*'s present life, and when each was first and last seen in it."""
    end, begin = lives(events, person)
    if end is not None and begin is None:
        return {}
    seen = [(at, name) for at, name in sightings(events, person) if begin is None or at >= begin]
    return {name: (min(m for m, n in seen if n == name), max(m for m, n in seen if n == name)) for _, name in seen}


def names_allowed(events: list[Happened], person: int, at: int) -> set[str | None]:
    """What a line that happened *at* may show for *person*: "Deleted User", or the name of that time.

    Two answers are right for a former life's name that came back: it counts from its first sighting in this life, or
    from the beginning of this life.
    """
    end, begin = lives(events, person)
    if end is not None and (begin is None or at < begin):
        return {DELETED_USER}
    known = spans(events, person)
    before = {name for seen, name in sightings(events, person) if begin is not None and seen < begin}
    readings = [known, {n: ((begin or 0) if n in before else f, t) for n, (f, t) in known.items()}]
    return {_name_then(reading, at) for reading in readings}


def _name_then(known: Mapping[str, tuple[int, int]], at: int) -> str | None:
    """Of the names seen by then and since then the last to come up; else the last one seen; else the first to come."""
    spanning = sorted((-first, last, name) for name, (first, last) in known.items() if first <= at <= last)
    before = sorted((-last, -first, name) for name, (first, last) in known.items() if last < at)
    after = sorted((first, last, name) for name, (first, last) in known.items() if first > at)
    return next((name for _, _, name in (*spanning, *before, *after)), None)


# The system: the real rules over in-memory stores. ---------------------------------------------------------------


@dataclass
class Worker:
    """One worker process: what it remembers dies with it."""

    store: InMemoryPersonStore
    topics: InMemoryTopics
    erased: ErasedPersons = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.erased = ErasedPersons(self.store)
        self._sink = GuardedSink(self.store.sink, self.erased)
        self._history = InMemoryWorkerHistory(self.topics, self.erased)

    async def work(self, batch: Iterable[Accepted]) -> None:
        rows = rows_of(list(batch), REFS)
        self._sink.write(rows)
        await self._history.publish(rows)

    async def erase(self) -> None:
        eraser = Eraser(self.store, self.topics, self.erased, clock=lambda: START + timedelta(days=30))
        await eraser.run()


@dataclass
class World:
    """Two workers on one store."""

    store: InMemoryPersonStore = field(default_factory=lambda: InMemoryPersonStore(InMemorySink()))
    topics: InMemoryTopics = field(default_factory=InMemoryTopics)

    def __post_init__(self) -> None:
        self.workers = [Worker(self.store, self.topics) for _ in range(2)]

    def shown(self) -> dict[int, tuple[str | None, str | None]]:
        """Each event with the names that a reader sees of its affected user and its admin."""
        lifetimes = {
            person.person_ref: Erasure(erasure.erased_at, erasure.recreated_at)
            for person, erasure in erasures_of(self.store.sink.lifetimes).items()
        }
        known: dict[UUID, KnownPerson] = {}
        for row in self.store.sink.names:
            before = known[row.person_ref].names if row.person_ref in known else ()
            name = KnownName(row.first_seen, row.last_seen, row.username, row.display_name)
            known[row.person_ref] = KnownPerson(row.person_id, (*before, name))
        shows = Persons(KEY, SPACE, lifetimes, known)
        return {
            row.event_id.int: tuple(  # type: ignore[misc]
                person.display_name or person.username
                for person in (
                    shows.show(ref, happened_at(row.occurred_at, row.precedence))
                    for ref in (row.affected_user_ref, row.admin_ref)
                )
            )
            for row in self.store.sink.activities
        }


async def play(events: list[Happened], steps: list[tuple[str, int, list[int]]], world: World) -> None:
    """Run *steps*: batches of some events on one of the workers, and what happens between batches."""
    outcomes = [outcome_of(number, event) for number, event in enumerate(events)]
    arrived: set[int] = set()
    for step, worker, numbers in steps:
        match step:
            case "batch":
                await world.workers[worker].work(outcomes[number] for number in numbers)
                arrived |= set(numbers)
            case "erase":
                await world.workers[worker].erase()
            case "restart":
                world.workers[worker].restart()
            case "merge":
                world.store.merge()
        # Even half-way, nothing of a life is shown that ended in what has arrived.
        check_lines([event if number in arrived else None for number, event in enumerate(events)], world)
    await world.workers[0].erase()
    world.store.merge()


def outcome_of(number: int, event: Happened) -> Accepted:
    record = a_record(to_event(number, event), number, recorded_at=START + timedelta(minutes=event.recorded))
    (accepted,), _ = accept(a_chunk(record), {SCHEMA_ID: current_event_schema()})
    return accepted


def check_lines(arrived: list[Happened | None], world: World) -> None:
    """Every event that has arrived is a line, and each shows who it may."""
    events = [event for event in arrived if event is not None]
    shown = world.shown()
    assert shown.keys() == {number for number, event in enumerate(arrived) if event is not None}, "lost"
    for number, event in enumerate(arrived):
        if event is not None:
            for person, name in zip((event.user, event.admin), shown[number], strict=True):
                end, begin = lives(events, person)
                if end is not None and (begin is None or event.at < begin):
                    assert name == DELETED_USER
                else:
                    assert name in {None, *spans(events, person)}


async def replay(events: list[Happened], world: World) -> None:
    """Read everything again from offset 0, with a worker that has just started."""
    world.workers[0].restart()
    await world.workers[0].work(outcome_of(number, event) for number, event in enumerate(events))
    await world.workers[0].erase()
    world.store.merge()


def check_nothing_left(events: list[Happened], world: World) -> None:
    """Neither the store nor the topic holds a name that is not the present life's."""
    allowed = {f"usr_{person}": set(spans(events, person)) for person in range(3)}
    for row in (*world.store.sink.names, *world.topics.names()):
        assert row.username in allowed[row.person_id]


def check_end(events: list[Happened], world: World) -> None:
    """The end state is the model's, in the store and in the topics."""
    shown = world.shown()
    for number, event in enumerate(events):
        assert shown[number][0] in names_allowed(events, event.user, event.at)
        assert shown[number][1] in names_allowed(events, event.admin, event.at)
    assert world.topics.lifetimes() == set(world.store.sink.lifetimes)
    assert {row.event_id for row in world.topics.lines} == {row.event_id for row in world.store.sink.activities}
    for names in (world.store.sink.names, world.topics.names()):
        for person in range(3):
            check_names(events, person, [row for row in names if row.person_id == f"usr_{person}"])
        # What no id says belongs to a person is nobody's: there is none.
        assert {row.person_id for row in names} <= {"usr_0", "usr_1", "usr_2"}


def check_names(events: list[Happened], person: int, rows: list[PersonNameRow]) -> None:
    _, begin = lives(events, person)
    expected = spans(events, person)
    assert {row.username for row in rows} == set(expected)
    before = {name for at, name in sightings(events, person) if begin is not None and at < begin}
    for name, (first, last) in expected.items():
        of_name = [row for row in rows if row.username == name]
        assert max(row.last_seen for row in of_name) == START + timedelta(microseconds=last)
        seen_first = min(row.first_seen for row in of_name)
        assert seen_first == START + timedelta(microseconds=first) or (
            name in before and begin is not None and START + timedelta(microseconds=begin) <= seen_first
        )


EVENTS = st.lists(
    st.builds(
        Happened,
        st.sampled_from(["create", "delete", "update", "update"]),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 12),
        st.integers(0, 2),
        st.integers(0, 2),
        # Exact clocks; late events and slow clocks; fast clocks.
        st.sampled_from([0, 0, 0, 0, -1, -4, -12, 1, 3, 10]),
    ),
    min_size=1,
    max_size=9,
).map(lambda events: sorted(events, key=lambda event: event.recorded))


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Happened], list[tuple[str, int, list[int]]]]:
    """Events, and steps in which each of them arrives at least once."""
    events = draw(EVENTS)
    numbers = st.integers(0, len(events) - 1)
    arrivals = draw(st.permutations(range(len(events)))) + draw(st.lists(numbers, max_size=4))
    steps: list[tuple[str, int, list[int]]] = []
    while arrivals:
        count = draw(st.integers(1, 4))
        steps.append(("batch", draw(st.integers(0, 1)), list(arrivals[:count])))
        arrivals = arrivals[count:]
        steps += draw(
            st.lists(
                st.tuples(st.sampled_from(["erase", "restart", "merge"]), st.integers(0, 1), st.just([])), max_size=2
            )
        )
    return events, steps


async def prove(events: list[Happened], steps: list[tuple[str, int, list[int]]]) -> None:
    world = World()
    await play(events, steps, world)
    check_nothing_left(events, world)
    # A name that came after the deletion and before the creation that makes it the new life's was not kept. It may have
    # been the deleted person's, so it comes back with the next event that bears it, or with a replay.
    await replay(events, world)
    check_end(events, world)


def test_no_history_leaks_a_deleted_person_or_loses_a_line(pytestconfig: pytest.Config) -> None:
    # A history is short as it is, and to find a shorter one takes minutes.
    run_histories(
        MANY_HISTORIES if pytestconfig.getoption("--faults-long") else HISTORIES,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )


def run_histories(count: int, **options: Any) -> None:
    """Prove that many histories, or raise what the first one raises that is wrong."""

    @settings(max_examples=count, suppress_health_check=list(HealthCheck), **options)
    @given(histories())
    def run(history: tuple[list[Happened], list[tuple[str, int, list[int]]]]) -> None:
        asyncio.run(prove(*history))

    run()


# The harness itself: a rule that is broken on purpose turns it red. ----------------------------------------------


def ignore_the_tombstone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody counts as deleted: not for the readers, not for the guard."""
    monkeypatch.setattr(Erasure, "is_deleted", lambda _self, _at: False)


def never_take_a_name_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard and the eraser let every name live."""
    for module in (rules, guard, fakes_erasure):
        monkeypatch.setattr(module, "living_name", lambda row, _erasures: row)


def join_on_the_latest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line shows what its persons are called today."""

    def latest(names: Iterable[KnownName], life_start: datetime, _at: datetime) -> KnownName | None:
        return real_name_at(names, life_start, datetime.max.replace(tzinfo=UTC))

    real_name_at = persons.name_at
    monkeypatch.setattr(persons, "name_at", latest)


def inherit_the_former_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later creation brings the old names back."""

    def forgetful(facts: Iterable[Fact]) -> Erasure | None:
        known = set(facts)
        return None if any(change == "created" for change, *_ in known) else lifetimes.erasure_of(known)

    replace_the_rule(monkeypatch, forgetful)


def believe_the_producers_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A creation that claims to be later than the last deletion begins a life, whenever the broker recorded it."""

    def gullible(facts: Iterable[Fact]) -> Erasure | None:
        return lifetimes.erasure_of(
            (change, at, event, precedence(to_micros(at) // 1000, 0)) for change, at, event, _ in facts
        )

    replace_the_rule(monkeypatch, gullible)


def replace_the_rule(monkeypatch: pytest.MonkeyPatch, rule: Callable[[Iterable[Fact]], Erasure | None]) -> None:
    for module in (guard, fakes_erasure):
        monkeypatch.setattr(module, "erasure_of", rule)


BROKEN = [
    ignore_the_tombstone,
    never_take_a_name_away,
    join_on_the_latest_name,
    inherit_the_former_life,
    believe_the_producers_clocks,
]


@pytest.mark.parametrize("break_it", BROKEN)
def test_a_broken_rule_turns_the_histories_red(
    break_it: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_it(monkeypatch)
    with pytest.raises(AssertionError):
        run_histories(MANY_HISTORIES, database=None, phases=[Phase.generate])
