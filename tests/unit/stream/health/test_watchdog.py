"""When the worker is judged to be stuck, and what is done about it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from stream.health.watchdog import (
    EXIT_HELD_UP,
    EXIT_STUCK,
    STOP_SECONDS,
    Limits,
    Ok,
    Seen,
    Stuck,
    Verdict,
    WaitingOut,
    Watchdog,
    judge,
)

NOW = 10_000.0
LIMITS = Limits(still_seconds=120)
WORKING = Seen(looped_at=NOW, probed_at=NOW - 3, lag=500, active_at=NOW - 1, fruitful_at=NOW - 2, outages={})


def test_a_worker_that_does_steps_and_commits_is_ok() -> None:
    assert judge(WORKING, LIMITS, NOW) == Ok()


def test_a_worker_with_nothing_to_do_is_ok_for_any_time() -> None:
    assert judge(replace(WORKING, lag=0, active_at=0, fruitful_at=0), LIMITS, NOW) == Ok()


def test_work_to_do_and_no_step_while_everything_answers_is_stuck() -> None:
    verdict = judge(replace(WORKING, active_at=NOW - 121), LIMITS, NOW)
    assert verdict == Stuck("500 records to do, and no step was done for 121 s")


def test_steps_without_a_commit_are_stuck_ten_times_later() -> None:
    assert judge(replace(WORKING, fruitful_at=NOW - 1_199), LIMITS, NOW) == Ok()
    verdict = judge(replace(WORKING, fruitful_at=NOW - 1_201), LIMITS, NOW)
    assert verdict == Stuck("500 records to do, and nothing was committed for 1201 s")


def test_an_event_loop_that_does_not_turn_is_stuck_whatever_there_is_to_do() -> None:
    verdict = judge(replace(WORKING, lag=0, looped_at=NOW - 61), LIMITS, NOW)
    assert verdict == Stuck("the event loop has not turned for 61 s")


@pytest.mark.parametrize(
    "hanging",
    [replace(WORKING, active_at=0), replace(WORKING, fruitful_at=0), replace(WORKING, looped_at=0)],
    ids=["no step", "no commit", "no loop"],
)
def test_whatever_hangs_during_an_outage_waits_it_out(hanging: Seen) -> None:
    seen = replace(hanging, outages={"insert": NOW - 40, "clickhouse does not answer": NOW - 50})
    assert judge(seen, LIMITS, NOW) == WaitingOut(("clickhouse does not answer", "insert"), 50)


def test_nobody_is_stuck_while_it_is_not_known_whether_everything_answers() -> None:
    assert judge(replace(WORKING, active_at=0, probed_at=NOW - 121), LIMITS, NOW) == Ok()


class Process:
    """A watchdog over a scripted worker, with the codes that it ended the process with."""

    def __init__(self, *verdicts: Verdict) -> None:
        self.now = 0.0
        self.stopping = False
        self.ended: list[int] = []
        self._verdicts: Iterator[Verdict] = iter(verdicts)
        self._watchdog = Watchdog(
            lambda: next(self._verdicts), lambda: self.stopping, end=self.ended.append, clock=lambda: self.now
        )

    def look(self, times: int = 1) -> None:
        """So many looks, one a second."""
        for _ in range(times):
            self.now += 1
            self._watchdog.check()


def test_three_looks_in_a_row_end_the_process() -> None:
    process = Process(*[Stuck("it hangs")] * 3)
    process.look(2)
    assert process.ended == []
    process.look()
    assert process.ended == [EXIT_STUCK]


def test_a_suspended_machine_that_wakes_up_ends_nothing() -> None:
    process = Process(Stuck("old times"), Stuck("old times"), Ok(), Stuck("old times"), Ok())
    process.look(5)
    assert process.ended == []


def test_a_worker_that_waits_is_left_alone() -> None:
    process = Process(*[WaitingOut(("insert",), 1e6)] * 100)
    process.look(100)
    assert process.ended == []


def test_an_end_that_takes_too_long_is_cut_off_within_ten_seconds() -> None:
    process = Process()
    process.stopping = True
    process.look(int(STOP_SECONDS))
    assert process.ended == []
    process.look()
    assert process.ended == [EXIT_HELD_UP]
    assert process.now < 10
