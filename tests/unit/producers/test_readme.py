"""The producers' README says what there is, and its examples run."""

import asyncio
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import typer.main
from fastapi import Depends, FastAPI, Request

import producers
from producers.commands import cli
from producers.commands.cli import ExitCode, app
from producers.django import current
from producers.errors import ProducerError
from producers.file_import.rows import Column
from producers.in_memory import InMemoryPublisher
from producers.settings import ProducerSettings
from schemas.events import Person
from tests.builders import ADMIN, USER

HERE = Path(producers.__file__).parent
# The page uses the import name of the small wheel.
README = (HERE / "README.md").read_text(encoding="utf-8").replace("from user_management_audit", "from producers")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
IMPORT_PAGE = (HERE / "file_import" / "README.md").read_text(encoding="utf-8")


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| `?([^|`]+)`? \|", README, re.MULTILINE))
    fields = ProducerSettings.model_fields.values()
    assert set(rows) == {str(field.alias) for field in fields}
    for field in fields:
        default = rows[str(field.alias)].strip()
        given = "none" if field.default is None else str(field.default)
        assert default == ("required" if field.is_required() else given.removesuffix(".0"))


def test_every_extra_of_the_wheel_is_documented() -> None:
    extras = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r"^\| `([a-z]+)` \|", README, re.MULTILINE)) == set(extras)


def test_every_exit_code_is_documented() -> None:
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", IMPORT_PAGE, re.MULTILINE)} == set(ExitCode)


def test_every_error_is_documented() -> None:
    documented = set(re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", README, re.MULTILINE)) - {
        str(field.alias) for field in ProducerSettings.model_fields.values()
    }
    assert documented == {
        "InvalidEvent",
        "InvalidSettings",
        *(error.__name__ for error in ProducerError.__subclasses__()),
    }


def test_every_column_is_documented() -> None:
    assert [column for column in Column if f"`{column}`" not in IMPORT_PAGE] == []


def test_every_option_that_the_readme_names_exists() -> None:
    command = typer.main.get_command(app).commands["import"]  # type: ignore[attr-defined]
    options = {name for parameter in command.params for name in parameter.opts}
    undocumented = {"--help"}
    named = set(re.findall(r"--[a-z][a-z-]+", README + IMPORT_PAGE))
    assert named == {option for option in options if option.startswith("--")} - undocumented


def test_the_example_of_the_ui_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = InMemoryPublisher()
    monkeypatch.setattr(producers, "KafkaPublisher", lambda _: publisher)
    monkeypatch.setattr(producers, "load_settings", lambda: None)
    with asyncio.Runner() as runner:  # `asyncio.run` would leave this thread without its loop
        monkeypatch.setattr(asyncio, "run", runner.run)
        exec(EXAMPLES[0], {})  # noqa: S102 - our own README
    assert [str(event.channel) for event in publisher.events] == ["ui"] * 4


async def run_example(code: str, **scope: Any) -> None:
    """Run *code*, which awaits."""
    indented = "".join(f"    {line}\n" for line in code.splitlines())
    exec(f"async def example():\n{indented}", scope)  # noqa: S102 - our own README
    await scope["example"]()


async def test_the_example_of_the_api_runs() -> None:
    async with InMemoryPublisher() as publisher:
        await run_example(EXAMPLES[4], publisher=publisher, admin=ADMIN, ada=USER)
        assert [str(event.channel) for event in publisher.events] == ["api"]


async def test_the_example_of_scim_runs() -> None:
    events = producers.ApiEvents(client_space_id="acme", token_owner=ADMIN, request_id="r-1", service="scim")
    before = {"id": "usr_ada", "active": True, "roles": [{"value": "CS Admin"}]}
    async with InMemoryPublisher() as publisher:
        await run_example(EXAMPLES[5], publisher=publisher, api=SimpleNamespace(events=events), before=before)
        assert [event.affected_user.id for event in publisher.events] == ["usr_ada"]


def test_the_example_of_the_blocking_client_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with producers.AuditLog.in_memory() as audit_log:
        monkeypatch.setattr(producers, "AuditLog", lambda: audit_log)
        exec(EXAMPLES[1], {})  # noqa: S102 - our own README
        assert [event.affected_user.id for event in audit_log.events] == ["usr_bob", "usr_ada", "usr_ada"]


async def test_the_example_of_a_web_application_runs() -> None:
    code = EXAMPLES[2]

    async def as_grace(request: Request) -> None:
        request.state.user = SimpleNamespace(client_space_id="acme", id="usr_grace", email="grace@example.com")

    application = FastAPI(dependencies=[Depends(as_grace)])
    async with InMemoryPublisher() as publisher:
        application.state.publisher = publisher
        exec(code, {"app": application})  # noqa: S102 - our own README
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://app") as http:
            assert (await http.delete("/users/usr_ada")).is_success
        assert [event.affected_user.id for event in publisher.events] == ["usr_ada"]


def test_the_example_of_django_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    scope: dict[str, Any] = {}
    user = SimpleNamespace(client_space_id="acme", username="usr_grace", email="grace@example.com")
    with producers.AuditLog.in_memory() as audit_log:
        monkeypatch.setattr(producers, "AuditLog", lambda: audit_log)
        exec(EXAMPLES[3], scope)  # noqa: S102 - our own README
        scope["audit"](lambda _: current().user_deleted(Person("usr_ada")))(SimpleNamespace(user=user, headers={}))
        assert [event.admin.id for event in audit_log.events] == ["usr_grace"]


def test_the_import_page_runs_as_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    script, output = re.findall(r"```(?:sh|text)\n(.*?)```", IMPORT_PAGE, re.DOTALL)[:2]
    for name, content in re.findall(r"cat > (\S+) <<'END'\n(.*?)END\n", script, re.DOTALL):
        Path(name).write_text(content, encoding="utf-8")
    commands = re.findall(r"^audit-produce (.*)$", script, re.MULTILINE)
    publisher = InMemoryPublisher()
    monkeypatch.setattr(cli, "KafkaPublisher", lambda _: publisher)
    monkeypatch.setattr(
        cli,
        "load_settings",
        lambda: ProducerSettings(kafka_bootstrap_servers="localhost:9092", schema_registry_url="http://localhost"),
    )
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            app(command.split())
        assert ended.value.code == ExitCode.DONE
        printed = capsys.readouterr().out
    assert printed.startswith(output)
    assert len(publisher.events) == 3
