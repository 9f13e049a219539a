"""`audit-produce import` as an operator meets it."""

import errno
import gc
import json
import sqlite3
from pathlib import Path
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

from producers.commands import cli
from producers.commands.cli import ExitCode, app
from producers.errors import DeliveryUnknown, PublishFailed
from producers.in_memory import InMemoryPublisher
from producers.settings import ProducerSettings
from schemas.errors import InvalidEvent, Reason

CORPUS = Path(__file__).parents[3] / "corpus" / "imports"
WHO = ["--client-space", "acme", "--admin-id", "usr_admin"]
LISTS = ["import", str(CORPUS / "after.csv"), "--before", str(CORPUS / "before.csv"), *WHO]
ACTIONS = ["import", str(CORPUS / "actions.csv"), *WHO]
COUNTS = {"user_creation": 1, "user_deletion": 1, "user_license_update": 1, "admin_rights_update": 1}
runner = CliRunner()


@pytest.fixture(autouse=True)
def publisher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> InMemoryPublisher:
    publisher = InMemoryPublisher()

    def open_publisher(settings: ProducerSettings) -> InMemoryPublisher:
        assert settings.kafka_bootstrap_servers == "localhost:9092"
        return publisher

    monkeypatch.setattr(cli, "KafkaPublisher", open_publisher)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "http://localhost")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return publisher


def test_a_dry_run_counts_and_needs_no_environment(
    publisher: InMemoryPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS")
    result = runner.invoke(app, [*LISTS, "--dry-run"])
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.splitlines() == [
        "list before (before.csv): 4 rows = 1 imported + 3 unchanged + 0 rejected; 0 blank",
        "list after (after.csv): 4 rows = 3 imported + 1 unchanged + 0 rejected; 0 blank",
        "user_creation: 1",
        "user_deletion: 1",
        "user_license_update: 2",
        "admin_rights_update: 2",
        "Nothing was published: a dry run.",
    ]
    assert publisher.events == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (sqlite3.OperationalError("database or disk is full"), "database or disk is full"),
    ],
)
def test_a_full_disk_is_told_and_the_same_command_goes_on(
    error: Exception, told: str, publisher: InMemoryPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr("producers.file_import.import_record.ImportRecords.begin", Mock(side_effect=error))
        result = runner.invoke(app, [*ACTIONS, "--json"])
    assert result.exit_code == ExitCode.FAILED
    assert "full disk, and run the same command again" in " ".join(result.stderr.split())
    assert told in json.loads(result.stdout.splitlines()[-1])["message"]
    assert runner.invoke(app, ACTIONS).exit_code == ExitCode.DONE
    assert len(publisher.events) == 4


def test_an_import_leaves_the_collection_of_garbage_as_it_was() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    assert runner.invoke(app, [*LISTS, "--dry-run"]).exit_code == ExitCode.DONE
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_an_import_publishes_and_a_second_one_waits_for_a_word(publisher: InMemoryPublisher) -> None:
    for options, run in ([], "first"), (["--repeat"], "repeated"):
        result = runner.invoke(app, [*ACTIONS, "--json", *options])
        assert result.exit_code == ExitCode.DONE
        summary = json.loads(result.stdout)
        assert (summary["type"], summary["events"], summary["published"]) == ("summary", COUNTS, 4)
        assert summary["run"] == run
    assert publisher.events[:4] == publisher.events[4:]
    assert "no duplicate lines" in runner.invoke(app, [*ACTIONS, "--repeat"]).stdout
    again = runner.invoke(app, [*ACTIONS, "--json"])
    assert again.exit_code == ExitCode.DECISION
    assert json.loads(again.stdout)["error"] == "AlreadyImported"


@pytest.mark.parametrize("is_piped", [False, True])
def test_the_time_and_the_admin_are_the_operators(publisher: InMemoryPublisher, tmp_path: Path, is_piped: bool) -> None:
    admin = 'id = "usr_admin"\nusername = "g@example.org"\ndisplay_name = "Grace"\n'
    (tmp_path / "admin.toml").write_text(admin)
    command = [option for option in LISTS if option not in {"--admin-id", "usr_admin"}]
    options = ["--occurred-at", "2026-02-01T10:00:00+01:00", "--admin", "-" if is_piped else f"{tmp_path}/admin.toml"]
    result = runner.invoke(app, [*command, *options], input=admin if is_piped else None)
    assert result.exit_code == ExitCode.DONE
    assert "at 2026-02-01T09:00:00+00:00" in result.stdout
    assert {event.admin.display_name for event in publisher.events} == {"Grace"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--admin-id or by --admin"),
        (["--admin-id", "a", "--admin", "admin.toml"], "--admin-id or by --admin"),
        (["--admin-id", "grace@example.com"], "which the shell would keep"),
        (["--admin", "nowhere.toml"], "cannot be read"),
        (["--admin", "admin.toml"], "the file has id"),
        (["--admin", "broken.toml"], "no TOML"),
    ],
)
def test_an_admin_who_is_not_named_well_is_refused_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "admin.toml").write_text('username = "grace@example.com"')
    (tmp_path / "broken.toml").write_text("grace@example.com")
    result = runner.invoke(app, ["import", str(CORPUS / "actions.csv"), "--client-space", "acme", *options])
    assert result.exit_code == ExitCode.USAGE
    assert message in " ".join(result.stderr.split())
    assert "grace@" not in result.output


def test_bad_rows_are_listed_without_what_they_say_and_nothing_is_published(
    publisher: InMemoryPublisher, tmp_path: Path
) -> None:
    after = tmp_path / "after.csv"
    after.write_text((CORPUS / "after.csv").read_text("utf-8").replace(",yes", ",perhaps"), "utf-8")
    command = ["import", str(after), "--before", str(CORPUS / "before.csv"), *WHO]
    result = runner.invoke(app, command)
    assert result.exit_code == ExitCode.BAD_ROWS
    assert "list after (after.csv), row 2, admin access: neither yes" in result.stderr
    assert "Nothing was published: 1 bad row(s)." in result.stdout
    dry = runner.invoke(app, [*command, "--dry-run"])
    assert "a dry run. For its 1 bad row(s), only `--on-error skip` publishes the others." in dry.stdout
    assert publisher.events == []
    skipping = runner.invoke(app, [*command, "--on-error", "skip"])
    assert skipping.exit_code == ExitCode.BAD_ROWS
    assert {event.affected_user.id for event in publisher.events} == {"u-1", "u-2", "u-3"}
    assert not any(text in result.output + skipping.output for text in ("barbara", "Liskov", "perhaps", "u-5"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "nowhere.csv", *WHO], "No such file"),
        (["import", str(CORPUS / "after.csv"), *WHO], "--before"),
        ([*ACTIONS, "--occurred-at", "yesterday"], "not a time like"),
        ([*ACTIONS, "--on-error", "ignore"], "ignore"),
        ([*ACTIONS, "--format", "ldap"], "platform, entra, google, okta"),
        (["import", str(CORPUS / "actions.csv"), "--client-space", "", "--admin-id", "a"], "client_space_id: blank"),
        (["import", str(CORPUS / "actions.csv")], "--client-space"),
    ],
)
def test_a_wrong_command_is_refused_with_the_reason(
    arguments: list[str], message: str, publisher: InMemoryPublisher
) -> None:
    result = runner.invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == ExitCode.USAGE
    assert message in result.stderr
    assert publisher.events == []


def test_a_missing_setting_is_named_before_the_files_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCHEMA_REGISTRY_URL")
    result = runner.invoke(app, ["import", "nowhere.csv", *WHO])
    assert result.exit_code == ExitCode.USAGE
    assert "SCHEMA_REGISTRY_URL" in result.stderr


def test_a_failure_to_publish_says_to_run_it_again(publisher: InMemoryPublisher) -> None:
    publisher.fail_at[1] = "lost"
    result = runner.invoke(app, ACTIONS)
    assert result.exit_code == ExitCode.FAILED
    assert "Run the same command again" in result.stderr
    assert PublishFailed.__name__ in result.stderr


def test_an_interruption_has_its_own_exit_code(publisher: InMemoryPublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(publisher, "publish", interrupt)
    assert runner.invoke(app, ACTIONS).exit_code == ExitCode.INTERRUPTED


def test_a_source_that_fails_after_something_was_handed_over_is_a_failure_not_a_usage_error(
    publisher: InMemoryPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> int:
        raise ExceptionGroup("both", [DeliveryUnknown([]), InvalidEvent(Reason.BLANK, "admin.id")])

    monkeypatch.setattr(publisher, "publish_all", fail)
    result = runner.invoke(app, ACTIONS)
    assert result.exit_code == ExitCode.FAILED
    assert "DeliveryUnknown" in result.stderr
    assert "InvalidEvent: admin.id: blank" in result.stderr
