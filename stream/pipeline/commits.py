"""The one place that knows which offsets are due, and that commits them."""

from collections.abc import Awaitable, Callable, Iterable

from stream.errors import OffsetGap
from stream.fetch.records import Chunk

Partition = tuple[str, int]
Commit = Callable[[dict[Partition, int]], Awaitable[bool]]
"""Commits next offsets for the consumer group; `False` where the group has moved on meanwhile."""


class _Sequence:
    """Chunks one behind the other, in each partition from where a generation began to read it."""

    def __init__(self, started_at: Callable[[Chunk], int | None]) -> None:
        self._started_at = started_at
        self._next: dict[Partition, tuple[int, int]] = {}

    def follow(self, chunk: Chunk) -> None:
        """Note *chunk*. Raises `OffsetGap` unless it begins where the one before it ended, or the generation began.

        One of an earlier generation may come late, and is of no importance: it is not committed.
        """
        partition = (chunk.topic, chunk.partition)
        generation, expected = self._next.get(partition, (None, None))
        if generation is not None and chunk.generation < generation:
            return
        if generation != chunk.generation:
            expected = self._started_at(chunk)
        if expected is not None and chunk.begin != expected:
            raise OffsetGap(chunk.topic, chunk.partition, expected, chunk.begin)
        self._next[partition] = (chunk.generation, chunk.next_offset)


class Offsets:
    """Offsets of the partitions that this worker holds, contiguous within one generation of the group's membership.

    *current_generation* and *assigned* ask the consumer; *commit* tells the broker. *started_at* tells where a chunk's
    generation began to read its partition, and `None` of a generation that is over: nothing of it is committed.
    """

    def __init__(
        self,
        *,
        current_generation: Callable[[], int],
        assigned: Callable[[], Iterable[Partition]],
        started_at: Callable[[Chunk], int | None],
        commit: Commit,
    ) -> None:
        self._current_generation = current_generation
        self._assigned = assigned
        self._commit = commit
        self._received = _Sequence(started_at)
        self._finished = _Sequence(started_at)

    def is_current(self, chunk: Chunk) -> bool:
        """Whether *chunk* was fetched in the present generation, from a partition that is still this worker's."""
        return chunk.generation == self._current_generation() and (chunk.topic, chunk.partition) in set(
            self._assigned()
        )

    def receive(self, chunk: Chunk) -> None:
        """Note that *chunk* has come. Raises `OffsetGap` where records before it, in this generation, have not.

        A chunk tells of the offsets before it that have no record. Any other hole within one generation means that a
        record was dropped on its way here; a commit beyond it would lose it.
        """
        self._received.follow(chunk)

    async def finish(self, chunks: Iterable[Chunk]) -> bool:
        """Commit *chunks*, whose every record is a row or a dead letter. `False` where some are no longer ours.

        What another worker has taken over is left to it: it reads those records again, and the store folds the copies.
        Raises `OffsetGap`, before anything is committed, where one was left out before them in this generation.
        """
        given = list(chunks)
        current = [chunk for chunk in given if self.is_current(chunk)]
        due: dict[Partition, int] = {}
        for chunk in current:
            self._finished.follow(chunk)
            partition = (chunk.topic, chunk.partition)
            due[partition] = max(due.get(partition, 0), chunk.next_offset)
        committed = not due or await self._commit(due)
        return committed and len(current) == len(given)
