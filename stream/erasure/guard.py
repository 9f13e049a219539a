"""Keeps names of erased persons from being stored again: the worker's memory of who was erased, before its ports."""

import asyncio
import threading
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from schemas.lifetimes import Fact, erasure_of
from schemas.rows import ERASED, PersonLifetimeRow, PersonNameRow
from stream.erasure.rules import Erasures, PersonKey, living_name
from stream.pipeline.history import History
from stream.pipeline.rows.lines import Lines
from stream.pipeline.rows.persons import LifetimeRows, Names
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import LogSink

log = structlog.get_logger(__name__)

KNOWN_SECONDS = 60.0
"""How old the memory may be when a write begins. An off-boarding counts on it."""
MAX_LEARNED = 50_000
MAX_CACHED = 20_000
_HALF = (1 << 64) - 1


def half_of(person_ref: UUID) -> int:
    """The second half of a ref: enough to tell that a person may have been erased. Refs are hashes of space and id."""
    return person_ref.int & _HALF


class Lifetimes(Protocol):
    """Where beginnings and ends of lives are kept."""

    def erased(self) -> "array[int]":
        """`half_of` everybody who was ever deleted, sorted. Blocks; raises `Unavailable`."""
        ...

    def of(self, persons: Collection[PersonKey]) -> list[PersonLifetimeRow]:
        """Every fact of *persons*. Blocks; raises `Unavailable`."""
        ...

    def off_boarded(self) -> Mapping[str, datetime]:
        """The client spaces that have left, and when. Blocks; raises `Unavailable`."""
        ...


class ErasedPersons:
    """Everybody who was ever deleted, and the client spaces that have left, as far as this worker knows.

    Safe to use from several threads.

    Eight bytes a person are kept. The facts of a person are read where a name of theirs comes by.

    It knows at once what this worker writes. It learns what others write by `refresh`, which precedes each write that
    begins `KNOWN_SECONDS` or more after the last one; whoever calls it sooner spares that write the wait. Until then a
    name of a person whom they erased may be stored again here: no reader shows it, and the eraser, which refreshes
    first, removes it.

    *in_doubt* is told how many persons a batch leaves deleted although a later creation is known (`Erasure`).
    """

    def __init__(
        self,
        lifetimes: Lifetimes,
        *,
        in_doubt: Callable[[int], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lifetimes = lifetimes
        self._in_doubt = in_doubt
        self._clock = clock
        self._erased: array[int] = array("Q")
        self._learned: set[int] = set()
        self._facts: dict[PersonKey, set[Fact]] = {}
        self._off_boarded: frozenset[str] = frozenset()
        self._changes = 0
        self._refreshes = 0
        self._learned_at = float("-inf")
        self._lock = threading.Lock()
        self._one_refresh = threading.Lock()

    def refresh(self) -> None:
        """Learn what the store knows. Blocks; raises `Unavailable`."""
        # One at a time: an answer that was asked for earlier must not take the place of a later one.
        with self._one_refresh:
            self._refresh()

    def _refresh(self) -> None:
        erased = self._lifetimes.erased()
        # Last: it must not have grown old while the others were read.
        asked_at = self._clock()
        self._off_boarded = frozenset(self._lifetimes.off_boarded())
        stored = {half for half in tuple(self._learned) if _is_in(erased, half)}
        with self._lock:
            self._erased = erased
            # What the store does not hold yet is on its way there.
            self._learned -= stored
            self._forget_facts()
            self._refreshes += 1
        self._learned_at = asked_at

    def learn(self, rows: Collection[PersonLifetimeRow]) -> None:
        """Take in *rows* of a batch, before any name of the same batch is judged. Blocks; raises `Unavailable`."""
        if self._is_old() or len(self._learned) > MAX_LEARNED:
            self.refresh()
        if not rows:
            return
        spaces, refs, changes, *_ = LifetimeRows.of(rows).columns
        with self._lock:
            self._learned.update(_half_in(ref) for ref, change in zip(refs, changes, strict=True) if change == ERASED)
            self._forget_facts()
        places = zip(spaces, refs, strict=True)
        persons = {PersonKey(space, UUID(ref)) for space, ref in places if self._may_be(_half_in(ref))}
        found = self.erasures(persons, rows)
        doubtful = [person for person, erasure in found.items() if erasure.is_doubtful]
        for space, ref in doubtful:
            log.warning("a person stays deleted: clocks disagree", client_space_id=space, person_ref=str(ref))
        self._in_doubt(len(doubtful))

    def wrote(self, rows: Collection[PersonLifetimeRow]) -> None:
        """Note that the store has *rows*: what was read of these persons before is old."""
        if rows:
            with self._lock:
                self._forget_facts()

    def living(
        self, rows: Sequence[PersonNameRow], lifetimes: Collection[PersonLifetimeRow] = ()
    ) -> Sequence[PersonNameRow]:
        """Those of *rows* that may be kept, as they may be kept; the very same object where that is all of them.

        *lifetimes* are facts that the store may not have yet. Blocks; raises `Unavailable`.
        """
        if not self._erased and not self._learned:
            return rows
        columns = Names.of(rows).columns
        may_be, half_in = self._may_be, _half_in
        refs = {ref for ref in set(columns.person_ref) if may_be(half_in(ref))}
        places = zip(columns.client_space_id, columns.person_ref, strict=True) if refs else ()
        concerned = {PersonKey(space, UUID(ref)) for space, ref in places if ref in refs}
        if not concerned:
            return rows
        erasures = self.erasures(concerned, lifetimes)
        return [kept for row in rows if (kept := living_name(row, erasures)) is not None]

    def was_erased(self, person_ref: str) -> bool:
        """Whether the person, of the client space that the ref tells of, was ever deleted.

        Of 2**64 / n others, one is taken for one of n who were.
        """
        return self._may_be(_half_in(person_ref))

    def off_boarded(self) -> Collection[str]:
        """The client spaces that have left, as of the last `refresh`."""
        return self._off_boarded

    def off_boarded_now(self) -> Collection[str]:
        """The client spaces that have left, as of `KNOWN_SECONDS` ago or later. Blocks; raises `Unavailable`."""
        if self._is_old():
            self.refresh()
        return self._off_boarded

    def without_off_boarded(self, rows: Rows) -> Rows:
        """*rows* but for those of `off_boarded_now`; the very same object where there are none. It does as that."""
        return _without(self.off_boarded_now(), rows)

    def refreshes(self) -> int:
        """How often `refresh` has succeeded."""
        return self._refreshes

    def erasures(self, persons: Collection[PersonKey], lifetimes: Collection[PersonLifetimeRow] = ()) -> Erasures:
        """The erasures of those of *persons* who were deleted, by what the store and *lifetimes* know.

        Blocks; raises `Unavailable`.
        """
        facts = self._facts_of(persons)
        for row in lifetimes if facts else ():
            person = PersonKey(row.client_space_id, row.person_ref)
            if person in facts:
                facts[person] = facts[person] | {row[2:]}
        found = ((person, erasure_of(of_person)) for person, of_person in facts.items())
        return {person: erasure for person, erasure in found if erasure is not None}

    def _facts_of(self, persons: Collection[PersonKey]) -> dict[PersonKey, set[Fact]]:
        with self._lock:
            known = {person: self._facts[person] for person in persons if person in self._facts}
            changes = self._changes
        missing = [person for person in persons if person not in known]
        if missing:
            read: dict[PersonKey, set[Fact]] = {person: set() for person in missing}
            for row in self._lifetimes.of(missing):
                read[PersonKey(row.client_space_id, row.person_ref)].add(row[2:])
            with self._lock:
                # What was read before a change may be older than it.
                if changes == self._changes and len(self._facts) + len(read) <= MAX_CACHED:
                    self._facts |= read
            known |= read
        return known

    def _is_old(self) -> bool:
        return self._clock() - self._learned_at > KNOWN_SECONDS

    def _may_be(self, half: int) -> bool:
        return half in self._learned or _is_in(self._erased, half)

    def _forget_facts(self) -> None:
        self._facts.clear()
        self._changes += 1


def _half_in(person_ref: str) -> int:
    """`half_of` a ref that is a canonical text."""
    return int(person_ref[19:23] + person_ref[24:], 16)


def _is_in(erased: "array[int]", half: int) -> bool:
    place = bisect_left(erased, half)
    return place < len(erased) and erased[place] == half


def sorted_halves(refs: Iterable[UUID]) -> "array[int]":
    """What `Lifetimes.erased` answers for *refs*."""
    return array("Q", sorted({half_of(ref) for ref in refs}))


class GuardedSink:
    """A `LogSink` that passes on no name of an erased person, and nothing of a client space that has left.

    A batch may wait long between its decoding and its writing. So each attempt to write asks who has left by then.
    """

    def __init__(self, sink: LogSink, erased: ErasedPersons) -> None:
        self._sink = sink
        self._erased = erased

    def check_schema(self) -> None:
        """See `LogSink.check_schema`. On return it is known who was erased, and which client spaces have left."""
        self._sink.check_schema()
        self._erased.refresh()

    def write(self, rows: Rows) -> None:
        self._erased.learn(rows.lifetimes)
        rows = replace(rows, names=self._erased.living(rows.names, rows.lifetimes))
        # Last: to judge the names of a full batch may take minutes, and an off-boarding counts on them.
        rows = self._erased.without_off_boarded(rows)
        self._sink.write(rows)
        self._erased.wrote(rows.lifetimes)


class GuardedHistory:
    """A `History` that publishes nothing of a client space that has left; each attempt asks who has, by then."""

    def __init__(self, history: History, erased: ErasedPersons) -> None:
        self._history = history
        self._erased = erased

    async def publish(self, rows: Rows) -> None:
        await self._history.publish(await asyncio.to_thread(self._erased.without_off_boarded, rows))


def _without(spaces: Collection[str], rows: Rows) -> Rows:
    """*rows* but for those of *spaces*; the very same object where there are none."""
    if not spaces or not _spaces_in(rows).intersection(spaces):
        return rows
    return Rows(
        [row for row in rows.lifetimes if row.client_space_id not in spaces],
        [row for row in rows.names if row.client_space_id not in spaces],
        [row for row in rows.activities if row.client_space_id not in spaces],
    )


def _spaces_in(rows: Rows) -> set[str]:
    columns = LifetimeRows.of(rows.lifetimes).columns, Names.of(rows.names).columns, Lines.of(rows.activities).columns
    return set().union(*(of_table.client_space_id for of_table in columns))
