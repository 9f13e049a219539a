"""A record that this version cannot read: what stops for it, what goes on, and that nobody quotes it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import cast

import pytest
from aiokafka import ConsumerRecord

from schemas.rows import CREATED, ERASED, PersonNameRow
from schemas.topics import ACTIVITY_LOG_TOPIC, PERSON_NAMES_TOPIC
from stream.clients.topic_reader import Extent, TopicReader
from stream.erasure.guard import ErasedPersons
from stream.erasure.ledger import reapply
from stream.errors import UnreadableRecord
from stream.pipeline.rows.history_codec import NameKey, encode_name, lifetime_records
from stream.pipeline.unreadable import MAX_NAMED, UnreadableRecords, in_words
from stream.rebuild.rebuild import Rebuild
from stream.rebuild.store import RebuildStore
from tests.builders import NOW, a_lifetime, a_uuid
from tests.fakes.erasure import InMemoryPersonStore, InMemorySpaceStore
from tests.fakes.stream import InMemorySink

CREATION, DELETION = (a_lifetime("acme", a_uuid(n), c, NOW) for n, c in ((1, CREATED), (2, ERASED)))
NAME = PersonNameRow("acme", a_uuid(1), "usr_ada", "ada@example.com", "Ada", NOW, NOW)
KEYS = [NameKey("acme", a_uuid(n), "a", n).encoded() for n in range(4)]
NEWER = b"\xc3\x01newer-v9ada@example.com"

Records = Mapping[str, Sequence[tuple[bytes, bytes | None]]]


class InMemoryReader:
    """A `TopicReader` of *records*, each topic of one partition."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def extents(self, topic: str) -> dict[int, Extent]:
        return {0: Extent(0, len(self._records.get(topic, ())))}

    async def records(
        self, topic: str, extents: Mapping[int, Extent], start: Mapping[int, int] | None = None
    ) -> AsyncIterator[tuple[Sequence[ConsumerRecord], dict[int, int]]]:
        first = (start or {}).get(0, 0)
        found = enumerate(self._records.get(topic, ()))
        yield [_a_record(topic, offset, *one) for offset, one in found if offset >= first], {0: extents[0].end}


def _a_record(topic: str, offset: int, key: bytes, value: bytes | None) -> ConsumerRecord:
    return ConsumerRecord(topic, 0, offset, 0, 0, key, value, None, len(key), len(value or b""), ())


class InMemoryProgress:
    """What a `Rebuild` asks of its store."""

    def prepare(self) -> None:
        self.places: dict[str, dict[int, int]] = {}

    def progress(self, name: str) -> dict[int, int]:
        return self.places.get(name, {})

    def advance(self, name: str, next_offsets: Mapping[int, int]) -> None:
        self.places[name] = dict(next_offsets)


def a_rebuild(records: Records, sink: InMemorySink, unreadable: UnreadableRecords | None = None) -> Rebuild:
    store, reader = cast("RebuildStore", InMemoryProgress()), cast("TopicReader", InMemoryReader(records))
    erased = ErasedPersons(InMemoryPersonStore(sink))
    spaces = InMemorySpaceStore(sink)
    rebuild = Rebuild(store, sink, erased, spaces, reader, clock=lambda: NOW + timedelta(days=1))
    if unreadable is not None:
        rebuild.unreadable = unreadable
    return rebuild


def persons(*records: tuple[bytes, bytes | None]) -> Records:
    return {PERSON_NAMES_TOPIC: [*records, *lifetime_records([CREATION, DELETION])]}


UNREADABLE: dict[str, tuple[Records, str]] = {
    "key": (persons((b"acme/ada@example.com", b"1")), f"{PERSON_NAMES_TOPIC}[0]@0"),
    "key that is no text": (persons((b"\xff ada@example.com", b"1")), f"{PERSON_NAMES_TOPIC}[0]@0"),
    "name": (persons((KEYS[1], encode_name(NAME)), (KEYS[3], NEWER)), f"{PERSON_NAMES_TOPIC}[0]@1"),
    "lines": ({**persons(), ACTIVITY_LOG_TOPIC: [(b"acme", NEWER)]}, f"{ACTIVITY_LOG_TOPIC}[0]@0"),
    "no lines": ({**persons(), ACTIVITY_LOG_TOPIC: [(b"acme", None)]}, f"{ACTIVITY_LOG_TOPIC}[0]@0"),
}


@pytest.mark.parametrize("what", UNREADABLE)
async def test_a_rebuild_refuses_what_it_cannot_read_in_one_line_with_its_place(what: str) -> None:
    records, place = UNREADABLE[what]
    with pytest.raises(UnreadableRecord) as refused:
        await a_rebuild(records, InMemorySink()).load()
    assert str(refused.value).startswith(f"{place}: ")
    assert "ada" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("what", UNREADABLE)
async def test_a_rebuild_that_is_told_to_leaves_it_out_and_names_it(what: str) -> None:
    records, place = UNREADABLE[what]
    sink, unreadable = InMemorySink(), UnreadableRecords()
    await a_rebuild(records, sink, unreadable).load()
    assert unreadable.places == {place}
    assert set(sink.lifetimes) == {CREATION, DELETION}
    assert sink.names == ([NAME] if what == "name" else [])


async def test_a_rebuild_refuses_neither_what_was_overwritten_nor_a_name_that_the_next_sweep_overwrites() -> None:
    sink = InMemorySink()
    await a_rebuild(persons((b"odd", None), (KEYS[2], NEWER), (KEYS[1], encode_name(NAME))), sink).load()
    assert (set(sink.lifetimes), sink.names) == ({CREATION, DELETION}, [NAME])


async def test_the_ledger_is_applied_but_for_what_cannot_be_read() -> None:
    sink, unreadable = InMemorySink(), UnreadableRecords()
    reader = cast("TopicReader", InMemoryReader(persons((b"odd", b"1"), (KEYS[1], NEWER), (b"odder", None))))
    assert await reapply(reader, sink, InMemorySpaceStore(sink), unreadable) == 2
    assert set(sink.lifetimes) == {CREATION, DELETION}
    assert unreadable.places == {f"{PERSON_NAMES_TOPIC}[0]@0"}


def test_of_many_places_the_first_are_named_and_all_are_counted() -> None:
    assert in_words(["b", "a"]) == "2 records cannot be read by this version: a, b"
    assert in_words(map(str, range(100, 100 + MAX_NAMED + 3))).endswith("108, 109 and 3 more")
