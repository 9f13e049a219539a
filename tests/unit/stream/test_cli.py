"""How `audit-stream` ends, told apart by what the caller must do."""

import re
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError
from clickhouse_connect.driver.exceptions import DatabaseError

import stream
from stream import cli
from stream.commands.common import ExitCode
from stream.errors import Unavailable

README = (Path(stream.__file__).parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Unavailable("ClickHouse: Timeout"), "audit-stream: Unavailable: ClickHouse: Timeout\n"),
        (KafkaConnectionError("to broker"), "audit-stream: Kafka: KafkaConnectionError\n"),
        (DatabaseError("SELECT 'ada@example.com'"), "audit-stream: ClickHouse: DatabaseError (code None)\n"),
        (FileNotFoundError("gone"), "FileNotFoundError: gone\n"),
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
    assert capsys.readouterr().err.endswith(told)


def test_every_exit_code_is_documented() -> None:
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)} == {*ExitCode, 130}
