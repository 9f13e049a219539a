"""What people use is in a page, and what a page names exists: commands, options, endpoints, settings, error codes.

Metrics are compared beside their definitions, the views of analysts in `tests/contract/test_analyst_views.py`, and the
settings of each role beside its page.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import typer

from producers.commands.cli import app as produce
from producers.intake.app import create_app as create_intake
from producers.intake.metrics import Metrics
from producers.intake.settings import IntakeSettings
from query_api.app import describe
from query_api.cli import app as query
from query_api.http import parameters
from query_api.http.problems import PROBLEMS
from query_api.settings import Settings
from schemas.errors import Reason
from schemas.token_keys import KeySource
from stream.commands.cli import app as stream
from stream.health.observer import Observer
from stream.health.pages import pages as health_pages
from stream.health.watchdog import Ok

PROGRAMS = {"audit-stream": stream, "audit-query": query, "audit-produce": produce}
GIVEN_BY_TYPER = {"--help"}


def walked(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """*command* and all below it, by full name."""
    yield name, command
    for part, below in getattr(command, "commands", {}).items():
        yield from walked(below, f"{name} {part}")


COMMANDS = {
    name: command for program, app in PROGRAMS.items() for name, command in walked(typer.main.get_command(app), program)
}


def options_of(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")}


@pytest.fixture(scope="module")
def texts(repository: Path) -> dict[Path, str]:
    """Every page, but for the changelog and the records of decisions, which tell what once was."""
    found = (path for path in repository.rglob("*.md") if path.name != "CHANGELOG.md")
    left_out = {".venv", ".local", "vendor", "decisions", "node_modules"}
    return {
        path.relative_to(repository): path.read_text(encoding="utf-8")
        for path in found
        if not left_out & set(path.relative_to(repository).parts)
    }


def snippets(text: str) -> Iterator[str]:
    """Every piece of code in a page that begins with one of our programs."""
    joined = text.replace("\\\n", " ")
    blocks = [
        line.split(" #")[0]
        for block in re.findall(r"```\w*\n(.*?)```", joined, re.DOTALL)
        for line in block.splitlines()
    ]
    for code in [*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", joined, flags=re.DOTALL))]:
        yield from re.findall(rf"\b(?:{'|'.join(PROGRAMS)})\b[^);]*", code)


def named_command(snippet: str) -> tuple[str, list[str]]:
    """The longest name of a command in *snippet*, and the words behind it."""
    # An ellipsis stands for any command.
    words = snippet.translate(str.maketrans("[]…", "   ")).split()
    for count in range(len(words), 0, -1):
        if (name := " ".join(words[:count])) in COMMANDS:
            return name, words[count:]
    raise AssertionError(snippet)


def test_every_command_that_a_page_names_exists_and_takes_the_options_that_are_named(texts: dict[Path, str]) -> None:
    wrong = []
    for page, text in texts.items():
        for snippet in snippets(text):
            name, rest = named_command(snippet)
            command = COMMANDS[name]
            is_group = bool(getattr(command, "commands", {}))
            options = {word.split("=")[0] for word in rest if word.startswith("--")}
            takes_words = any(not parameter.opts[0].startswith("--") for parameter in command.params)
            if (is_group and rest and not takes_words and not rest[0].startswith("--")) or options - options_of(
                command
            ):
                wrong.append((str(page), snippet))
    assert wrong == []


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if not getattr(command, "commands", {})])
def test_every_command_and_option_is_in_a_page(name: str, texts: dict[Path, str]) -> None:
    about = " ".join(text for text in texts.values() if any(named_command(s)[0] == name for s in snippets(text)))
    assert about, name
    missing = {option for option in options_of(COMMANDS[name]) if not re.search(rf"{option}(?![a-z-])", about)}
    assert missing - GIVEN_BY_TYPER == set()


def test_the_pages_name_every_endpoint_and_no_other(texts: dict[Path, str]) -> None:
    read = texts[Path("query_api/README.md")]
    table = read[: read.index("## What it guarantees")]
    named = {
        path for row in re.findall(r"^\| (`GET.*?) \|", table, re.MULTILINE) for path in re.findall(r"(/[^`]+)`", row)
    }
    assert named == {*describe()["paths"], "/openapi.json"}

    worker = texts[Path("stream/README.md")]
    health = health_pages(Observer(), Ok).router.resources()
    assert set(re.findall(r"^\| `(/\w+)` \|", worker, re.MULTILINE)) == {resource.canonical for resource in health}

    intake = create_intake(cast("IntakeSettings", None), Metrics(), keys=cast("KeySource", None))
    routes = {route.path for route in intake.routes}  # type: ignore[attr-defined]
    assert set(re.findall(r"`(?:GET|POST) (/[^`]+)`", texts[Path("producers/intake/README.md")])) == routes


def test_the_page_of_the_query_api_names_every_setting_problem_and_code_and_no_other(texts: dict[Path, str]) -> None:
    text = texts[Path("query_api/README.md")]
    settings = set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))
    assert settings == {str(field.alias) for field in Settings.model_fields.values()}
    problems = re.findall(r"^\| `/problems/([a-z-]+)` \| (\d+) \|", text, re.MULTILINE)
    assert set(problems) == {(problem.name, str(problem.status)) for problem in PROBLEMS}
    given = {code or kind for kind, (code, _) in parameters._CODES.items()} | {"repeated", "too_many_lines"}
    (listed,) = re.findall(r"^The codes of parameters are (.+?)\.$", text, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+)`", listed)) == given


def test_every_reason_code_is_documented_and_no_other(texts: dict[Path, str]) -> None:
    text = texts[Path("schemas/README.md")]
    section = re.split(r"^## ", text[text.index("## Reason codes") + 3 :], flags=re.MULTILINE)[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == {reason.value for reason in Reason}
