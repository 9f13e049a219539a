"""Retention: what is kept, for how long, and whether everything is set accordingly."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from stream.clients.topics import topic_differences
from stream.commands.common import ExitCode, echo_json, echo_table, settings_or_exit
from stream.erasure.retention import read_stored, read_topics
from stream.erasure.retention import status as status_of

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.callback()
def retention() -> None:
    """Retention: what is kept, for how long, and whether everything is set accordingly."""


@app.command()
def status(*, json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """Show what is on disk, what is shown, what is dropped next, and how long topics keep what.

    Exits with 1 if a month is overdue to be dropped, or if a topic is not set as declared.
    """
    settings = settings_or_exit()
    now = datetime.now(UTC)
    stored = read_stored(*settings.clickhouse, now)
    configs = asyncio.run(read_topics(settings.kafka))
    differences = asyncio.run(topic_differences(settings.kafka))
    found = status_of(now, stored, configs, differences)
    if json:
        echo_json(asdict(found))
    else:
        rows = [("lines are shown from", found.retention_start), *asdict(found.stored).items(), *found.topics.items()]
        echo_table("Retention", ("what", "value"), [(str(name).replace("_", " "), value) for name, value in rows])
        for warning in found.warnings:
            typer.echo(f"warning: {warning}", err=True)
    if found.warnings:
        raise typer.Exit(ExitCode.FOUND)
