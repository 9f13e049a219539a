"""Decide which offsets are due, and commit them. Nothing else moves an offset."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from stream.errors import OffsetGap
from stream.fetch.records import Chunk, Partition


class Membership(Protocol):
    """This worker's membership of the consumer group, as `stream.fetch.membership.GroupMembership` has it.

    A *generation* is one assignment of partitions to this worker, as `Chunk` counts them.
    """

    def current_generation(self) -> int:
        """The present generation."""
        ...

    def assigned(self) -> set[Partition]:
        """The partitions that this worker holds now; none before its consumer has started."""
        ...

    def started_at(self, chunk: Chunk) -> int | None:
        """The offset at which the generation of *chunk* began to read its partition; `None` if it is over."""
        ...

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Commit next offsets for the group; `False` where a rebalance came first and nothing was committed."""
        ...


class Commits:
    """Commits chunks that are finished, contiguous in each partition from where a generation began to read it."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        self._next: dict[Partition, tuple[int, int]] = {}
        """Per partition, a generation and the offset after its last finished chunk."""

    def is_current(self, chunk: Chunk) -> bool:
        """Whether *chunk* was fetched in the present generation, from a partition that this worker still holds."""
        return chunk.generation == self._membership.current_generation() and chunk.place in self._membership.assigned()

    async def finish(self, chunks: Iterable[Chunk]) -> bool:
        """Commit *chunks*, whose every record is a row or a dead letter. `False` where some are no longer ours.

        The next owner of a partition reads those records again, and the tables merge the copies. Raises `OffsetGap`,
        before anything is committed, where a chunk of the present generation was left out before one of them.
        """
        given = list(chunks)
        current = [chunk for chunk in given if self.is_current(chunk)]
        due: dict[Partition, int] = {}
        for chunk in current:
            self._follow(chunk)
            due[chunk.place] = chunk.next_offset
        committed = not due or await self._membership.commit(due)
        return committed and len(current) == len(given)

    def _follow(self, chunk: Chunk) -> None:
        """Note *chunk*. Raises `OffsetGap` unless it begins where the one before it ended, or its generation began."""
        generation, expected = self._next.get(chunk.place, (None, None))
        if generation != chunk.generation:
            expected = self._membership.started_at(chunk)
        if expected is not None and chunk.begin != expected:
            raise OffsetGap(chunk.topic, chunk.partition, expected, chunk.begin)
        self._next[chunk.place] = (chunk.generation, chunk.next_offset)
