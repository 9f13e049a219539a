"""A client for a block is closed whatever happens, and Kafka's errors say what to do."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from schemas import kafka
from schemas.kafka_address import KafkaAddress
from stream.clients.kafka import open_admin, open_consumer
from stream.errors import Unavailable

ADDRESS = KafkaAddress("kafka:9092")
Open = Callable[..., AbstractAsyncContextManager[Any]]


class Client:
    """As much of aiokafka's clients as opening touches."""

    def __init__(self, failure: Exception | None) -> None:
        self.failure = failure
        self.is_open = True

    async def start(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def stop(self) -> None:
        self.is_open = False


@pytest.fixture(params=["admin", "consumer"])
def opened(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Open, list[Client]]:
    """How to open a client, and what was opened; *failure* meets the start."""
    made: list[Client] = []

    def make(*_: object, failure: Exception | None = None) -> Client:
        made.append(Client(failure))
        return made[-1]

    monkeypatch.setattr(kafka, request.param, make)
    return {"admin": open_admin, "consumer": open_consumer}[request.param], made


async def test_a_client_that_does_not_start_is_closed(opened: tuple[Open, list[Client]]) -> None:
    open_client, made = opened
    with pytest.raises(Unavailable, match=r"^history: KafkaConnectionError: no broker answers: see KAFKA_BOOT"):
        async with open_client(ADDRESS, "history", failure=KafkaConnectionError("ada@example.com")):
            pass
    assert not made[0].is_open


@pytest.mark.parametrize(
    ("error", "told"), [(KafkaConnectionError("away"), Unavailable), (KeyError("a bug"), KeyError)]
)
async def test_a_block_that_fails_closes_its_client(
    opened: tuple[Open, list[Client]], error: Exception, told: type[Exception]
) -> None:
    open_client, made = opened
    with pytest.raises(told):
        async with open_client(ADDRESS):
            raise error
    assert not made[0].is_open
