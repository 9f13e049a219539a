"""Decides which sightings of names to publish: a compacted topic must tell when each name was first and last seen."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple, Protocol
from uuid import uuid4

from schemas.fields import MICROSECOND
from schemas.rows import PersonNameRow
from stream.pipeline.rows.history_codec import encode_sightings, name_key
from stream.pipeline.rows.persons import Names

MAX_REMEMBERED_NAMES = 30_000

LAST_SIGHTING_SLACK = timedelta(days=7)
"""By how much the published last sighting of a name may lag. To publish every sighting would double the worker's work.
A name may therefore expire a week late, which is as long as Kafka keeps the event itself."""

_SLACK = LAST_SIGHTING_SLACK // MICROSECOND

_Person = tuple[str, str]
_Name = tuple[str, str, str, str]
_Span = tuple[str, int, int]
"""The id that a person has, and when they were seen under a name first and last."""


class Due(NamedTuple):
    """A record that must be published: of which name, over which span."""

    key: bytes
    value: bytes
    name: _Name
    span: _Span


class NameGuard(Protocol):
    """What keeps names of erased persons out; see `ErasedPersons`."""

    def living(self, rows: Sequence[PersonNameRow]) -> Sequence[PersonNameRow]:
        """Those of *rows* that may be kept, as they may be kept."""
        ...

    def was_erased(self, person_ref: str) -> bool:
        """Whether the person was ever deleted."""
        ...

    def refreshes(self) -> int:
        """How often it has learned whom other workers erased."""
        ...


@dataclass(slots=True, eq=False)
class _Sightings:
    """What this process knows of one name: its number in the topic, over which span it was seen, and what is published.

    *is_one_of_several* tells whether its person was seen under another name, too.
    """

    serial: int
    first_seen: int
    last_seen: int
    person_id: str
    is_one_of_several: bool = False
    published: _Span | None = None

    def add(self, person_id: str, first_seen: int, last_seen: int) -> None:
        """Note another sighting."""
        self.person_id = person_id
        self.first_seen = min(self.first_seen, first_seen)
        self.last_seen = max(self.last_seen, last_seen)

    def is_due(self) -> bool:
        """Whether what was seen must be published."""
        if self.published is None:
            return True
        person_id, first_seen, last_seen = self.published
        return (
            self.last_seen - last_seen > (0 if self.is_one_of_several else _SLACK)
            or self.first_seen < first_seen
            or self.person_id != person_id
        )


@dataclass(slots=True)
class PublishedNames:
    """What this process has published of each name, so that a compacted topic keeps its first sighting as well.

    The broker keeps the last record of a key, and that must tell the whole span over which a name was seen. No process
    knows the whole span; so each writes under keys of its own, an *epoch*, and a reader unites them. Nothing need be
    asked of the store for that, and two workers cannot overwrite each other. What is forgotten starts a new epoch.
    """

    epoch: str = field(default_factory=lambda: uuid4().hex[:16])
    _known: dict[_Name, _Sightings] = field(default_factory=dict)
    _first_names: dict[_Person, _Name] = field(default_factory=dict)
    # Names with sightings that did not matter before their person was seen under a second name.
    _overdue: set[_Name] = field(default_factory=set)
    _refreshes: int = 0
    # Never used twice in a process, whatever was published of what was due.
    _serials: Iterator[int] = field(default_factory=itertools.count)

    def due(self, rows: Sequence[PersonNameRow], guard: NameGuard) -> list[Due]:
        """The records that *rows* call for: none for a sighting within the span that is published, but for a week.

        For a person with several names every sighting is due: which name a line shows depends on the last one, too.
        """
        if len(self._known) > MAX_REMEMBERED_NAMES:
            for memory in (self._known, self._first_names, self._overdue):
                memory.clear()
            self.epoch = uuid4().hex[:16]
        if self._refreshes != guard.refreshes():
            self._refreshes = guard.refreshes()
            self._forget_erased(guard)
        candidates: dict[_Name, None] = {}
        for space, ref, person_id, username, display_name, first_seen, last_seen in zip(
            *Names.of(rows).columns, strict=True
        ):
            name = space, ref, username, display_name
            sightings = self._noted(name, person_id, first_seen, last_seen)
            # Of a person who was ever erased the sweep may have taken away what was published, and what counts is to
            # which side of a creation the last sighting lies.
            if sightings.is_due() or guard.was_erased(ref):
                candidates[name] = None
        return [
            due for name in (*candidates, *(self._overdue - candidates.keys())) for due in self._living(name, guard)
        ]

    def remember(self, published: Iterable[Due]) -> None:
        """Note that the broker has *published*."""
        for due in published:
            self._known[due.name].published = due.span
            self._overdue.discard(due.name)

    def _noted(self, name: _Name, person_id: str, first_seen: int, last_seen: int) -> _Sightings:
        """What is known of *name*, this sighting included."""
        sightings = self._known.get(name)
        if sightings is not None:
            sightings.add(person_id, first_seen, last_seen)
            return sightings
        sightings = self._known[name] = _Sightings(next(self._serials), first_seen, last_seen, person_id)
        first_name = self._first_names.setdefault(name[:2], name)
        if first_name != name:
            first = self._known[first_name]
            first.is_one_of_several = sightings.is_one_of_several = True
            if first.is_due():
                self._overdue.add(first_name)
        return sightings

    def _living(self, name: _Name, guard: NameGuard) -> Iterator[Due]:
        """The record of *name*, if it may be kept.

        The span as a whole is judged: it may reach back into a life that has ended since it was published.
        """
        space, ref, username, display_name = name
        sightings = self._known[name]
        person_id, first_seen, last_seen = sightings.person_id, sightings.first_seen, sightings.last_seen
        if guard.was_erased(ref):
            kept = guard.living([Names.to_row(space, ref, person_id, username, display_name, first_seen, last_seen)])
            if not kept:
                self._forget(name)
                return
            (first_seen,) = Names.of(kept).columns.first_seen
            sightings.first_seen = first_seen
        value = encode_sightings(person_id, username, display_name, first_seen, last_seen)
        key = name_key(space, ref, self.epoch, sightings.serial)
        yield Due(key, value, name, (person_id, first_seen, last_seen))

    def _forget_erased(self, guard: NameGuard) -> None:
        """Forget every name that may not be kept: this memory must not outlive its persons' erasure either."""
        erased = [name for name in self._known if guard.was_erased(name[1])]
        rows = [
            Names.to_row(*name[:2], known.person_id, *name[2:], known.first_seen, known.last_seen)
            for name in erased
            for known in [self._known[name]]
        ]
        columns = Names.of(guard.living(rows)).columns if rows else None
        living = set((columns and zip(columns[0], columns[1], columns[3], columns[4], strict=True)) or ())
        for name in erased:
            if name not in living:
                self._forget(name)

    def _forget(self, name: _Name) -> None:
        self._known.pop(name, None)
        self._overdue.discard(name)
        if self._first_names.get(name[:2]) == name:
            del self._first_names[name[:2]]
