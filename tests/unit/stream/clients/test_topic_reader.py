"""A partition that has no leader is not waited for without end."""

from typing import Any, cast

import pytest
from aiokafka import TopicPartition

from schemas.kafka import Consumer
from stream.clients.topic_reader import STALLED_SECONDS, Extent, TopicReader
from stream.errors import Unavailable


class Stalled:
    """A consumer whose partition gives nothing; each fetch takes a while."""

    def __init__(self) -> None:
        self.now, self.fetches = 0.0, 0

    def assign(self, places: list[TopicPartition]) -> None:
        pass

    def seek(self, place: TopicPartition, offset: int) -> None:
        pass

    async def getmany(self, **_: Any) -> dict[TopicPartition, Any]:
        self.now += STALLED_SECONDS / 10
        self.fetches += 1
        return {}

    async def position(self, _: TopicPartition) -> int:
        return min(5, self.fetches)


async def test_a_read_that_gets_on_no_more_ends_as_unavailable() -> None:
    consumer = Stalled()
    reader = TopicReader(cast("Consumer", consumer), clock=lambda: consumer.now)
    with pytest.raises(Unavailable, match="no record for 60 s"):
        async for _ in reader.records("t", {0: Extent(0, 9)}):
            pass
    assert 15 <= consumer.fetches <= 17
