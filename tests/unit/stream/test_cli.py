"""How `audit-stream` ends, told apart by what the caller must do."""

import json
import re
from pathlib import Path
from unittest.mock import Mock

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from typer.testing import CliRunner

import stream
from stream.commands import cli, erasure
from stream.commands.common import ExitCode, echo_table
from stream.errors import Unavailable, UnreadableRecord
from tests.builders import NOW

README = (Path(stream.__file__).parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Unavailable("ClickHouse: Timeout"), "audit-stream: Unavailable: ClickHouse: Timeout\n"),
        (DatabaseError("SELECT 'ada@example.com'"), "audit-stream: DatabaseError\n"),
        (KeyError("ada@example.com"), "audit-stream: KeyError\n"),
    ],
)
def test_what_could_not_be_done_never_ends_as_if_it_had_looked_and_found(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == ExitCode.NOT_DONE
    printed = capsys.readouterr()
    assert printed.err.endswith(told)
    assert "ada@example.com" not in printed.out + printed.err


def test_a_record_that_is_unreadable_is_something_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """To repeat it would not help."""

    def fail() -> None:
        raise UnreadableRecord("user-management.activity-log[0]@7", "no schema has this id")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == ExitCode.FOUND


@pytest.mark.parametrize("command", [["migrate"], ["worker"]])
def test_a_wrong_environment_is_told_before_anything_is_done(command: list[str]) -> None:
    ended = CliRunner().invoke(cli.app, command)
    assert ended.exit_code == ExitCode.USAGE
    assert "KAFKA_BOOTSTRAP_SERVERS: is required" in ended.output


def test_every_exit_code_is_documented() -> None:
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)} == {*ExitCode, 130}


def test_a_table_in_a_narrow_place_cuts_nothing_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    ref = "453721f1-5fd5-440e-feed-869208f2a13a"
    echo_table("Erased persons of acme", ("person_ref", "erased_at", "names"), [(ref, NOW, "gone")])
    rows = [line.split("│")[1].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert "".join(rows) == ref


@pytest.mark.parametrize(("person", "told"), [(None, "anybody"), (b"usr_ada", "this person")])
def test_a_status_without_a_deletion_says_so(
    person: bytes | None, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An empty list looks like a proof, and the id may be misspelled."""
    monkeypatch.setattr(
        erasure, "settings_or_exit", lambda: Mock(key=b"k" * 32, clickhouse=("http://127.0.0.1", "audit"))
    )
    monkeypatch.setattr(erasure, "ClickHousePersonStore", lambda *_: Mock(**{"erasures_in.return_value": {}}))
    arguments = ["erasure", "status", "--client-space", "acme", "--json"]
    if person is not None:
        (tmp_path / "id.txt").write_bytes(person)
        arguments += ["--person-file", str(tmp_path / "id.txt")]
    ended = CliRunner().invoke(cli.app, arguments)
    assert f"no deletion of {told} is known in acme" in ended.stderr
    assert json.loads(ended.stdout)["erased_persons"] == []
