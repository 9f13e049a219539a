"""What the fault tests share: the seed, the tally of the session, and trials on the session's stack."""

import gc
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack.stack import LocalStack
from tests.faults.trial import Setting, Tally, Trial
from tests.warm_processes import WarmProcesses, warm_processes

_TALLY = pytest.StashKey[Tally]()
_SEED = pytest.StashKey[int]()
_HERE = Path(__file__).parent
_LEFTOVERS = ("ResourceWarning", "pytest.PytestUnraisableExceptionWarning")
"""What the clients' libraries leave to the garbage collector when a server is killed under them."""
_SELFTEST = "test_oracle_selftest.py"

StartTrial = Callable[..., Trial]


def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed, unless it was given."""
    given = config.getoption("--faults-seed")
    is_long = config.getoption("--faults-long")
    config.stash[_SEED] = given if given is not None else random.SystemRandom().randrange(2**31) if is_long else 1
    config.stash[_TALLY] = Tally()
    config.addinivalue_line("markers", "faults_long(reason): runs in the long form alone, for this reason")


def pytest_report_header(config: pytest.Config) -> str:
    """The seed with which this run can be repeated."""
    return f"faults: seed {config.stash[_SEED]}, {'long' if config.getoption('--faults-long') else 'short'} form"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests are left out of the short form, and all but the oracle's own with `--oracle-selftest`.

    Leftovers of connections that were cut are no fault.
    """
    for item in items:
        if item.path.parent == _HERE:
            for kind in _LEFTOVERS:
                item.add_marker(pytest.mark.filterwarnings(f"ignore::{kind}"))
        mark = item.get_closest_marker("faults_long")
        if mark is not None and not config.getoption("--faults-long"):
            item.add_marker(pytest.mark.skip(reason=f"long form: {mark.args[0]}"))
    if config.getoption("--oracle-selftest"):
        chosen = [item for item in items if item.path.name == _SELFTEST]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run that did not kill as often as it was asked to has shown less than it claims, and is red."""
    if session.exitstatus == pytest.ExitCode.OK and kills_missing(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The numbers of all trials together."""
    if config.stash[_TALLY].verdicts:
        terminalreporter.write_line(f"faults: seed {config.stash[_SEED]}: {config.stash[_TALLY]}")
    if missing := kills_missing(config):
        terminalreporter.write_line(f"faults: {missing} kills fewer than were asked for", red=True)


def kills_missing(config: pytest.Config) -> int:
    """How many kills the session was asked for and has not done."""
    wanted: int = config.getoption("--faults-min-kills")
    return max(0, wanted - config.stash[_TALLY].kills)


@pytest.fixture
def is_long(pytestconfig: pytest.Config) -> bool:
    """Whether the long form was asked for."""
    return bool(pytestconfig.getoption("--faults-long"))


@pytest.fixture
def selftest_asked_for(pytestconfig: pytest.Config, is_long: bool) -> None:
    """Skip the test unless the oracle's self-test, or the long form, was asked for."""
    if not is_long and not pytestconfig.getoption("--oracle-selftest"):
        pytest.skip("runs with --oracle-selftest and in the long form")


@pytest.fixture
def seed(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> str:
    """The session's seed, made the test's own; a test draws the same whichever others run."""
    return f"{pytestconfig.stash[_SEED]}/{request.node.name}"


@pytest.fixture(scope="session")
def processes() -> WarmProcesses:
    """What workers are made of."""
    return warm_processes()


@pytest.fixture
def start_trial(
    stack: LocalStack, processes: WarmProcesses, tmp_path: Path, pytestconfig: pytest.Config, seed: str
) -> Iterator[StartTrial]:
    """Starts trials; all of them end with the test, and what it left dead runs again."""
    rng = random.Random(seed)  # noqa: S311 - nothing here is secret
    with ExitStack() as trials:

        def start(**options: Any) -> Trial:
            setting = Setting(stack, tmp_path, processes, pytestconfig.stash[_TALLY], rng, **options)
            return trials.enter_context(Trial(setting))

        yield start
        # Before the trials end: their publishers and consumers say goodbye to a broker.
        for name in stack.dead():
            stack.start_service(name)
    # Here, and not in the middle of a test that forgives no leftovers.
    gc.collect()
