"""Applications on the blocking client are killed at any moment: what they were told is acknowledged becomes a line."""

import json
import time
from pathlib import Path

from tests.faults.conftest import StartTrial
from tests.faults.oracle import Entry
from tests.faults.trial import Trial
from tests.faults.workers import wait_until

APP = "tests.faults.blocking_app"


def learn(trial: Trial, file: Path) -> None:
    """Take over the ledger of an application. Its last line may be cut."""
    for line in file.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            entry = json.loads(line)
            kind = entry.pop("kind")
            (trial.ledger.maybe if kind == "maybe" else trial.ledger.acknowledged)[entry["event_id"]] = Entry(**entry)


def test_an_application_that_is_killed_loses_and_doubles_nothing_it_was_told_of(
    start_trial: StartTrial, tmp_path: Path, is_long: bool
) -> None:
    trial = start_trial(partitions=None)
    for number in range(100 if is_long else 3):
        file = tmp_path / f"{number}.jsonl"
        options = ["--ledger", str(file), "--client-space", trial.client_space_ids[0]]
        app = trial.worker(*options, script=APP).start(wait=False)
        # The first acknowledgement shows that it works; then it is killed at a moment of chance.
        wait_until(lambda: file.exists() and "acknowledged" in file.read_text(encoding="utf-8"), what="an event")  # noqa: B023 - used in it
        time.sleep(trial.rng.uniform(0, 0.2))
        trial.kill(app)
        learn(trial, file)
    trial.check()
