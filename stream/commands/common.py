"""What the groups of commands share: settings, and output for people and for programs."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum

import typer
from rich.console import Console
from rich.table import Table

from schemas.settings import InvalidSettings
from stream.settings import WorkerSettings, load_settings


class ExitCode(IntEnum):
    """How a command ends, told apart by what the caller must do; `audit-stream worker` ends with codes of its own."""

    DONE = 0
    FOUND = 1
    """It looked, and found what somebody must see to."""
    USAGE = 2
    """The command or the environment is wrong; nothing was done."""
    NOT_DONE = 3
    """It failed or is incomplete, so nothing is known. Repeat it when the named dependency is back."""


def settings_or_exit() -> WorkerSettings:
    """The settings from the environment; ends the command with a line for each problem where they are not valid."""
    try:
        return load_settings()
    except InvalidSettings as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(ExitCode.USAGE) from None


def echo_json(value: Mapping[str, object]) -> None:
    """*value* as JSON on standard output; times in RFC 3339."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=in_words))


def echo_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """*rows* as a table on standard output, nothing of them cut off: a narrow one breaks its lines."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
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
