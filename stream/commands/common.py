"""What the groups of commands share: settings, and output for people and for programs."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from stream.settings import WorkerSettings

EXIT_FAILURE = 1
EXIT_USAGE = 2


def settings_or_exit() -> WorkerSettings:
    """The settings from the environment; ends the command with a line for each problem where they are not valid."""
    try:
        return WorkerSettings()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            typer.echo(f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}", err=True)
        raise typer.Exit(EXIT_USAGE) from None


def echo_json(value: Mapping[str, object]) -> None:
    """*value* as JSON on standard output; times in RFC 3339."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=in_words))


def echo_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """*rows* as a table on standard output."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(in_words(value) for value in row))
    Console().print(table)


def in_words(value: object) -> str:
    """*value* as a person reads it."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    return str(value)
