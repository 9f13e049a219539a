"""Whether erasure stands still can be told from the metrics, and no write waits to learn who was erased."""

import asyncio
from datetime import datetime

import pytest

from stream.erasure.guard import KNOWN_SECONDS, ErasedPersons
from stream.erasure.service import LastSuccess, learn_ahead
from stream.errors import Unavailable
from tests.builders import NOW
from tests.fakes.erasure import InMemoryPersonStore
from tests.fakes.stream import InMemorySink


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


async def test_a_write_after_a_silence_need_not_ask_who_was_erased() -> None:
    clock, sink = Clock(), InMemorySink()

    class Store(InMemoryPersonStore):
        asked = 0

        def off_boarded(self) -> dict[str, datetime]:
            self.asked += 1
            if self.asked == 2:
                raise Unavailable("down")
            return super().off_boarded()

    store = Store(sink)
    erased = ErasedPersons(store, clock=clock)
    erased.refresh()
    sink.off_boarded["acme"] = NOW
    silence_ends = clock.now + 2 * KNOWN_SECONDS

    async def sleep(seconds: float) -> None:
        clock.now += seconds
        if clock.now >= silence_ends:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await learn_ahead(erased, sleep=sleep)
    asked = store.asked
    assert (erased.off_boarded_now(), store.asked) == ({"acme"}, asked)
