"""Kafka and the registry die and come back, and so does every other process: T11, T19."""

import time

import pytest

from tests.faults.conftest import StartTrial
from tests.faults.workers import Worker, wait_until

PROCESSES = ("worker", "query_api", "clickhouse", "schema_registry", "kafka")


def test_every_process_of_the_stack_killed_in_turn_under_load_loses_and_doubles_nothing(
    start_trial: StartTrial, is_long: bool
) -> None:
    """T11 and more: kill -9 of each process, restarted as its supervisor would, over the stack's own topic."""
    trial = start_trial(partitions=None)
    with trial.load(per_second=60):
        for _ in range(6 if is_long else 1):
            for name in trial.rng.sample(PROCESSES, len(PROCESSES)):
                trial.kill(name)
                time.sleep(trial.rng.uniform(0, 1))
                trial.stack.start_service(name)
                for other in trial.stack.dead():
                    # A worker may end when its broker does, with a non-zero code; its supervisor starts it again.
                    assert other == "worker"
                    trial.stack.start_service(other)
    trial.check()


def test_t11_t19_a_worker_started_without_broker_and_registry_waits_and_one_told_to_stop_without_broker_ends(
    start_trial: StartTrial,
) -> None:
    """T11 and T19: no broker at the worker's start, then no registry beside a restarted broker, no broker at SIGTERM.

    No good event becomes a dead letter. Where the worker gives up, with a non-zero code, its supervisor restarts it.
    """
    trial = start_trial()
    trial.publish(20)
    trial.stack.stop_service("schema_registry")
    trial.kill("kafka")
    worker = trial.worker().start(wait=False)
    wait_until(lambda: worker.said("Unable connect") or not worker.is_running(), what="an attempt to connect")
    trial.stack.start_service("kafka")
    restart_if_it_gave_up(worker)
    trial.publish(20)
    wait_until(lambda: worker.said("RegistryUnavailable"), what="a question to the registry")
    trial.stack.start_service("schema_registry")
    trial.settle()
    trial.kill("kafka")
    assert worker.terminate(within_seconds=30)
    trial.stack.start_service("kafka")
    trial.publish(5)
    worker.start()
    trial.check()
    assert trial.dead_letters() == {}


def test_t19_a_worker_that_knows_the_schema_needs_no_registry(start_trial: StartTrial, is_long: bool) -> None:
    """T19: the broker is restarted with the registry down; what is known needs nobody to ask."""
    if not is_long:
        pytest.skip("the integration tests have a short form; the long form runs it")
    trial = start_trial()
    worker = trial.worker().start()
    trial.publish(20)
    trial.settle()
    trial.stack.stop_service("schema_registry")
    trial.kill("kafka")
    trial.stack.start_service("kafka")
    if worker.is_running():
        trial.publish(20)
        trial.settle()
    trial.stack.start_service("schema_registry")
    restart_if_it_gave_up(worker)
    trial.publish(20)
    trial.check()
    assert trial.dead_letters() == {}


def restart_if_it_gave_up(worker: Worker) -> None:
    """What its supervisor would do; an end with 0 would be none of its business."""
    wait_until(lambda: worker.is_ready() or not worker.is_running(), what="the worker")
    if not worker.is_running():
        assert worker.exit_code() not in (0, None)
        worker.start()
