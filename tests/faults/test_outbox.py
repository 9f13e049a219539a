"""Relays end at any moment: what an application committed into its outbox becomes a line, once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from producers import outbox
from producers.outbox.table import events
from tests.faults.conftest import StartTrial
from tests.faults.trial import Trial
from tests.faults.workers import wait_until
from tests.postgresql import postgresql

RELAY = "tests.faults.outbox_relay"
URL = "AUDIT_OUTBOX_DATABASE_URL"


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = (
        f"sqlite:///{tmp_path}/app.db?timeout=60"
        if request.param == "sqlite"
        else request.getfixturevalue("postgresql_url")
    )
    engine = create_engine(url)
    outbox.metadata.drop_all(engine)
    outbox.create_tables(engine)
    yield engine
    engine.dispose()


def commit_events(trial: Trial, engine: Engine, count: int) -> None:
    """Transactions of an application, each with a few events; they are promised once they have committed."""
    for _ in range(count // 4):
        added = [trial.source.next() for _ in range(4)]
        with Session(engine) as session, session.begin():
            for event in added:
                outbox.add(session, event)
        for event in added:
            trial.ledger.acknowledge(event)


def waiting(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(events)) or 0


def kill_relays(trial: Trial, engine: Engine, ends: int, *options: str) -> None:
    """Relays, two at a time, until so many have ended at a step of theirs; who survives its work is killed after it."""
    environment = {URL: engine.url.render_as_string(hide_password=False)}
    while ends > 0:
        commit_events(trial, engine, 40)
        pair = [trial.worker("--deadly", "0.3", *options, script=RELAY, **environment) for _ in range(2)]
        for relay in pair:
            relay.start(wait=False)
        wait_until(lambda: waiting(engine) == 0 or not any(relay.is_running() for relay in pair), what="an end")  # noqa: B023 - used in it
        ends -= sum(not relay.is_running() for relay in pair)
        for relay in pair:
            trial.kill(relay)
    last = trial.worker(*options, script=RELAY, **environment)

    def is_empty() -> bool:
        # An unsafe one ends itself once it has taken what lay in the buckets that were free then.
        if not last.is_running():
            last.start(wait=False)
        return waiting(engine) == 0

    wait_until(is_empty, what="an empty outbox")


def test_relays_killed_at_any_step_lose_and_double_nothing(
    start_trial: StartTrial, engine: Engine, is_long: bool
) -> None:
    trial = start_trial(partitions=None)
    kill_relays(trial, engine, 100 if is_long else 4)
    trial.check()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_relay_that_deletes_before_the_acknowledgement_makes_the_oracle_red(
    start_trial: StartTrial, engine: Engine
) -> None:
    trial = start_trial(partitions=None)
    kill_relays(trial, engine, 4, "--unsafe")
    trial.settle()
    assert trial.verdict().lost
