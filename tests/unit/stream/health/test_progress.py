"""What the pipeline does, as the watchdog sees it."""

from contextlib import suppress
from dataclasses import replace

import pytest

from schemas.errors import RegistryUnavailable
from stream.errors import StoreRefused, Unavailable
from stream.health.progress import Progress
from stream.health.watchdog import Limits, Ok, Stuck, WaitingOut, verdict
from tests.builders import NOW_MS, FakeRecord, a_chunk

LIMITS = Limits(still_seconds=120)


class Clocked:
    """A progress and its clocks, which move together."""

    def __init__(self) -> None:
        self.now = 0.0
        self.progress = Progress(clock=lambda: self.now, wall_ms=lambda: NOW_MS + self.now * 1000)

    def later(self, seconds: float) -> None:
        """Time passes, the event loop turns and the probes ask."""
        self.now += seconds
        self.progress.looped()
        self.progress.probed()

    def verdict(self) -> object:
        return verdict(self.progress, LIMITS)

    def attempt(self, step: str, error: Exception | None = None) -> None:
        with suppress(Unavailable, RegistryUnavailable, StoreRefused), self.progress.attempting(step):
            if error is not None:
                raise error


def test_a_record_that_comes_after_an_idle_night_has_its_full_time() -> None:
    clocked = Clocked()
    clocked.progress.stands_at(lag=0, assigned_partitions=4)
    clocked.later(30_000)
    clocked.progress.stands_at(lag=0, assigned_partitions=4)
    clocked.later(5)
    clocked.progress.stands_at(lag=1, assigned_partitions=4)
    assert clocked.verdict() == Ok()
    clocked.later(121)
    assert isinstance(clocked.verdict(), Stuck)


@pytest.mark.parametrize("error", [Unavailable("down"), RegistryUnavailable("down")])
def test_a_step_that_fails_is_an_outage_until_it_works_and_then_has_its_full_time(error: Exception) -> None:
    clocked = Clocked()
    clocked.progress.stands_at(lag=9, assigned_partitions=4)
    clocked.attempt("insert", error)
    for _ in range(15):
        clocked.later(60)
        clocked.attempt("insert", error)
    assert (clocked.verdict(), clocked.progress.outages()) == (WaitingOut(), {"insert": 900})
    assert clocked.progress.failing_seconds("insert") == 900
    clocked.attempt("insert")
    clocked.later(100)
    assert (clocked.verdict(), clocked.progress.failing_seconds("insert")) == (Ok(), 0)


def test_a_retry_that_hangs_is_no_outage_for_ever() -> None:
    """The step failed once; since then everything answers, and the next attempt at it never ends."""
    clocked = Clocked()
    clocked.progress.stands_at(lag=9, assigned_partitions=4)
    clocked.attempt("insert", Unavailable("down"))
    clocked.later(75)
    assert (clocked.verdict(), clocked.progress.outages()) == (WaitingOut(), {"insert": 75})
    clocked.later(40)
    assert clocked.verdict() == Ok()
    clocked.later(10)
    assert clocked.verdict() == Stuck("9 records to do, and no step was done for 125 s")


def test_a_service_that_answers_again_gives_the_worker_its_full_time() -> None:
    clocked = Clocked()
    clocked.progress.stands_at(lag=9, assigned_partitions=4)
    clocked.progress.answered("kafka", up=False)
    clocked.later(900)
    assert (clocked.verdict(), clocked.progress.outages()) == (WaitingOut(), {"kafka does not answer": 900})
    clocked.progress.answered("kafka", up=True)
    clocked.later(119)
    assert clocked.verdict() == Ok()
    clocked.later(2)
    assert isinstance(clocked.verdict(), Stuck)


def test_a_refusal_is_an_answer_and_no_outage() -> None:
    clocked = Clocked()
    clocked.attempt("insert", StoreRefused(53))
    assert clocked.progress.outages() == {}


def test_the_oldest_unfinished_record_ages_until_its_chunk_is_finished() -> None:
    clocked = Clocked()
    old, young = a_chunk(FakeRecord(0, b"")), a_chunk(replace(FakeRecord(1, b""), timestamp=NOW_MS + 5_000))
    clocked.progress.received(old)
    clocked.progress.received(young)
    clocked.now = 20
    assert clocked.progress.oldest_unfinished_seconds() == 20
    clocked.progress.finished([old], committed=True)
    assert clocked.progress.oldest_unfinished_seconds() == 15
    clocked.progress.finished([young], committed=False)
    assert clocked.progress.oldest_unfinished_seconds() == 0


def test_commits_that_a_rebalance_refuses_are_no_commits() -> None:
    clocked = Clocked()
    clocked.progress.stands_at(lag=9, assigned_partitions=4)
    chunk = a_chunk(FakeRecord(0, b""))
    for _ in range(121):
        clocked.later(10)
        clocked.attempt("commit")
        clocked.progress.finished([chunk], committed=False)
    assert isinstance(clocked.verdict(), Stuck)
    assert clocked.progress.last_commit_seconds() == 1210
