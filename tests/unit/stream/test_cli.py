"""How `audit-stream` ends, told apart by what the caller must do."""

import re
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from typer.testing import CliRunner

import stream
from stream.commands import cli
from stream.commands.common import ExitCode
from stream.errors import Unavailable, UnreadableRecord

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
