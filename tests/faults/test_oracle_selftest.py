"""The harness is not blind: the same faults against a worker that acknowledges through Faust make the oracle red."""

from pathlib import Path

import pytest

from tests.faults.conftest import StartTrial
from tests.faults.oracle import Verdict
from tests.faults.trial import Trial
from tests.faults.workers import UNSAFE, Hold, wait_until

more_than_a_glance = pytest.mark.usefixtures("selftest_asked_for")
"""The short forms are content with T2; these take as long again, and more."""

POISON = b"\x07 no frame"


def verdict_when_all_is_committed(trial: Trial) -> Verdict:
    """What the oracle says about a worker that believes to be done."""
    trial.settle()
    verdict = trial.verdict()
    print(f"the oracle on the unsafe worker: {verdict}")  # noqa: T201 - the proof, shown by `-s` and `-rP`
    return verdict


@more_than_a_glance
def test_the_oracle_is_green_where_the_unsafe_worker_meets_no_fault(start_trial: StartTrial) -> None:
    """Red below is the fault's doing, not the worker's mere difference."""
    trial = start_trial(partitions=1)
    trial.worker(script=UNSAFE).start()
    trial.publish(100)
    assert verdict_when_all_is_committed(trial).is_clean


def test_t2_an_error_in_the_body_of_take_makes_the_oracle_red(start_trial: StartTrial) -> None:
    """T2 with `raise`: the batch is acknowledged although its body failed."""
    trial = start_trial(partitions=1)
    worker = trial.worker("--fail", "before_insert=0.5", "--raises", script=UNSAFE).start()
    with trial.load(per_second=100):
        wait_until(lambda: worker.said("failpoint before_insert"), what="an error in the body")
    verdict = verdict_when_all_is_committed(trial)
    assert verdict.lost
    assert verdict.ahead
    assert not verdict.is_clean


@more_than_a_glance
def test_t3_poison_behind_good_records_makes_the_oracle_red(start_trial: StartTrial) -> None:
    """T3: the poison's batch is acknowledged, good neighbours included."""
    trial = start_trial(partitions=1)
    trial.publish(10)
    trial.publish_raw([POISON])
    trial.publish(5)
    trial.worker(script=UNSAFE).start()
    verdict = verdict_when_all_is_committed(trial)
    assert verdict.lost
    assert verdict.ahead


@more_than_a_glance
def test_t5_an_orderly_stop_within_an_insert_makes_the_oracle_red(start_trial: StartTrial, tmp_path: Path) -> None:
    """T5: SIGTERM closes the generator, which acknowledges what is being inserted."""
    trial = start_trial(partitions=1)
    trial.publish(20)
    hold = Hold(tmp_path)
    hold.set()
    worker = trial.worker("--hold", str(hold.file), script=UNSAFE).start()
    hold.wait()
    # The thread that inserts keeps the process alive; by its end Faust has committed what it acknowledged.
    worker.terminate(within_seconds=8)
    verdict = verdict_when_all_is_committed(trial)
    assert verdict.lost
    assert verdict.ahead
