"""Files as programs write them, each with the events or the refusal that it must give (`tests/corpus/imports`)."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from producers.commands import cli
from producers.commands.cli import ExitCode, app
from producers.in_memory import InMemoryPublisher

CORPUS = Path(__file__).parents[2] / "corpus" / "imports"
CASES = tomllib.loads((CORPUS / "cases.toml").read_text("utf-8"))["case"]
FILES = CORPUS / "files"


def name_of(case: dict[str, Any]) -> str:
    return " ".join([case["file"], *case.get("options", ())])


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_file_gives_its_events_or_its_refusal(
    case: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publisher = InMemoryPublisher()
    monkeypatch.setattr(cli, "KafkaPublisher", lambda _: publisher)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "http://localhost")
    monkeypatch.chdir(FILES)
    before = ["--before", case["before"]] if "before" in case else []
    command = ["import", case["file"], *before, "--client-space", "acme", "--admin-id", "usr_admin"]
    result = CliRunner().invoke(app, [*command, "--state-dir", str(tmp_path), *case.get("options", ())])
    assert case.get("says", "") in result.output
    assert result.exit_code == case.get("exit_code", ExitCode.DONE)
    said = sorted(f"{event.affected_user.id} {event.activity.activity_type}" for event in publisher.events)
    assert said == sorted(case["events"])


def test_every_file_of_the_corpus_is_tried() -> None:
    tried = {name for case in CASES for name in (case["file"], case.get("before"), *case.get("options", ())) if name}
    assert {path.name for path in FILES.iterdir()} <= tried
    assert len({case["file"] for case in CASES}) >= 60
