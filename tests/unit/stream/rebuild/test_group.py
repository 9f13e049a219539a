"""A rebuild is exchanged only where Kafka says that no worker is there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from aiokafka.errors import GroupLoadInProgressError

from schemas.kafka_address import KafkaAddress
from stream.clients.kafka import kafka_answers
from stream.errors import RebuildRefused, Unavailable
from stream.rebuild import group

ADDRESS = KafkaAddress("kafka:9092")


def coordinator_says(monkeypatch: pytest.MonkeyPatch, code: int, *members: str) -> None:
    """Let the group's coordinator describe it so."""
    described = code, "workers", "", "", "", [(name, "", "", b"", b"") for name in members], 0

    class Admin:
        async def describe_consumer_groups(self, _groups: list[str]) -> list[SimpleNamespace]:
            return [SimpleNamespace(groups=[described])]

    @asynccontextmanager
    async def open_admin(_address: KafkaAddress) -> AsyncIterator[Admin]:
        with kafka_answers():
            yield Admin()

    monkeypatch.setattr(group, "open_admin", open_admin)


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
