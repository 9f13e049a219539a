"""The wait for Kafka before the worker's start, without a Kafka."""

import asyncio
import contextlib

import pytest

from stream.errors import Fatal, Unavailable
from stream.fetch import wait_for_kafka
from stream.fetch.wait_for_kafka import KafkaAwaited


class Kafka:
    """Answers after so many questions; *hangs* gives no answer at all."""

    def __init__(
        self, *, failures: int = 0, without_topic: int = 0, hangs: bool = False, error: type[Exception] = Unavailable
    ) -> None:
        self.error = error
        self.without_topic = without_topic
        self.failures = failures
        self.hangs = hangs
        self.asked = 0
        self.question = asyncio.Event()
        self.closed = 0

    async def require_topic(self) -> None:
        self.asked += 1
        self.question.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.asked <= self.failures:
            raise self.error("Kafka: down")
        if self.asked <= self.failures + self.without_topic:
            raise Unavailable("no topic")

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_for_kafka, "FIRST_PAUSE_SECONDS", 0)


async def test_a_start_is_held_back_until_kafka_answers_and_is_told_once_however_often_it_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kafka = Kafka(failures=500)
    service = KafkaAwaited(kafka, clock=lambda: 0.0)
    await service.start()
    await service.stop()
    assert (kafka.asked, kafka.closed) == (501, 1)
    told = [line for line in capsys.readouterr().out.splitlines() if "Kafka" in line]
    assert ["Kafka: down" in line for line in told] == [True, False]


async def test_another_reason_to_wait_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    service = KafkaAwaited(Kafka(failures=3, without_topic=3), clock=lambda: 0.0)
    await service.start()
    await service.stop()
    told = capsys.readouterr().out.splitlines()
    assert ["down" in told[0], "no topic" in told[1], len(told)] == [True, True, 3]


async def test_a_long_wait_is_told_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    kafka = Kafka(failures=300)
    service = KafkaAwaited(kafka, clock=lambda: float(kafka.asked))
    await service.start()
    await service.stop()
    assert capsys.readouterr().out.count("Kafka: down") == 1 + 300 // 60 - 1


async def test_where_kafka_answers_at_once_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    service = KafkaAwaited(Kafka())
    await service.start()
    await service.stop()
    assert "Kafka" not in capsys.readouterr().out


async def test_a_failure_that_is_no_outage_holds_nothing_back() -> None:
    kafka = Kafka(failures=10**9, error=KeyError)
    service = KafkaAwaited(kafka)
    await service.start()
    await service.stop()
    assert (kafka.asked, kafka.closed) == (1, 1)


@pytest.mark.parametrize("hangs", [False, True], ids=["refuses", "hangs"])
async def test_a_stop_ends_the_wait_and_lets_go_of_the_connections(hangs: bool) -> None:
    kafka = Kafka(failures=10**9, hangs=hangs)
    service = KafkaAwaited(kafka)
    starting = asyncio.ensure_future(service.start())
    await kafka.question.wait()
    await service.stop()
    with contextlib.suppress(asyncio.CancelledError):
        async with asyncio.timeout(60):
            await starting
    assert kafka.closed == 1


async def test_a_topic_that_must_not_be_read_ends_the_start() -> None:
    kafka = Kafka(failures=1, error=Fatal)
    with pytest.raises(Fatal):
        await KafkaAwaited(kafka).start()
    assert kafka.asked == 1
