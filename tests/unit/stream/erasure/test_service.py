"""Whether erasure stands still can be told from the metrics, and it keeps no worker from what others have done."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from schemas.kafka_address import KafkaAddress
from schemas.topics import EVENTS_TOPIC
from stream.erasure.eraser import Eraser
from stream.erasure.guard import ErasedPersons
from stream.erasure.service import ErasureService, LastSuccess
from stream.fetch.membership import GroupMembership
from stream.health.metrics import Metrics


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_time_since_the_last_success_counts_from_the_beginning_of_the_duty() -> None:
    clock = Clock()
    last = LastSuccess(clock)
    assert last.seconds("topic") == 0
    last.on_duty("topic", is_on_duty=True)
    clock.now += 30
    last.on_duty("topic", is_on_duty=True)
    assert last.seconds("topic") == 30
    last.succeeded("topic")
    clock.now += 5
    assert (last.seconds("topic"), last.seconds("clickhouse")) == (5, 0)


def test_a_worker_that_is_off_duty_tells_nothing() -> None:
    clock = Clock()
    last = LastSuccess(clock)
    last.on_duty("topic", is_on_duty=True)
    last.succeeded("topic")
    last.on_duty("topic", is_on_duty=False)
    clock.now += 3600
    assert last.seconds("topic") == 0


async def test_a_worker_on_duty_learns_who_has_left_during_an_erasure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, is_erasing, has_learned = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    class Learning(ErasedPersons):
        def refresh(self) -> None:
            if is_erasing.is_set():
                loop.call_soon_threadsafe(has_learned.set)

    async def take_for_ever(_: Eraser) -> int:
        is_erasing.set()
        await asyncio.Event().wait()
        return 0

    monkeypatch.setattr(Eraser, "remove", take_for_ever)
    monkeypatch.setattr(GroupMembership, "assigned", lambda _: {(EVENTS_TOPIC, 0)})
    monkeypatch.setattr(ErasureService, "_is_sweep_due", lambda _: False)
    settings: Any = SimpleNamespace(
        erasure_interval_seconds=0.001, clickhouse=("http://127.0.0.1:9", "audit"), kafka=KafkaAddress("127.0.0.1:9")
    )
    service = ErasureService(cast("Any", None), settings, Learning(cast("Any", None)), Metrics())
    await service.start()
    try:
        async with asyncio.timeout(10):
            await has_learned.wait()
    finally:
        await service.stop()
