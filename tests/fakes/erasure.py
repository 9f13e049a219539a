"""In-memory counterparts of what holds persons' names: ClickHouse's tables and the compacted topic."""

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from schemas.lifetimes import Erasure, Fact, erasure_of
from schemas.rows import (
    ACTIVITY_LOG,
    ERASED,
    PERSON_LIFETIMES,
    PERSON_NAMES,
    ActivityRow,
    PersonLifetimeRow,
    PersonNameRow,
)
from stream.erasure.guard import ErasedPersons, sorted_halves
from stream.erasure.name_topic import Swept
from stream.erasure.rules import Erasures, PersonKey, left_of_record, living_name
from stream.erasure.spaces import Held
from stream.pipeline.published_names import NameGuard, PublishedNames
from stream.pipeline.rows.history_codec import (
    NameKey,
    UnreadableHistory,
    decode_name,
    lifetime_records,
    read_person_key,
)
from stream.pipeline.rows.rows import Rows
from tests.fakes.stream import InMemorySink


class InMemoryPersonStore:
    """`PersonStore` on the lists of an `InMemorySink`."""

    def __init__(self, sink: InMemorySink) -> None:
        self.sink = sink

    def erased(self) -> "array[int]":
        return sorted_halves(row.person_ref for row in self.sink.lifetimes if row.change == ERASED)

    def erasures_in(self, client_space_id: str) -> dict[PersonKey, Erasure]:
        return erasures_of(row for row in self.sink.lifetimes if row.client_space_id == client_space_id)

    def of(self, persons: Collection[PersonKey]) -> list[PersonLifetimeRow]:
        return [row for row in set(self.sink.lifetimes) if person_of(row) in persons]

    def off_boarded(self) -> dict[str, datetime]:
        return self.sink.off_boarded

    def due(self, client_space_id: str | None = None) -> dict[PersonKey, Erasure]:
        erasures = erasures_of(self.sink.lifetimes)
        names = [row for row in self.sink.names if client_space_id in (None, row.client_space_id)]
        persons = {person_of(row) for row in names if living_name(row, erasures) != row}
        return {person: erasures[person] for person in persons}

    def remove(self, due: dict[PersonKey, Erasure]) -> None:
        self.sink.names = kept(self.sink.names, due)

    def merge(self) -> None:
        """Fold the names, as ClickHouse does whenever it likes."""
        folded: dict[tuple[str, UUID, str, str], PersonNameRow] = {}
        for row in self.sink.names:
            key = (row.client_space_id, row.person_ref, row.username, row.display_name)
            other = folded.get(key, row)
            folded[key] = row._replace(
                first_seen=min(row.first_seen, other.first_seen), last_seen=max(row.last_seen, other.last_seen)
            )
        self.sink.names = list(folded.values())


class InMemorySpaceStore:
    """`SpaceStore` on the lists of an `InMemorySink`."""

    def __init__(self, sink: InMemorySink) -> None:
        self.sink = sink

    def mark(self, spaces: Mapping[str, datetime]) -> None:
        self.sink.off_boarded |= spaces

    def lines(self, client_space_id: str) -> int:
        return len({row.event_id for row in self.sink.activities if row.client_space_id == client_space_id})

    def held(self, client_space_id: str) -> list[Held]:
        tables: dict[str, Sequence[ActivityRow | PersonLifetimeRow | PersonNameRow]] = {
            ACTIVITY_LOG: self.sink.activities,
            PERSON_LIFETIMES: self.sink.lifetimes,
            PERSON_NAMES: self.sink.names,
        }
        counted = {table: sum(row.client_space_id == client_space_id for row in rows) for table, rows in tables.items()}
        return [Held("audit", table, rows) for table, rows in counted.items() if rows]

    def remove(self) -> None:
        left, sink = self.sink.off_boarded, self.sink
        sink.names = [row for row in sink.names if row.client_space_id not in left]
        sink.activities = [row for row in sink.activities if row.client_space_id not in left]
        sink.lifetimes = [row for row in sink.lifetimes if row.client_space_id not in left]


@dataclass
class InMemoryTopics:
    """The two topics of the history; of the names the last record of each key, as compaction leaves them."""

    persons: dict[bytes, bytes] = field(default_factory=dict)
    lines: list[ActivityRow] = field(default_factory=list)

    def put(self, records: Mapping[bytes, bytes | None]) -> None:
        """Put in *records* as they are."""
        for key, value in records.items():
            if value is None:
                self.persons.pop(key, None)
            else:
                self.persons[key] = value

    def names(self) -> list[PersonNameRow]:
        """Every name in it, key by key."""
        places = ((read_person_key(key), value) for key, value in self.persons.items())
        return [decode_name(place, value) for place, value in places if isinstance(place, NameKey)]

    def lifetimes(self) -> set[PersonLifetimeRow]:
        """Every beginning and end of a life in it."""
        places = (read_person_key(key) for key in self.persons)
        return {place for place in places if isinstance(place, PersonLifetimeRow)}

    async def sweep(self, erased: ErasedPersons, expired: datetime) -> Swept:
        """See `NameTopic.sweep`."""
        erased.refresh()
        places = [read_person_key(key) for key in self.persons if is_readable(key)]
        names = [place for place in places if isinstance(place, NameKey)]
        erasures = erased.erasures({PersonKey(place.client_space_id, place.person_ref) for place in names})
        changed, unreadable = 0, list[str]()
        for key, value in list(self.persons.items()):
            try:
                left = left_of_record(key, value, erasures, expired, erased.off_boarded())
            except UnreadableHistory:
                unreadable.append(f"at {len(unreadable)}")
                continue
            changed += left != value
            if left is None:
                del self.persons[key]
            else:
                self.persons[key] = left
        return Swept(changed, tuple(unreadable))


class InMemoryWorkerHistory:
    """`History` of one worker on shared topics, with its own memory of what it published."""

    def __init__(self, topics: InMemoryTopics, guard: NameGuard) -> None:
        self._topics = topics
        self._guard = guard
        self._names = PublishedNames()

    async def publish(self, rows: Rows) -> None:
        due = self._names.due(rows.names, self._guard)
        self._topics.persons.update(lifetime_records(rows.lifetimes))
        self._topics.persons.update((name.key, name.value) for name in due)
        self._topics.lines += rows.activities
        self._names.remember(due)


def erasures_of(rows: Iterable[PersonLifetimeRow]) -> dict[PersonKey, Erasure]:
    """The erasures in *rows*, which must hold every fact of each person in them."""
    facts: dict[PersonKey, list[Fact]] = {}
    for row in rows:
        facts.setdefault(PersonKey(row.client_space_id, row.person_ref), []).append(row[2:])
    found = ((person, erasure_of(of_person)) for person, of_person in facts.items())
    return {person: erasure for person, erasure in found if erasure is not None}


def is_readable(key: bytes) -> bool:
    """Whether *key* is one of the topic of names."""
    try:
        read_person_key(key)
    except UnreadableHistory:
        return False
    return True


def person_of(row: PersonLifetimeRow | PersonNameRow) -> PersonKey:
    """Whom *row* is about."""
    return PersonKey(row.client_space_id, row.person_ref)


def kept(names: Iterable[PersonNameRow], erasures: Erasures) -> list[PersonNameRow]:
    """Those of *names* that may be kept, as they may be kept."""
    return [left for row in names if (left := living_name(row, erasures)) is not None]
