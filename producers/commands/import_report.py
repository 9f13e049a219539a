"""What `audit-produce import` says when it has run, to a person or as JSON. It names rows, never persons."""

import json
from pathlib import Path

import typer
from rich.console import Console

from producers.commands.import_run import Summary
from producers.file_import.file_import import FileImport
from producers.file_import.rejected import open_private, write_rejected
from producers.file_import.rows import label
from producers.file_import.which_run import Run

_RUNS = {
    Run.FIRST: "",
    Run.RESUMED: " This run completed an interrupted import: the same events, no duplicate lines.",
    Run.AGAIN: " The change was recorded as a new one: new events.",
    Run.REPEATED: " The same events were published again: no duplicate lines.",
}


def report(summary: Summary, stderr: Console, *, as_json: bool) -> None:
    """Print *summary*: warnings and bad rows to *stderr*, counts and conclusion to stdout."""
    for warning in summary.warnings:
        say(stderr, f"Warning: {warning}.")
    for bad_row in summary.bad_rows.first:
        say(stderr, str(bad_row))
    if more := summary.bad_rows.total - len(summary.bad_rows.first):
        say(stderr, f"and {more} more bad rows")
    if as_json:
        typer.echo(json.dumps(summary.as_json()))
        return
    for role, account in summary.accounts.items():
        typer.echo(
            f"{label(role, summary.file_names[role])}: {account.rows} rows = {account.imported} imported + "
            f"{account.unchanged} unchanged + {account.rejected} rejected; {account.blank} blank"
        )
    for activity_type, count in summary.events.items():
        typer.echo(f"{activity_type}: {count}")
    typer.echo(_conclusion(summary))


def write_files(summary: Summary, file_import: FileImport, directory: Path, stderr: Console) -> None:
    """Write `summary.json` and the rejected rows into *directory*."""
    paths = write_rejected(file_import, directory)
    with open_private(directory / "summary.json", "utf-8") as file:
        json.dump(summary.as_json(), file, indent=2)
    names = ", ".join([*(path.name for path in paths), "summary.json"])
    say(stderr, f"Written to {directory}: {names}.")


def say(stderr: Console, text: str) -> None:
    """Print *text* as it is, a line however long."""
    stderr.print(text, markup=False, highlight=False, soft_wrap=True)


def _conclusion(summary: Summary) -> str:
    if summary.unusable is not None:
        return f"Nothing was published. This row cannot be skipped: {summary.unusable}."
    if summary.run is None and summary.doubt is not None:
        return f"Nothing was published: {summary.doubt}"
    if summary.run is None and summary.bad_rows.total and not summary.dry_run:
        return f"Nothing was published: {summary.bad_rows.total} bad row(s)."
    if summary.run is None:
        bad_rows = summary.bad_rows.total
        kept_back = f" For its {bad_rows} bad row(s), only `--on-error skip` publishes the others." if bad_rows else ""
        return f"Nothing was published: a dry run.{kept_back}"
    time = "" if summary.occurred_at is None else summary.occurred_at.isoformat()
    earlier = f" ({summary.earlier} more by the run before)" if summary.earlier else ""
    published = f"Published {summary.published} event(s){earlier} of import {summary.import_id} at {time}."
    return published + _RUNS[summary.run]
