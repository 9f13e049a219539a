"""When the worker is judged to be stuck, and what is done about it."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from stream.errors import Unavailable
from stream.health.progress import Progress
from stream.health.watchdog import (
    EXIT_HELD_UP,
    EXIT_STUCK,
    STOP_SECONDS,
    Limits,
    Ok,
    Stuck,
    Unassigned,
    Verdict,
    WaitingOut,
    Watchdog,
    verdict,
)

NOW = 10_000.0
LIMITS = Limits(still_seconds=120)
STILL = Stuck("500 records to do, and no step was done for 121 s")


def a_worker(**times: float) -> Progress:
    """A worker that has 500 records to do and gets on, but for *times*: attributes of `Progress`, in seconds ago."""
    progress = Progress(clock=lambda: NOW)
    progress.stands_at(lag=500, assigned_partitions=4)
    for attribute, seconds_ago in times.items():
        setattr(progress, attribute, NOW - seconds_ago)
    return progress


def during_an_outage(progress: Progress) -> Progress:
    """*progress*, with a step that fails and a service that does not answer; what hung before hangs on."""
    hanging = progress.looped_at, progress.probed_at, progress.active_at, progress.fruitful_at
    with suppress(Unavailable), progress.attempting("insert"):
        raise Unavailable("down")
    progress.answered("clickhouse", up=False)
    progress.looped_at, progress.probed_at, progress.active_at, progress.fruitful_at = hanging
    return progress


def test_a_worker_that_does_steps_and_commits_is_ok() -> None:
    assert verdict(a_worker(), LIMITS) == Ok()


def test_a_worker_with_nothing_to_do_is_ok_for_any_time() -> None:
    progress = a_worker(active_at=NOW, fruitful_at=NOW)
    progress.lag = 0
    assert verdict(progress, LIMITS) == Ok()


def test_work_to_do_and_no_step_while_everything_answers_is_stuck() -> None:
    assert verdict(a_worker(active_at=121), LIMITS) == STILL


def test_a_worker_without_a_partition_is_not_ready_while_there_are_records_to_do_and_stuck_when_nobody_does_them() -> (
    None
):
    progress = a_worker()
    progress.stands_at(lag=500, assigned_partitions=0)
    assert verdict(progress, LIMITS) == Unassigned()
    progress.active_at = NOW - 121
    assert isinstance(verdict(progress, LIMITS), Stuck)
    progress.stands_at(lag=500, assigned_partitions=0, others_moved=True)
    assert verdict(progress, LIMITS) == Unassigned()
    progress.stands_at(lag=0, assigned_partitions=0)
    assert verdict(progress, LIMITS) == Ok()


def test_steps_without_a_commit_are_stuck_ten_times_later() -> None:
    assert verdict(a_worker(fruitful_at=1_199), LIMITS) == Ok()
    found = verdict(a_worker(fruitful_at=1_201), LIMITS)
    assert found == Stuck("500 records to do, and nothing was committed for 1201 s")


@pytest.mark.parametrize("outage", [lambda progress: progress, during_an_outage], ids=["all answers", "outage"])
def test_an_event_loop_that_does_not_turn_is_stuck_whatever_there_is_to_do(
    outage: Callable[[Progress], Progress],
) -> None:
    """Only the event loop can end an outage: a hang during one would read "waiting" for ever."""
    progress = a_worker(looped_at=61)
    progress.lag = 0
    assert verdict(outage(progress), LIMITS) == Stuck("the event loop has not turned for 61 s")


@pytest.mark.parametrize("outage", [lambda progress: progress, during_an_outage], ids=["all answers", "outage"])
def test_probes_that_never_end_are_stuck(outage: Callable[[Progress], Progress]) -> None:
    assert verdict(outage(a_worker(probed_at=149)), LIMITS) != Stuck("the probes have not ended for 149 s")
    assert verdict(outage(a_worker(probed_at=151)), LIMITS) == Stuck("the probes have not ended for 151 s")


@pytest.mark.parametrize("hanging", ["active_at", "fruitful_at"])
def test_a_worker_without_progress_during_an_outage_waits_it_out(hanging: str) -> None:
    assert verdict(during_an_outage(a_worker(**{hanging: NOW})), LIMITS) == WaitingOut()


class Process:
    """A watchdog over a scripted worker, with the codes that it ended the process with."""

    def __init__(self, *verdicts: Verdict) -> None:
        self.now = 0.0
        self.stopping = False
        self.ended: list[int] = []
        self.dumps = 0
        self._verdicts: Iterator[Verdict] = iter(verdicts)
        self._watchdog = Watchdog(
            lambda: next(self._verdicts),
            lambda: self.stopping,
            end=self.ended.append,
            dump=self._dump,
            clock=lambda: self.now,
        )

    def _dump(self) -> None:
        assert not self.ended
        self.dumps += 1

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
    assert (process.ended, process.dumps) == ([EXIT_STUCK], 1)


def test_a_suspended_machine_that_wakes_up_ends_nothing() -> None:
    process = Process(Stuck("old times"), Stuck("old times"), Ok(), Stuck("old times"), Ok())
    process.look(5)
    assert process.ended == []


def test_a_worker_that_waits_is_left_alone() -> None:
    process = Process(*[WaitingOut()] * 100)
    process.look(100)
    assert process.ended == []


def test_an_end_that_takes_too_long_is_cut_off_within_ten_seconds() -> None:
    process = Process()
    process.stopping = True
    process.look(int(STOP_SECONDS))
    assert process.ended == []
    process.look()
    assert (process.ended, process.dumps) == ([EXIT_HELD_UP], 1)
    assert process.now < 10


def test_a_worker_that_is_ended_leaves_the_stack_of_every_thread(capfd: pytest.CaptureFixture[str]) -> None:
    gate, ended = threading.Event(), list[int]()

    def hangs_here() -> None:
        gate.wait()

    thread = threading.Thread(target=hangs_here)
    thread.start()
    watchdog = Watchdog(lambda: Stuck("it hangs"), lambda: False, end=ended.append)
    for _ in range(3):
        watchdog.check()
    gate.set()
    thread.join()
    assert ended == [EXIT_STUCK]
    assert "in hangs_here" in capfd.readouterr().err


def test_a_stuck_worker_is_ended_although_its_stacks_cannot_be_written() -> None:
    """Faust replaces `sys.stderr` by a logger that has no file descriptor."""
    ended: list[int] = []

    def no_stacks() -> None:
        raise RuntimeError("no descriptor")

    watchdog = Watchdog(lambda: STILL, lambda: False, end=ended.append, dump=no_stacks)
    for _ in range(2):
        watchdog.check()
    with pytest.raises(RuntimeError):
        watchdog.check()
    assert ended == [EXIT_STUCK]


def test_the_stacks_need_no_descriptor_of_sys_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    ended: list[int] = []
    watchdog = Watchdog(lambda: STILL, lambda: False, end=ended.append)
    for _ in range(3):
        watchdog.check()
    assert ended == [EXIT_STUCK]
