"""Keeps names of erased persons from being stored again: the worker's memory of who was erased, before its ports."""

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from schemas.lifetimes import Erasure, Fact, erasure_of
from schemas.rows import ERASED, PersonLifetimeRow, PersonNameRow
from stream.erasure.rules import Erasures, PersonKey, living_name
from stream.pipeline.rows.names import Names
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import LogSink


class Lifetimes(Protocol):
    """Where beginnings and ends of lives are kept."""

    def of_erased(self) -> list[PersonLifetimeRow]:
        """Every fact of everybody who was ever deleted. Blocks; raises `Unavailable`."""
        ...

    def of(self, persons: Collection[PersonKey]) -> list[PersonLifetimeRow]:
        """Every fact of *persons*. Blocks; raises `Unavailable`."""
        ...


class ErasedPersons:
    """Everybody who was ever deleted, as far as this worker knows; safe to use from several threads.

    It is whole once `refresh` has been called, and from then on knows at once what the worker itself writes. What
    other workers write it learns at the next `refresh`: for so long a name of a person whom they erased may be stored
    again here. No reader shows it, and the eraser, which refreshes first, removes it.

    Facts are only ever added, so nothing depends on which came first.
    """

    def __init__(self, lifetimes: Lifetimes) -> None:
        self._lifetimes = lifetimes
        self._facts: dict[PersonKey, set[Fact]] = {}
        self._erasures: dict[PersonKey, Erasure] = {}
        # The same persons as names by columns tell them: every batch is held against them.
        self._erased_refs: set[tuple[str, str]] = set()
        self._is_whole = False
        self._lock = threading.RLock()

    def refresh(self) -> Erasures:
        """Learn what the store knows. Blocks; raises `Unavailable`."""
        self._add(self._lifetimes.of_erased())
        self._is_whole = True
        with self._lock:
            return dict(self._erasures)

    def learn(self, rows: Collection[PersonLifetimeRow]) -> None:
        """Take in *rows* of a batch, before any name of the same batch is judged. Blocks; raises `Unavailable`."""
        if not self._is_whole:
            self.refresh()
        persons = {PersonKey(row.client_space_id, row.person_ref) for row in rows if row.change == ERASED}
        # A creation that came first, though it happened later, was of no interest until now.
        if unknown := {person for person in persons if person not in self._facts}:
            self._add(self._lifetimes.of(unknown))
        self._add(row for row in rows if self._concerns(row, persons))

    def living(self, rows: Sequence[PersonNameRow]) -> Sequence[PersonNameRow]:
        """Those of *rows* that may be kept, as they may be kept; the very same object where that is all of them."""
        with self._lock:
            if not self._erased_refs:
                return rows
            columns = Names.of(rows).columns
            concerned = self._erased_refs.intersection(zip(columns.client_space_id, columns.person_ref, strict=True))
            if not concerned:
                return rows
            return [kept for row in rows if (kept := living_name(row, self._erasures)) is not None]

    def was_erased(self, client_space_id: str, person_ref: str) -> bool:
        """Whether the person was ever deleted."""
        return (client_space_id, person_ref) in self._erased_refs

    def _concerns(self, row: PersonLifetimeRow, erased: set[PersonKey]) -> bool:
        person = PersonKey(row.client_space_id, row.person_ref)
        return person in erased or person in self._facts

    def _add(self, rows: Iterable[PersonLifetimeRow]) -> None:
        with self._lock:
            touched = set()
            for row in rows:
                person = PersonKey(row.client_space_id, row.person_ref)
                self._facts.setdefault(person, set()).add(row[2:])
                touched.add(person)
            for person in touched:
                erasure = erasure_of(self._facts[person])
                if erasure is not None:
                    self._erasures[person] = erasure
                    self._erased_refs.add((person.client_space_id, str(person.person_ref)))


class GuardedSink:
    """A `LogSink` that passes on no name of an erased person."""

    def __init__(self, sink: LogSink, erased: ErasedPersons) -> None:
        self._sink = sink
        self._erased = erased

    def check_schema(self) -> None:
        """See `LogSink.check_schema`."""
        self._sink.check_schema()

    def write(self, rows: Rows) -> None:
        """See `LogSink.write`."""
        self._erased.learn(rows.lifetimes)
        self._sink.write(replace(rows, names=self._erased.living(rows.names)))
