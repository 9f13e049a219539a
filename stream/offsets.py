"""The one place that knows which offsets are due, and that commits them."""

from collections.abc import Awaitable, Callable, Iterable

from stream.errors import OffsetGap
from stream.records import Chunk

Partition = tuple[str, int]
Commit = Callable[[dict[Partition, int]], Awaitable[bool]]
"""Commits next offsets for the consumer group; `False` where the group has moved on meanwhile."""


class Offsets:
    """Offsets of the partitions that this worker holds, contiguous within one generation of the group's membership.

    *current_generation* and *assigned* ask the consumer; *commit* tells the broker.
    """

    def __init__(
        self, *, current_generation: Callable[[], int], assigned: Callable[[], Iterable[Partition]], commit: Commit
    ) -> None:
        self._current_generation = current_generation
        self._assigned = assigned
        self._commit = commit
        self._expected: dict[Partition, tuple[int, int]] = {}

    def is_current(self, chunk: Chunk) -> bool:
        """Whether *chunk* was fetched in the present generation, from a partition that is still this worker's."""
        return chunk.generation == self._current_generation() and (chunk.topic, chunk.partition) in set(
            self._assigned()
        )

    def receive(self, chunk: Chunk) -> None:
        """Note that *chunk* has come. Raises `OffsetGap` where records before it, in this generation, have not.

        The topic is neither compacted nor written in transactions, so the offsets of a partition have no holes. Within
        one generation a hole means that a record was dropped on its way here; a commit beyond it would lose it.
        """
        partition = (chunk.topic, chunk.partition)
        generation, expected = self._expected.get(partition, (None, None))
        if generation == chunk.generation and expected is not None and chunk.first_offset != expected:
            raise OffsetGap(chunk.topic, chunk.partition, expected, chunk.first_offset)
        self._expected[partition] = (chunk.generation, chunk.next_offset)

    async def finish(self, chunks: Iterable[Chunk]) -> bool:
        """Commit *chunks*, whose every record is a row or a dead letter. `False` where some are no longer ours.

        What another worker has taken over is left to it: it reads those records again, and the store folds the copies.
        """
        given = list(chunks)
        current = [chunk for chunk in given if self.is_current(chunk)]
        due: dict[Partition, int] = {}
        for chunk in current:
            partition = (chunk.topic, chunk.partition)
            due[partition] = max(due.get(partition, 0), chunk.next_offset)
        committed = not due or await self._commit(due)
        return committed and len(current) == len(given)
