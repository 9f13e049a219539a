import asyncio

from query_api.errors import StoreUnavailable
from query_api.log.readiness import Readiness
from tests.fakes.reader import InMemoryLogReader


class CountingReader(InMemoryLogReader):
    """Counts how often its schema is asked for, and answers when *gate* is open."""

    def __init__(self) -> None:
        super().__init__()
        self.checks = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def schema_difference(self) -> str | None:
        self.checks += 1
        await self.gate.wait()
        return await super().schema_difference()


async def test_whoever_asks_within_a_second_shares_one_check() -> None:
    reader, clock = CountingReader(), [0.0]
    readiness = Readiness(reader, lambda: clock[0])
    reader.gate.clear()
    asking = [asyncio.create_task(readiness.reason()) for _ in range(500)]
    await asyncio.sleep(0)
    reader.gate.set()

    assert await asyncio.gather(*asking) == [None] * 500
    assert await readiness.reason() is None
    assert reader.checks == 1

    reader.difference = "behind"
    clock[0] = 0.999
    assert await readiness.reason() is None
    clock[0] = 1.0
    assert await readiness.reason() == "behind"
    assert reader.checks == 2


async def test_an_outage_is_a_reason_and_lasts_a_second_at_most() -> None:
    reader, clock = CountingReader(), [0.0]
    readiness = Readiness(reader, lambda: clock[0])
    reader.failure = StoreUnavailable("down")
    assert await readiness.reason() == "down"

    reader.failure = None
    clock[0] = 1.0
    assert await readiness.reason() is None


async def test_a_caller_that_goes_away_takes_nobodys_check_along() -> None:
    reader = CountingReader()
    readiness = Readiness(reader)
    reader.gate.clear()
    first = asyncio.create_task(readiness.reason())
    second = asyncio.create_task(readiness.reason())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    reader.gate.set()

    assert await second is None
