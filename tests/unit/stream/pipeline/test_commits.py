"""Offsets move only over what is finished, and only while it is ours."""

from dataclasses import replace

import pytest

from stream.errors import OffsetGap
from stream.pipeline.commits import Commits
from tests.builders import FakeRecord, a_chunk
from tests.fakes.stream import InMemoryGroup

TOPIC = "user-management.events"


def records(*offsets: int) -> list[FakeRecord]:
    return [FakeRecord(offset, b"") for offset in offsets]


async def test_the_offset_after_the_last_finished_record_is_committed() -> None:
    group = InMemoryGroup()
    commits = Commits(group)
    chunks = [a_chunk(*records(5, 6)), a_chunk(*records(7)), a_chunk(*records(0), partition=2)]
    assert await commits.finish(chunks) is True
    assert group.committed == {(TOPIC, 0): 8, (TOPIC, 2): 1}


async def test_a_chunk_of_an_earlier_generation_is_not_committed() -> None:
    group = InMemoryGroup()
    group.generation = 2
    assert await Commits(group).finish([a_chunk(*records(5))]) is False
    assert group.committed == {}


async def test_a_partition_that_was_taken_away_is_not_committed() -> None:
    group = InMemoryGroup(partitions=[1])
    commits = Commits(group)
    assert await commits.finish([a_chunk(*records(5)), a_chunk(*records(3), partition=1)]) is False
    assert group.committed == {(TOPIC, 1): 4}


async def test_a_refused_commit_is_reported() -> None:
    group = InMemoryGroup()
    group.refuses_commits = True
    assert await Commits(group).finish([a_chunk(*records(5))]) is False


async def test_a_hole_within_a_generation_ends_the_worker() -> None:
    commits = Commits(InMemoryGroup())
    await commits.finish([a_chunk(*records(5, 6))])
    with pytest.raises(OffsetGap, match="expected offset 7, received 8"):
        await commits.finish([a_chunk(*records(8))])


async def test_going_back_within_a_generation_ends_the_worker() -> None:
    commits = Commits(InMemoryGroup())
    await commits.finish([a_chunk(*records(5, 6))])
    with pytest.raises(OffsetGap):
        await commits.finish([a_chunk(*records(6))])


async def test_partitions_are_counted_apart() -> None:
    commits = Commits(InMemoryGroup())
    assert await commits.finish([a_chunk(*records(5)), a_chunk(*records(0), partition=1)])
    assert await commits.finish([a_chunk(*records(6))])


async def test_a_new_generation_starts_where_the_group_committed() -> None:
    group = InMemoryGroup()
    commits = Commits(group)
    await commits.finish([a_chunk(*records(5, 6))])
    group.generation = 2
    assert await commits.finish([a_chunk(*records(5), generation=2)])


async def test_a_generation_that_begins_behind_where_the_group_committed_ends_the_worker() -> None:
    group = InMemoryGroup()
    group.starts[TOPIC, 0] = 5
    with pytest.raises(OffsetGap, match="expected offset 5, received 6"):
        await Commits(group).finish([a_chunk(*records(6))])
    assert group.committed == {}


async def test_nothing_is_committed_over_a_chunk_that_was_left_out_on_the_way() -> None:
    group = InMemoryGroup()
    group.starts[TOPIC, 0] = 5
    commits = Commits(group)
    await commits.finish([a_chunk(*records(5, 6))])
    with pytest.raises(OffsetGap, match="expected offset 7, received 8"):
        await commits.finish([a_chunk(*records(0), partition=1), a_chunk(*records(8))])
    assert group.committed == {(TOPIC, 0): 7}


async def test_a_hole_that_a_chunk_tells_of_is_no_gap() -> None:
    commits = Commits(InMemoryGroup())
    await commits.finish([a_chunk(*records(5, 6))])
    await commits.finish([replace(a_chunk(*records(9)), behind_hole=7)])
    with pytest.raises(OffsetGap):
        await commits.finish([replace(a_chunk(*records(13)), behind_hole=11)])


async def test_a_chunk_of_an_earlier_generation_that_comes_late_is_no_gap() -> None:
    group = InMemoryGroup()
    group.generation = 2
    commits = Commits(group)
    group.starts[TOPIC, 0] = 5
    assert await commits.finish([a_chunk(*records(5, 6), generation=2)])
    assert not await commits.finish([a_chunk(*records(7), generation=1)])
    assert await commits.finish([a_chunk(*records(7), generation=2)])
