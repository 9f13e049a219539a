"""The worker ends at any moment, in any way: T1 to T5, T33."""

import time
from pathlib import Path

import pytest

from tests.faults.conftest import StartTrial
from tests.faults.failpoint_worker import POINTS
from tests.faults.trial import Trial
from tests.faults.workers import KILLED, STOP_SECONDS, Hold, Worker, wait_until

POISON = b"\x07 no frame"
MAX_CHANCES = 40
"""How often a worker with an armed failpoint is given work before the failpoint counts as dead."""


def run_through_failures(trial: Trial, *, deaths: int, fail: str, raises: bool) -> None:
    """Start the worker again and again, each time with a failpoint armed, until it has ended *deaths* times."""
    options = ["--fail", fail, "--batch-records", "25", *(["--raises"] if raises else [])]
    for _ in range(deaths):
        worker = trial.worker(*options).start()
        for _ in range(MAX_CHANCES):
            trial.publish(100)
            trial.publish_raw([POISON])
            # It may come through all of it, and then gets more.
            wait_until(lambda: trial.is_settled() or not worker.is_running(), what="an end")  # noqa: B023 - used in it
            if not worker.is_running():
                break
        if raises:
            assert worker.exit_code() not in (0, None), "an error inside must end the process, and not with 0"
        else:
            assert worker.exit_code() == KILLED
            trial.tally.kills += 1


def test_t1_a_worker_killed_at_any_moment_under_load_loses_and_doubles_nothing(
    start_trial: StartTrial, is_long: bool
) -> None:
    """T1: SIGKILL at random moments, also while the worker starts."""
    trial = start_trial(client_spaces=2)
    worker = trial.worker("--batch-records", "50")
    # In the long form more would be left over than batches of 50 can work off in minutes: workers mostly start.
    with trial.load(per_second=40 if is_long else 150):
        for number in range(100 if is_long else 2):
            # Every other one is killed before it is ready.
            worker.start(wait=number % 2 == 0)
            time.sleep(trial.rng.uniform(0.2, 3.0 if is_long else 1.5))
            trial.kill(worker)
        worker.start()
    trial.check()


def test_t33_a_worker_told_to_stop_under_load_ends_in_time_and_commits_nothing_early(
    start_trial: StartTrial, is_long: bool
) -> None:
    """T33: SIGTERM while every step has a batch in hand."""
    trial = start_trial()
    worker = trial.worker("--batch-records", "50")
    with trial.load(per_second=150):
        for _ in range(10 if is_long else 2):
            worker.start()
            trial.wait_until_stored(trial.stored() + 1)
            assert worker.terminate(within_seconds=STOP_SECONDS)
            assert worker.exit_code() == 0
        worker.start()
    trial.check()


@pytest.mark.parametrize("raises", [False, True], ids=["exit", "raise"])
def test_t2_a_worker_that_ends_between_any_two_steps_loses_and_doubles_nothing(
    start_trial: StartTrial, is_long: bool, raises: bool
) -> None:
    """T2: each failpoint ends the process, or raises; an error inside never skips a batch."""
    trial = start_trial()
    if is_long:
        # What raises between two inserts is an outage to the sink, and is tried again: T9 has those.
        for point in POINTS if not raises else [point for point in POINTS if point != "between_inserts"]:
            run_through_failures(trial, deaths=2 if raises else 4, fail=f"{point}=0.5", raises=raises)
    else:
        run_through_failures(trial, deaths=1, fail="all=0.15", raises=raises)
    trial.worker().start()
    trial.check()


@pytest.mark.parametrize(
    "records_before",
    [pytest.param(0, marks=pytest.mark.faults_long("the other half shows more, and it takes as long")), 10],
)
def test_t3_a_fresh_group_with_poison_in_front_or_behind_a_slow_insert_commits_over_nothing(
    start_trial: StartTrial, tmp_path: Path, records_before: int
) -> None:
    """T3: poison as the first record, or after ten that are being inserted, then SIGKILL."""
    trial = start_trial(partitions=1)
    trial.publish(records_before)
    (poison,) = trial.publish_raw([POISON])
    trial.publish(5)
    hold = Hold(tmp_path)
    hold.set()
    worker = trial.worker("--hold", str(hold.file))
    kill_within_an_insert(trial, worker.start(wait=False), hold)
    assert trial.fresh_committed() == {}
    hold.release()
    worker.start()
    trial.check()
    assert trial.dead_letters().keys() == {(0, poison)}


def test_t4_a_kill_with_exactly_one_record_in_flight_does_not_commit_it(
    start_trial: StartTrial, tmp_path: Path, is_long: bool
) -> None:
    """T4: 0, 1 or 32 records committed and one in flight, where offset arithmetic may be off by one."""
    trial = start_trial(partitions=1)
    hold = Hold(tmp_path)
    worker = trial.worker("--hold", str(hold.file)).start()
    for committed in (0, 1, 32) if is_long else (1,):
        # What the last kill left is one of them.
        trial.publish(max(0, committed - len(trial.ledger.acknowledged)))
        trial.settle()
        hold.set()
        trial.publish(1)
        kill_within_an_insert(trial, worker, hold)
        assert trial.fresh_committed() == ({0: committed} if committed else {})
        hold.release()
        worker.start()
    trial.check()


def kill_within_an_insert(trial: Trial, worker: Worker, hold: Hold) -> None:
    """Kill *worker* when one of its inserts waits; *hold* is set."""
    hold.wait()
    trial.kill(worker)
