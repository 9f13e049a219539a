"""What the transport does with what one fetch brought, while a rebalance goes on."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError, KafkaConnectionError
from faust.types import TP

from stream.transport import ChunkConsumer
from tests.builders import FakeRecord


class FetchingConsumer(ChunkConsumer):
    """A fetch of two records; *error* comes of seeking."""

    should_stop = False
    app: Any = SimpleNamespace(consumer_generation_id=7)

    def __init__(self, *, flow_active: bool, error: Exception | None = None) -> None:
        self.flow_active = flow_active
        self.seeks = 0
        self._error = error

    async def _wait_next_records(self, timeout: float) -> tuple[dict[TP, list[FakeRecord]], set[TP]]:  # noqa: ASYNC109, ARG002 - Faust's
        return {TP("events", 0): [FakeRecord(0, b"a"), FakeRecord(1, b"b")]}, set()

    async def perform_seek(self) -> None:
        self.seeks += 1
        if self._error is not None:
            raise self._error


async def taken(consumer: ChunkConsumer) -> list[Any]:
    return [message async for _, message in consumer.getmany(1.0)]


async def test_one_fetch_is_one_message() -> None:
    (message,) = await taken(FetchingConsumer(flow_active=True))
    assert [record.offset for record in message.value.records] == [0, 1]
    assert (message.value.generation, message.offset) == (7, 1)


@pytest.mark.parametrize("error", [None, IllegalStateError("not assigned"), AssertionError("none is assigned")])
async def test_what_is_fetched_during_a_rebalance_is_not_given_and_ends_nothing(error: Exception | None) -> None:
    consumer = FetchingConsumer(flow_active=False, error=error)
    assert await taken(consumer) == []
    assert consumer.seeks == 1


async def test_a_seek_that_fails_for_another_reason_is_told() -> None:
    with pytest.raises(KafkaConnectionError):
        await taken(FetchingConsumer(flow_active=False, error=KafkaConnectionError()))
