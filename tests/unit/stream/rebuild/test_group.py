"""A rebuild is exchanged only where Kafka says that no worker is there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import GroupLoadInProgressError
from aiokafka.structs import OffsetAndMetadata

from schemas.kafka_address import KafkaAddress
from schemas.topics import EVENTS_TOPIC
from stream.clients.kafka import kafka_answers
from stream.clients.topic_reader import Extent, TopicReader
from stream.errors import RebuildRefused, Unavailable
from stream.rebuild import group
from stream.rebuild.compare import Commit

ADDRESS = KafkaAddress("kafka:9092")


def coordinator_says(
    monkeypatch: pytest.MonkeyPatch, code: int, *members: str, committed: dict[int, int] | None = None
) -> None:
    """Let the group's coordinator describe it so."""
    described = code, "workers", "", "", "", [(name, "", "", b"", b"") for name in members], 0

    class Admin:
        async def describe_consumer_groups(self, _groups: list[str]) -> list[SimpleNamespace]:
            return [SimpleNamespace(groups=[described])]

        async def list_consumer_group_offsets(self, _group: str) -> dict[TopicPartition, OffsetAndMetadata]:
            offsets = (committed or {}).items()
            return {
                TopicPartition(EVENTS_TOPIC, number): OffsetAndMetadata(offset, "a topic's id")
                for number, offset in offsets
            }

    @asynccontextmanager
    async def open_admin(_address: KafkaAddress) -> AsyncIterator[Admin]:
        with kafka_answers():
            yield Admin()

    monkeypatch.setattr(group, "open_admin", open_admin)


@dataclass
class Reader:
    """A `TopicReader` that says what each partition holds."""

    held: dict[int, Extent]

    async def extents(self, _topic: str) -> dict[int, Extent]:
        return self.held


async def test_a_group_without_members_is_no_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    coordinator_says(monkeypatch, 0)
    await group.refuse_members(ADDRESS, "workers")


async def test_a_member_is_a_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    coordinator_says(monkeypatch, 0, "worker-1")
    with pytest.raises(RebuildRefused, match="has 1 members"):
        await group.refuse_members(ADDRESS, "workers")


async def test_a_coordinator_that_still_loads_the_group_does_not_say_that_it_has_no_members(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    coordinator_says(monkeypatch, GroupLoadInProgressError.errno)
    with pytest.raises(Unavailable, match="GroupLoadInProgressError"):
        await group.refuse_members(ADDRESS, "workers")


async def test_a_partition_of_which_the_group_has_committed_nothing_excuses_no_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The group of the command's own settings may be another one than the workers'."""
    coordinator_says(monkeypatch, 0, committed={0: 5, 1: -1})
    reader = cast("TopicReader", Reader(dict.fromkeys(range(3), Extent(0, 10))))

    assert await group.commits_of(ADDRESS, "workers", reader) == {0: Commit(5, "a topic's id")}


async def test_a_record_behind_the_commit_that_has_left_the_topic_excuses_no_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No worker was there for longer than the topic keeps events: nobody stores such a line again."""
    coordinator_says(monkeypatch, 0, committed={0: 5})
    reader = cast("TopicReader", Reader({0: Extent(7, 10)}))
    assert await group.commits_of(ADDRESS, "workers", reader) == {0: Commit(7, "a topic's id")}
