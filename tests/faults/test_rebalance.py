"""Several workers, one of them suspended, coming or going: T6 and T7."""

import time

import pytest

from tests.faults.conftest import StartTrial
from tests.faults.workers import wait_until

SESSION_SECONDS = 6


def test_t6_a_worker_that_was_frozen_past_its_session_commits_over_nothing(
    start_trial: StartTrial, is_long: bool
) -> None:
    """T6: SIGSTOP for longer than the session, another worker takes over, SIGCONT."""
    trial = start_trial()
    zombie = trial.worker("--batch-records", "20", AUDIT_WORKER_INSTANCE="zombie").start()
    with trial.load(per_second=60):
        for _ in range(5 if is_long else 1):
            trial.wait_until_stored(trial.stored() + 1)
            zombie.suspend()
            successor = trial.worker("--batch-records", "20", AUDIT_WORKER_INSTANCE="successor").start()
            # Its rows say that the group has given the partitions away.
            stored = trial.stored()
            trial.wait_until_stored(stored + 50)
            zombie.resume()
            time.sleep(2)
            trial.kill(successor)
            committed = trial.fresh_committed()
            wait_until(lambda: not zombie.is_running() or trial.committed() != committed, what="a commit or an end")  # noqa: B023 - used in it
            if not zombie.is_running():
                # An end with a non-zero code is an answer too; its supervisor starts it again.
                assert zombie.exit_code() not in (0, None)
                zombie.start()
    # That may come later than its first commit, too: whatever is left is somebody's to do.
    trial.worker(AUDIT_WORKER_INSTANCE="successor").start()
    trial.check()


@pytest.mark.faults_long("a storm takes many rebalances; the integration tests have a single one")
def test_t7_workers_that_come_and_go_without_end_stop_nothing(start_trial: StartTrial) -> None:
    """T7: a rebalance storm over two partitions, beside a standby that has none."""
    trial = start_trial(partitions=2)
    workers = [trial.worker(AUDIT_WORKER_INSTANCE=f"worker-{number}") for number in range(3)]
    steady, standby, comer = workers
    steady.start()
    with trial.load(per_second=60):
        standby.start(wait=False)
        for number in range(12):
            comer.start()
            time.sleep(trial.rng.uniform(0, 3))
            if number % 2:
                trial.kill(comer)
            else:
                comer.terminate(within_seconds=10)
    trial.check()
