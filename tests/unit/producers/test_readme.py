"""The producers' README says what there is, and its examples run."""

import re
from pathlib import Path

import pytest
import typer.main

import producers
from producers.cli import ExitCode, app
from producers.errors import ProducerError
from producers.file_import.rows import Column
from producers.settings import ProducerSettings
from tests.fakes.publisher import InMemoryPublisher

README = (Path(producers.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| `?([^|`]+)`? \|", README, re.MULTILINE))
    fields = ProducerSettings.model_fields.values()
    assert set(rows) == {str(field.alias) for field in fields}
    for field in fields:
        default = rows[str(field.alias)].strip()
        given = "none" if field.default is None else str(field.default)
        assert default == ("required" if field.is_required() else given.removesuffix(".0"))


def test_every_exit_code_is_documented() -> None:
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)} == set(ExitCode)


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
    assert [column for column in Column if f"`{column}`" not in README] == []


def test_every_option_that_the_readme_names_exists() -> None:
    command = typer.main.get_command(app).commands["import"]  # type: ignore[attr-defined]
    options = {name for parameter in command.params for name in parameter.opts}
    assert set(re.findall(r"--[a-z][a-z-]+", README)) <= options


async def test_the_examples_of_ui_and_api_run(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = InMemoryPublisher()
    monkeypatch.setattr(producers, "KafkaPublisher", lambda _: publisher)
    monkeypatch.setattr(producers, "load_settings", lambda: None)
    first, api = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[:2]
    imports, body = first.split("\n\n", 1)
    indented = "".join(
        f"    {line}\n" for line in (body + "\n".join(f"    {line}" for line in api.splitlines())).splitlines()
    )
    scope: dict[str, object] = {}
    exec(f"{imports}\nasync def example():\n{indented}", scope)  # noqa: S102 - our own README
    await scope["example"]()  # type: ignore[operator]
    assert [str(event.channel) for event in publisher.events] == ["ui"] * 4 + ["api"]
