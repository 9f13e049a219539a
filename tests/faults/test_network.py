"""The network between the worker and ClickHouse breaks: T9."""

import pytest

from tests.faults.conftest import StartTrial
from tests.faults.tcp_proxy import Mode, TcpProxy
from tests.faults.workers import wait_until

STOP_SECONDS = 10
FAULTS = [mode for mode in Mode if mode is not Mode.PASS]


def test_t9_every_way_in_which_a_connection_to_clickhouse_can_break_is_waited_out(
    start_trial: StartTrial, is_long: bool
) -> None:
    """T9, and of T10 what a server says: every mode under load. A reset after the effect is the double insert."""
    trial = start_trial()
    rounds = 5 if is_long else 1
    with TcpProxy(trial.environment["CLICKHOUSE_URL"]) as proxy:
        worker = trial.worker("--batch-records", "50", CLICKHOUSE_URL=proxy.url).start()
        with trial.load(per_second=60):
            for mode in FAULTS * rounds:
                before = proxy.struck[mode]
                proxy.set_mode(mode)
                wait_until(lambda: proxy.struck[mode] >= before + 2, what=mode.name)  # noqa: B023 - within the iteration
                stored = trial.stored()
                proxy.set_mode(Mode.PASS)
                # It goes on by itself, before the next fault.
                trial.wait_until_stored(stored + 1)
        assert worker.is_running()
        trial.check()


def test_t5_a_worker_told_to_stop_while_clickhouse_hangs_ends_in_time(start_trial: StartTrial) -> None:
    """T5 within T9: SIGTERM while a request has no answer; its supervisor would kill it later."""
    trial = start_trial(partitions=1)
    with TcpProxy(trial.environment["CLICKHOUSE_URL"]) as proxy:
        worker = trial.worker(CLICKHOUSE_URL=proxy.url).start()
        trial.publish(10)
        trial.settle()
        proxy.set_mode(Mode.HANG)
        trial.publish(10)
        wait_until(lambda: proxy.struck[Mode.HANG] >= 1, what="a request")
        assert worker.terminate(within_seconds=STOP_SECONDS)
        assert trial.fresh_committed() == {0: 10}
        proxy.set_mode(Mode.PASS)
        worker.start()
        trial.check()


def test_t9_a_server_that_never_answers_is_given_up_in_a_bounded_time(start_trial: StartTrial, is_long: bool) -> None:
    """T9: accept and hang, for longer than the client waits."""
    if not is_long:
        pytest.skip("takes the client's whole timeout; the long form runs it")
    trial = start_trial()
    with TcpProxy(trial.environment["CLICKHOUSE_URL"]) as proxy:
        trial.worker(CLICKHOUSE_URL=proxy.url).start()
        trial.publish(10)
        trial.wait_until_stored(10)
        proxy.set_mode(Mode.HANG)
        trial.publish(10)
        wait_until(lambda: proxy.struck[Mode.HANG] >= 2, seconds=120, what="a second attempt")
        proxy.set_mode(Mode.PASS)
        trial.check()
