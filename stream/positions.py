"""Where the next records of each partition must begin, whatever was fetched and thrown away meanwhile. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stream.offsets import Partition
from stream.records import Record

_PROOFS = 3
"""So often the same answer must come, where records are fetched again, before they are taken to be nowhere."""


@dataclass(frozen=True, slots=True)
class FetchAgain:
    """Records before those that came were fetched, and went to nobody: fetch from *offset*."""

    offset: int


@dataclass(frozen=True, slots=True)
class Hole:
    """The topic has no record at *offset*, nor at those behind it up to the first that came."""

    offset: int


class Positions:
    """What one generation of the group's membership was given: from where on, and how far.

    A rebalance throws away what was fetched, at several places and in any order with the seek that makes up for it. So
    that seek is not relied upon: what comes is compared with what must come.
    """

    def __init__(self) -> None:
        self._generation: int | None = None
        self._starts: dict[Partition, int] = {}
        self._next: dict[Partition, int] = {}
        self._answers: dict[Partition, tuple[tuple[int, int], int]] = {}

    def begin(self, generation: int, starts: Mapping[Partition, int]) -> None:
        """Of each partition of *generation*, the first offset to be read. Said again it changes nothing."""
        if generation == self._generation:
            return
        self._generation = generation
        self._starts = dict(starts)
        self._next = dict(starts)
        self._answers = {}

    def has_begun(self, generation: int) -> bool:
        """Whether it is known where *generation* begins."""
        return generation == self._generation

    def has(self, partition: Partition) -> bool:
        """Whether *partition* is one of those."""
        return partition in self._next

    def start(self, generation: int, partition: Partition) -> int | None:
        """Where *generation* began to read *partition*; `None` where that is not, or no longer, known."""
        return self._starts.get(partition) if generation == self._generation else None

    def judge(self, partition: Partition, fetched: Sequence[Record]) -> int | FetchAgain | Hole:
        """How many of *fetched* were given before, or why what comes first is not what must come.

        A hole is what a transaction's marker leaves, or a retention that was shorter than an outage.
        """
        expected, first = self._next[partition], fetched[0].offset
        if first == expected:
            return 0
        if first < expected:
            return sum(record.offset < expected for record in fetched)
        answer, count = self._answers.get(partition, (None, 0))
        count = count + 1 if answer == (expected, first) else 1
        self._answers[partition] = ((expected, first), count)
        return Hole(expected) if count > _PROOFS else FetchAgain(expected)

    def given(self, partition: Partition, next_offset: int) -> None:
        """Everything of *partition* below *next_offset* is on its way to the pipeline."""
        self._next[partition] = next_offset
