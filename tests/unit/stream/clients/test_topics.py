"""Topics that were just created, on a cluster whose brokers hear of them one after the other."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import NodeNotReadyError, UnknownTopicOrPartitionError

from schemas.kafka import Admin
from stream.clients import topics
from stream.clients.topics import heard_by_every_broker


class Brokers:
    """Answers as two brokers do: each is away for one question, and knows the topics so many questions later."""

    def __init__(self, later: dict[int, int]) -> None:
        self._later = dict(later)
        self._away = set(later)
        self._client = self

    async def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [{"node_id": broker} for broker in self._later]}

    async def send(self, broker: int, _question: object) -> SimpleNamespace:
        if broker in self._away:
            self._away.remove(broker)
            raise NodeNotReadyError
        self._later[broker] -= 1
        code = 0 if self._later[broker] < 0 else UnknownTopicOrPartitionError.errno
        answer = {"topics": [{"topic": "one", "error_code": 0}, {"topic": "two", "error_code": code}]}
        return SimpleNamespace(to_object=lambda: answer)

    @property
    def questions_before_the_last(self) -> dict[int, int]:
        return self._later


async def test_a_topic_is_created_once_the_last_broker_has_heard_of_it() -> None:
    brokers = Brokers({1: 0, 2: 3})
    await heard_by_every_broker(cast("Admin", brokers), ["one", "two"])
    # Neither is asked again after it knew.
    assert brokers.questions_before_the_last == {1: -1, 2: -1}


async def test_a_broker_that_gives_no_answer_is_not_waited_for_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Brokers):
        async def send(self, broker: int, question: object) -> SimpleNamespace:
            return await (super().send(broker, question) if broker == 1 else asyncio.Event().wait())  # type: ignore[return-value]

    monkeypatch.setattr(topics, "ANSWER_SECONDS", 0.3)
    brokers = Silent({1: 0, 2: 0})
    await heard_by_every_broker(cast("Admin", brokers), ["one", "two"])
    assert brokers.questions_before_the_last == {1: -1, 2: 0}
