"""`audit-produce`: what an operator runs by hand."""

import asyncio
import json
import logging
from contextlib import ExitStack, closing
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from producers.activities import utc_now
from producers.errors import InvalidImport, ProducerError
from producers.file_import import FileImport, ImportRequest, MappingFileResolver, default_state_dir
from producers.file_import.cells import parse_time
from producers.import_run import OnError, RunOptions, Summary, run_import
from producers.kafka_publisher import KafkaPublisher
from producers.progress import Progress
from producers.settings import DEFAULT_SERVICE, ProducerSettings, load_settings
from schemas.errors import InvalidEvent
from schemas.events import Person
from schemas.settings import InvalidSettings

# A traceback with local variables would print the rows at hand.
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class ExitCode(IntEnum):
    """What the command's end means."""

    DONE = 0
    FAILED = 1
    """Kafka or the registry did not take all events: run the same command again."""
    USAGE = 2
    """The command, the environment or a file's header is wrong; nothing was published."""
    BAD_ROWS = 3
    """Bad rows: nothing was published, or only the good ones with `--on-error skip`."""
    INTERRUPTED = 130
    """Stopped by hand: run the same command again."""


def _time(text: str) -> datetime:
    try:
        return parse_time(text, utc_now())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


_File = Annotated[
    Path, typer.Argument(metavar="FILE", help="An action list; or the user list after the change, with --before.")
]
_Before = Annotated[Path | None, typer.Option(help="The user list before the change.")]
_ClientSpace = Annotated[str, typer.Option(help="The client space that the users belong to.")]
_AdminId = Annotated[str, typer.Option(help="The platform's id of the admin who made the change.")]
_AdminUsername = Annotated[str | None, typer.Option(help="The admin's username.")]
_AdminName = Annotated[str | None, typer.Option(help="The admin's display name.")]
_IdMapping = Annotated[
    Path | None,
    typer.Option(
        help="CSV with the columns e-mail and user id, for lists without user ids. Else the e-mail is the id."
    ),
]
_OccurredAt = Annotated[
    datetime | None,
    typer.Option(
        parser=_time,
        metavar="TIME",
        help="When the change took place (RFC 3339). Default: when this import first ran on this machine. "
        "To repeat an import on ANOTHER machine, pass the time that its first run printed: with another time, every "
        "line shows twice.",
    ),
]
_StateDir = Annotated[Path | None, typer.Option(help="Where the times of imports are kept. Keep it.")]
_OnError = Annotated[
    OnError,
    typer.Option(
        help="With bad rows: publish nothing, or the good rows. After skip, import the corrected rows in files of "
        "their own: the whole file, once changed, is another import."
    ),
]
_Encoding = Annotated[str | None, typer.Option(help="The files' encoding. Default: found out.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and count; publish nothing. Needs no Kafka.")]
_Json = Annotated[bool, typer.Option("--json", help="The summary as JSON.")]


@app.callback()
def audit_produce() -> None:
    """Publish user-management events to the audit log."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


@app.command("import")
def import_command(  # noqa: PLR0913, PLR0917 - one argument per option
    file: _File,
    client_space: _ClientSpace,
    admin_id: _AdminId,
    before: _Before = None,
    admin_username: _AdminUsername = None,
    admin_name: _AdminName = None,
    id_mapping: _IdMapping = None,
    occurred_at: _OccurredAt = None,
    state_dir: _StateDir = None,
    on_error: _OnError = OnError.ABORT,
    encoding: _Encoding = None,
    dry_run: _DryRun = False,
    json_summary: _Json = False,
) -> None:
    """Import an action list, or the difference of two user lists.

    The same files again are the same import: no line is doubled. Exit codes: 0 done, 1 failed (run it again),
    2 usage, 3 bad rows, 130 interrupted (run it again).
    """
    stderr = Console(stderr=True)
    options = RunOptions(state_dir or default_state_dir(), occurred_at, on_error, dry_run)
    try:
        # Read before the files, so that a missing variable is not found out after a million rows.
        settings = None if dry_run else load_settings()
        with ExitStack() as resources:
            resolver = None
            if id_mapping is not None:
                resolver = resources.enter_context(closing(MappingFileResolver(id_mapping, encoding)))
            request = ImportRequest(
                file,
                client_space_id=client_space,
                admin=Person(admin_id, admin_username, admin_name),
                service=DEFAULT_SERVICE if settings is None else settings.service,
                before=before,
                resolver=resolver,
                encoding=encoding,
            )
            summary = _run(request, options, settings, Progress(stderr))
    except (InvalidImport, InvalidSettings, InvalidEvent) as error:
        raise _exit(stderr, error, ExitCode.USAGE) from error
    except ProducerError as error:
        stderr.print("Not everything was published. Run the same command again: no line is doubled.", soft_wrap=True)
        raise _exit(stderr, error, ExitCode.FAILED) from error
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    _report(summary, options, stderr, as_json=json_summary)
    raise typer.Exit(ExitCode.BAD_ROWS if summary.bad_rows.total else ExitCode.DONE)


def main() -> None:
    """The console script."""
    app()


def _run(request: ImportRequest, options: RunOptions, settings: ProducerSettings | None, progress: Progress) -> Summary:
    def open_publisher() -> KafkaPublisher:
        return KafkaPublisher(settings or load_settings())

    with ExitStack() as resources:
        with progress.phase("reading rows") as advance:
            file_import = resources.enter_context(FileImport(request, on_row=advance))
        return asyncio.run(run_import(file_import, open_publisher, options, progress=progress))


def _exit(stderr: Console, error: Exception, code: ExitCode) -> typer.Exit:
    stderr.print(f"{type(error).__name__}: {error}", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(code)


def _report(summary: Summary, options: RunOptions, stderr: Console, *, as_json: bool) -> None:
    for warning in summary.warnings:
        stderr.print(f"Warning: {warning}.", markup=False, highlight=False, soft_wrap=True)
    for bad_row in summary.bad_rows.first:
        stderr.print(str(bad_row), markup=False, highlight=False, soft_wrap=True)
    if more := summary.bad_rows.total - len(summary.bad_rows.first):
        stderr.print(f"and {more} more bad rows", highlight=False, soft_wrap=True)
    if as_json:
        typer.echo(json.dumps(summary.as_json()))
        return
    for activity_type, count in summary.events.items():
        typer.echo(f"{activity_type}: {count}")
    typer.echo(_conclusion(summary, options))


def _conclusion(summary: Summary, options: RunOptions) -> str:
    if not summary.publishable:
        reason = f"Nothing was published: {summary.bad_rows.total} bad row(s)."
        return reason if summary.unusable is None else f"{reason} This one cannot be skipped: {summary.unusable}."
    if options.dry_run:
        return "Nothing was published: a dry run."
    again = " It ran before: the same events again, no line is doubled." if summary.ran_before else ""
    time = "" if summary.occurred_at is None else summary.occurred_at.isoformat()
    return f"Published {summary.published} event(s) of import {summary.import_id} at {time}.{again}"


if __name__ == "__main__":
    main()
