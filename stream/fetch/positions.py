"""Where the next records of each partition must begin, whatever was fetched and thrown away meanwhile. No effects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stream.fetch.records import Partition, Record

_PROOFS = 3
"""So often the same answer must come, where records are fetched again, before they are taken to be nowhere."""


@dataclass(frozen=True, slots=True)
class FetchAgain:
    """Records before those that came were fetched, and went to nobody: fetch from *offset*."""

    offset: int


class MadeAnew:
    """The topic ends before what was given of it: it is another topic, or has lost records."""


class Positions:
    """What one generation of the group's membership was given: from where on, and how far.

    A rebalance throws away what was fetched, at several places and in any order with the seek that makes up for it. So
    that seek is not relied upon: what comes is compared with what must come.
    """

    def __init__(self) -> None:
        self._generation: int | None = None
        self._starts: dict[Partition, int] = {}
        self._next: dict[Partition, int] = {}
        self._committed: frozenset[Partition] = frozenset()
        self._answers: dict[Partition, tuple[tuple[int, int], int]] = {}

    def begin(self, generation: int, committed: Mapping[Partition, int | None]) -> None:
        """Let *generation* begin where the group has *committed*, or with offset 0. Said again it changes nothing."""
        if generation == self._generation:
            return
        self._generation = generation
        self._starts = {partition: offset or 0 for partition, offset in committed.items()}
        self._next = dict(self._starts)
        self._committed = frozenset(partition for partition, offset in committed.items() if offset is not None)
        self._answers = {}

    def has_begun(self, generation: int) -> bool:
        """Whether it is known where *generation* begins."""
        return generation == self._generation

    def has(self, partition: Partition) -> bool:
        """Whether *partition* was given to this generation."""
        return partition in self._next

    def was_committed(self, partition: Partition) -> bool:
        """Whether the group had read *partition* before this generation, or this generation has."""
        return partition in self._committed or self._next[partition] > self._starts[partition]

    def start(self, generation: int, partition: Partition) -> int | None:
        """Where *generation* began to read *partition*; `None` where that is not, or no longer, known."""
        return self._starts.get(partition) if generation == self._generation else None

    def next(self, partition: Partition) -> int:
        """The first offset of *partition* that nobody was given yet."""
        return self._next[partition]

    def all_next(self) -> dict[Partition, int]:
        """The same, of each partition."""
        return dict(self._next)

    def reconcile(
        self, partition: Partition, fetched: Sequence[Record], *, end: int | None
    ) -> int | FetchAgain | MadeAnew:
        """How many of *fetched* to leave out, since they were given before; or from where to fetch instead.

        Where the same records come whenever others are asked for, those are nowhere: a transaction left its marker or
        aborted records in their place, or they left the topic. Where the partition's *end*, if it is known, comes
        before what the group has committed, the partition is read from its beginning. Where it comes before what was
        given, `MadeAnew` says that the generation must end: the next one has nothing given and reads so, too.
        """
        expected, first = self._next[partition], fetched[0].offset
        if first < expected and (first < self._starts[partition] or (end is not None and end < expected)):
            if expected != self._starts[partition]:
                return MadeAnew()
            self._starts[partition] = self._next[partition] = first
            return 0
        if first == expected:
            return 0
        if first < expected:
            return sum(record.offset < expected for record in fetched)
        answer, count = self._answers.get(partition, (None, 0))
        count = count + 1 if answer == (expected, first) else 1
        self._answers[partition] = ((expected, first), count)
        return 0 if count > _PROOFS else FetchAgain(expected)

    def given(self, partition: Partition, next_offset: int) -> None:
        """Everything of *partition* below *next_offset* is on its way to the pipeline."""
        self._next[partition] = next_offset
