"""The events topic is made anew, goes missing, or is set wrongly: T27 to T30."""

import httpx
import pytest

from schemas.codec import encode
from schemas.wire import frame
from tests.faults.conftest import StartTrial
from tests.faults.trial import Trial
from tests.faults.workers import wait_until
from tests.free_ports import free_port_base


@pytest.mark.parametrize("later", [2, 25], ids=["and ends before what was read", "and ends behind what was read"])
def test_t27_a_topic_that_is_made_anew_under_a_worker_is_read_whole(start_trial: StartTrial, later: int) -> None:
    """T27: partition and offset name another record then. A frozen worker never sees that one was missing."""
    trial = start_trial(partitions=1)
    worker = trial.worker().start()
    send(trial, 5)
    trial.settle()
    worker.suspend()
    trial.delete_topic()
    trial.create_topic()
    send(trial, later)
    worker.resume()
    trial.wait_until_stored(5 + later)
    trial.check()
    assert worker.is_running()


@pytest.mark.parametrize("is_restarted", [False, True], ids=["in place", "by the next worker of its name"])
def test_t28_a_topic_that_was_missing_is_read_when_it_is_back(start_trial: StartTrial, *, is_restarted: bool) -> None:
    """T28: the assignment is empty meanwhile, and a static member is given its old one again."""
    trial = start_trial(partitions=1)
    port = free_port_base()
    worker = trial.worker(AUDIT_WORKER_HTTP_PORT=str(port)).start()
    send(trial, 5)
    trial.settle()
    trial.delete_topic()
    wait_until(lambda: "the events topic does not exist" in ready(port).text, what="red for the topic")
    assert ready(port).status_code == httpx.codes.SERVICE_UNAVAILABLE
    wait_until(lambda: ready(port).json()["assigned_partitions"] == 0, what="an empty assignment")
    if is_restarted:
        trial.kill(worker)
        worker.start(wait=False)
    trial.create_topic()
    send(trial, 5)
    trial.wait_until_stored(10)
    wait_until(lambda: ready(port).is_success, what="green")
    trial.check()
    assert worker.is_running()


def test_t29_a_topic_that_keeps_the_producers_times_is_refused_by_the_name_of_its_setting(
    start_trial: StartTrial,
) -> None:
    """T29: retention, order and erasure rest on the broker's times."""
    trial = start_trial(partitions=1, topic_options={"message.timestamp.type": "CreateTime"})
    worker = trial.worker().start(wait=False)
    wait_until(lambda: not worker.is_running(), what="an end")
    assert worker.exit_code() not in (0, None)
    assert worker.said("message.timestamp.type is CreateTime, and must be LogAppendTime")


@pytest.mark.faults_long("the clash shows after some restarts of both; what tells it from a rebalance has a unit test")
def test_t30_two_workers_under_one_name_say_so_and_lose_nothing(start_trial: StartTrial) -> None:
    """T30: each takes the other's membership away, again and again."""
    trial = start_trial(partitions=1)
    workers = [trial.worker() for _ in range(2)]

    def one_says_so() -> bool:
        for worker in workers:
            if not worker.is_running():
                # As a supervisor does: the broker may answer a lost membership with an error that ends a worker.
                worker.start(wait=False)
        return any(worker.said("another worker runs under this instance name") for worker in workers)

    with trial.load(per_second=20):
        wait_until(one_says_so, seconds=240, what="a word of it")
        trial.kill(workers[0])
    if not workers[1].is_running():
        workers[1].start()
    trial.check()


def ready(port: int) -> httpx.Response:
    """The worker's readiness."""
    with httpx.Client(transport=httpx.HTTPTransport(retries=5), timeout=60) as http:
        return http.get(f"http://127.0.0.1:{port}/readyz")


def send(trial: Trial, count: int) -> None:
    """Send so many events with a producer of their own, which knows nothing of an earlier topic of this name."""
    events = [trial.source.next() for _ in range(count)]
    schema_id = trial.schema_id()
    trial.publish_raw([frame(schema_id, encode(event, now=event.occurred_at)) for event in events])
    for event in events:
        trial.ledger.acknowledge(event)
