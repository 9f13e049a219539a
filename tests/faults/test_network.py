"""The network between the worker and ClickHouse breaks: T9."""

from pathlib import Path

import pytest

from tests.faults.conftest import StartTrial
from tests.faults.tcp_proxy import Mode, TcpProxy
from tests.faults.workers import STOP_SECONDS, Hold, wait_until

FAULTS = [mode for mode in Mode if mode is not Mode.PASS]


def test_t9_every_way_in_which_a_connection_to_clickhouse_can_break_is_waited_out(
    start_trial: StartTrial, is_long: bool
) -> None:
    """T9, and of T10 what a server says: every mode under load. A reset after the effect is the double insert."""
    trial = start_trial()
    rounds, strikes = (3, 2) if is_long else (1, 1)
    with TcpProxy(trial.environment["CLICKHOUSE_URL"]) as proxy:
        worker = trial.worker("--batch-records", "50", CLICKHOUSE_URL=proxy.url).start()
        with trial.load(per_second=60):
            for mode in FAULTS * rounds:
                before = proxy.struck[mode]
                proxy.set_mode(mode)
                wait_until(lambda: proxy.struck[mode] >= before + strikes, what=mode.name)  # noqa: B023 - within the iteration
                stored = trial.stored()
                proxy.set_mode(Mode.PASS)
                # It goes on by itself, before the next fault.
                trial.wait_until_stored(stored + 1)
        assert worker.is_running()
        trial.check()


@pytest.mark.parametrize(
    "outage",
    [Mode.HANG, pytest.param(Mode.REFUSE, marks=pytest.mark.faults_long("a hang is the worse case"))],
)
def test_t5_a_worker_told_to_stop_within_an_insert_or_an_outage_ends_in_time_and_commits_nothing_early(
    start_trial: StartTrial, tmp_path: Path, outage: Mode
) -> None:
    """T5, also within T9: SIGTERM while an insert is under way, and while ClickHouse does not answer."""
    trial = start_trial(partitions=1)
    hold = Hold(tmp_path)
    hold.set()
    trial.publish(20)
    with TcpProxy(trial.environment["CLICKHOUSE_URL"]) as proxy:
        worker = trial.worker("--hold", str(hold.file), CLICKHOUSE_URL=proxy.url).start()
        hold.wait()
        worker.ask_to_end()
        assert trial.fresh_committed() == {}
        hold.release()
        assert worker.terminate(within_seconds=STOP_SECONDS)
        worker.start()
        trial.settle()
        proxy.set_mode(outage)
        trial.publish(20)
        wait_until(lambda: proxy.struck[outage] >= 1, what="a request")
        assert worker.terminate(within_seconds=STOP_SECONDS)
        assert trial.fresh_committed() == {0: 20}
        proxy.set_mode(Mode.PASS)
        worker.start()
        trial.check()


@pytest.mark.faults_long("it takes the client's whole timeout")
def test_t9_a_server_that_never_answers_is_given_up_in_a_bounded_time(start_trial: StartTrial) -> None:
    """T9: accept and hang, for longer than the client waits."""
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
