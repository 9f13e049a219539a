"""Kafka and the registry die and come back, and so does every other process: T11, T19."""

import time

import httpx
import pytest

from deploy.local.layout import HOST
from tests.faults.conftest import StartTrial
from tests.faults.workers import STOP_SECONDS, Worker, wait_until
from tests.free_ports import free_port

LONGER_THAN_A_SESSION_SECONDS = 8
MAX_CLIENT_LINES = 20
"""There are two kinds of line that say so, and each may come once in thirty seconds and process."""
PROCESSES = ("worker", "query_api", "clickhouse", "schema_registry", "kafka")


@pytest.mark.faults_long("each process takes seconds to start again, and has short tests of its own")
def test_every_process_of_the_stack_killed_in_turn_under_load_loses_and_doubles_nothing(
    start_trial: StartTrial,
) -> None:
    """T11 and more: kill -9 of each process, restarted as its supervisor would, over the stack's own topic."""
    trial = start_trial(partitions=None)
    with trial.load(per_second=60):
        for _ in range(5):
            for name in trial.rng.sample(PROCESSES, len(PROCESSES)):
                trial.kill(name)
                time.sleep(trial.rng.uniform(0, 1))
                trial.stack.start_service(name)
                for other in trial.stack.dead():
                    # A worker may end when its broker does, with a non-zero code; its supervisor starts it again.
                    assert other == "worker"
                    trial.stack.start_service(other)
    trial.check()


def test_t11_t19_a_worker_waits_for_broker_and_registry_at_its_start_and_while_it_works(
    start_trial: StartTrial, is_long: bool
) -> None:
    """T11 and T19: no broker at a worker's start, no registry beside the restarted broker, no broker while it works.

    No good event becomes a dead letter, nobody restarts the worker, and its log stays short.
    """
    trial = start_trial()
    trial.publish(20)
    trial.stack.stop_service("schema_registry")
    trial.kill("kafka")
    worker = trial.worker(AUDIT_WORKER_HTTP_PORT=str(free_port()))
    waits_for_kafka(worker.start(wait=False))
    assert worker.terminate(within_seconds=STOP_SECONDS)
    assert worker.exit_code() == 0
    waits_for_kafka(worker.start(wait=False))
    time.sleep(60 if is_long else 3)
    trial.stack.start_service("kafka")
    trial.publish(20)
    wait_until(lambda: worker.said("RegistryUnavailable"), what="a question to the registry")
    trial.stack.start_service("schema_registry")
    with trial.load(per_second=60):
        for _ in range(3 if is_long else 1):
            trial.wait_until_stored(trial.stored() + 1)
            trial.kill("kafka")
            time.sleep(LONGER_THAN_A_SESSION_SECONDS)
            trial.stack.start_service("kafka")
    trial.check()
    assert worker.is_running()
    assert worker.log.read_text(errors="replace").count("Unable connect") <= MAX_CLIENT_LINES
    assert trial.dead_letters() == {}


def waits_for_kafka(worker: Worker) -> None:
    """Return when *worker* says that it waits, and its health is red for that; Faust alone would end it."""
    wait_until(lambda: worker.said("waiting before the start"), what="the wait for Kafka")
    ready = f"http://{HOST}:{worker.environment['AUDIT_WORKER_HTTP_PORT']}/readyz"
    wait_until(lambda: "kafka does not answer" in httpx.get(ready, timeout=60).text, what="red health")
    assert httpx.get(ready, timeout=60).status_code == httpx.codes.SERVICE_UNAVAILABLE


@pytest.mark.faults_long("the first part of T11 has no broker at a stop either")
def test_t11_a_worker_told_to_stop_with_events_in_hand_and_no_broker_ends_in_time(start_trial: StartTrial) -> None:
    """T11: SIGTERM while a commit waits for a broker that is gone."""
    trial = start_trial()
    worker = trial.worker("--batch-records", "20").start()
    for _ in range(5):
        with trial.load(per_second=60):
            trial.wait_until_stored(trial.stored() + 1)
            trial.kill("kafka")
            time.sleep(trial.rng.uniform(0, LONGER_THAN_A_SESSION_SECONDS))
            assert worker.terminate(within_seconds=STOP_SECONDS)
            trial.stack.start_service("kafka")
        worker.start()
    trial.check()


@pytest.mark.faults_long("the integration tests have a short form")
def test_t19_a_worker_that_knows_the_schema_needs_no_registry(start_trial: StartTrial) -> None:
    """T19: the broker is restarted with the registry down; what is known needs nobody to ask."""
    trial = start_trial()
    worker = trial.worker().start()
    trial.publish(20)
    trial.settle()
    trial.stack.stop_service("schema_registry")
    trial.kill("kafka")
    trial.stack.start_service("kafka")
    trial.publish(20)
    trial.settle()
    trial.stack.start_service("schema_registry")
    trial.publish(20)
    trial.check()
    assert worker.is_running()
    assert trial.dead_letters() == {}
