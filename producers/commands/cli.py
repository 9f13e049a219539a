"""`audit-produce`: what an operator runs by hand."""

import asyncio
import gc
import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from producers.activities import utc_now
from producers.channels.acting_admin import read_admin
from producers.commands.extras import needs_extra
from producers.commands.import_preview import preview
from producers.commands.import_report import report, say, write_files
from producers.commands.import_run import OnError, RunOptions, Summary, run_import
from producers.commands.progress import Progress
from producers.errors import InvalidImport, ProducerError
from producers.file_import import FileImport, ImportRequest, MappingFileResolver, default_state_dir
from producers.file_import.cells import parse_time
from producers.file_import.headings import FORMATS, read_mapping
from producers.file_import.table import HowToRead
from producers.file_import.which_run import AlreadyImported
from producers.kafka.publisher import KafkaPublisher
from producers.settings import DEFAULT_SERVICE, load_settings
from schemas.errors import InvalidEvent
from schemas.settings import InvalidSettings

# A traceback with local variables would print the rows at hand.
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

_COLLECT_EVERY = 50_000
"""How many objects may come into being between two looks for reference cycles."""


class ExitCode(IntEnum):
    """What the command's end means."""

    DONE = 0
    FAILED = 1
    """Not all events are surely in Kafka; some may be. Run the same command again."""
    USAGE = 2
    """The command, the environment or a file as a whole is wrong; nothing was published."""
    BAD_ROWS = 3
    """Bad rows: nothing was published, or only the good ones with `--on-error skip`."""
    DECISION = 4
    """Nothing was published until a person decides: many deletions, or files that were imported before."""
    INTERRUPTED = 130
    """Stopped by hand: the same command goes on where it stopped."""


def _time(text: str) -> datetime:
    try:
        return parse_time(text, utc_now())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _known_format(name: str) -> str:
    if name not in FORMATS:
        raise typer.BadParameter(f"not one of {', '.join(FORMATS)}")
    return name


_File = Annotated[
    Path, typer.Argument(metavar="FILE", help="An action list; or the user list after the change, with --before.")
]
_Before = Annotated[Path | None, typer.Option(help="The user list before the change.")]
_ClientSpace = Annotated[str, typer.Option(help="The client space that the users belong to.")]
_AdminId = Annotated[
    str | None, typer.Option(help="The platform's id of the admin who made the change; no e-mail, see --admin.")
]
_AdminFile = Annotated[
    Path | None,
    typer.Option(
        "--admin",
        metavar="FILE",
        help="TOML file with the admin's id, username and display_name; - is standard input. In place of --admin-id.",
    ),
]
_IdMapping = Annotated[
    Path | None,
    typer.Option(help="List with e-mail and user id, for lists without user ids. Else the e-mail is the id."),
]
_Format = Annotated[
    str,
    typer.Option("--format", callback=_known_format, metavar="NAME", help=f"Whose list: {', '.join(FORMATS)}."),
]
_Columns = Annotated[Path | None, typer.Option(help="TOML file that says which heading is which column.")]
_Encoding = Annotated[str | None, typer.Option(help="The files' encoding, if neither UTF-8 nor marked in the file.")]
_BeforeEncoding = Annotated[str | None, typer.Option(help="The encoding of the list before. Default: as --encoding.")]
_Sheet = Annotated[str | None, typer.Option(help="The sheet of a spreadsheet that holds several.")]
_OccurredAt = Annotated[
    datetime | None,
    typer.Option(
        parser=_time,
        metavar="TIME",
        help="When the change took place (RFC 3339). Default: when this import first ran on this machine. To repeat "
        "an import on ANOTHER machine, pass the time that its first run printed: with another, each line is doubled.",
    ),
]
_StateDir = Annotated[Path | None, typer.Option(help="Where the records of imports are kept. Keep it.")]
_OnError = Annotated[OnError, typer.Option(help="On bad rows: publish nothing, or only the good rows.")]
_AllowDeletions = Annotated[int | None, typer.Option(metavar="N", help="Confirm exactly this many deletions.")]
_Again = Annotated[bool, typer.Option("--again", help="These files were imported; the change took place again.")]
_Repeat = Annotated[
    bool, typer.Option("--repeat", help="Publish an import's events again; it adds no duplicate lines.")
]
_Preview = Annotated[bool, typer.Option("--preview", help="Show how the files are read, with five rows, and stop.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and count; publish nothing. Needs no Kafka.")]
_Report = Annotated[
    Path | None, typer.Option("--report", help="Directory for rejected.csv and summary.json (personal data).")
]
_Json = Annotated[bool, typer.Option("--json", help="Progress and summary as JSON lines.")]


@app.callback()
def audit_produce() -> None:
    """Publish user-management events to the audit log."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


@app.command("import")
def import_command(  # noqa: PLR0913, PLR0917 - one argument per option
    file: _File,
    client_space: _ClientSpace,
    admin_id: _AdminId = None,
    admin_file: _AdminFile = None,
    before: _Before = None,
    id_mapping: _IdMapping = None,
    list_format: _Format = "platform",
    columns: _Columns = None,
    encoding: _Encoding = None,
    before_encoding: _BeforeEncoding = None,
    sheet: _Sheet = None,
    occurred_at: _OccurredAt = None,
    state_dir: _StateDir = None,
    on_error: _OnError = OnError.ABORT,
    allow_deletions: _AllowDeletions = None,
    again: _Again = False,
    repeat: _Repeat = False,
    show_preview: _Preview = False,
    dry_run: _DryRun = False,
    report_to: _Report = None,
    as_json: _Json = False,
) -> None:
    """Import an action list, or the difference of two user lists.

    Where a file leaves a doubt, nothing is published. Exit codes: 0 done, 1 failed (run it again), 2 usage,
    3 bad rows, 4 a person must decide, 130 interrupted (run it again).
    """
    stderr = Console(stderr=True)
    options = RunOptions(state_dir or default_state_dir(), occurred_at, on_error, dry_run, again, repeat)
    progress = Progress(stderr, write_json=typer.echo if as_json else None)
    with _errors_as_exit_codes(stderr, as_json=as_json), ExitStack() as resources:
        resources.enter_context(_few_collections())
        # Read before the files, so that a missing variable is not found out after a million rows.
        settings = None if dry_run or show_preview else load_settings()
        request = ImportRequest(
            file,
            client_space_id=client_space,
            admin=read_admin(admin_id, admin_file),
            service=DEFAULT_SERVICE if settings is None else settings.service,
            before=before,
            resolver=_resolver(id_mapping, encoding, resources),
            how=HowToRead(encoding, FORMATS[list_format] if columns is None else read_mapping(columns), sheet),
            before_encoding=before_encoding,
            allow_deletions=allow_deletions,
        )
        if show_preview:
            raise typer.Exit(ExitCode.DONE if preview(request, typer.echo) else ExitCode.USAGE)
        file_import = _read(request, progress, resources)
        publishing = run_import(
            file_import, lambda: KafkaPublisher(settings or load_settings()), options, progress=progress
        )
        summary = asyncio.run(publishing)
        if report_to is not None:
            write_files(summary, file_import, report_to, stderr)
    report(summary, stderr, as_json=as_json)
    raise typer.Exit(_code(summary))


@app.command("relay")
def relay_command() -> None:
    """Publish what an application wrote into its outbox, until SIGTERM. Needs the extra `outbox`."""
    with needs_extra("outbox"):
        from producers.outbox.command import relay  # noqa: PLC0415 - other commands need no database
        from producers.outbox.settings import load_relay_settings  # noqa: PLC0415 - as above

    with _errors_as_exit_codes(Console(stderr=True), as_json=False):
        asyncio.run(relay(load_relay_settings()))


@app.command("serve")
def serve_command(
    host: Annotated[
        str, typer.Option(help="The address to listen on, in plain HTTP: other hosts need a TLS proxy.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8090,
) -> None:
    """Take events over HTTP until SIGTERM. Needs the extra `intake`."""
    with needs_extra("intake"):
        from producers.intake.command import serve  # noqa: PLC0415 - other commands need no web server
        from producers.intake.settings import load_intake_settings  # noqa: PLC0415 - as above

    with _errors_as_exit_codes(Console(stderr=True), as_json=False):
        serve(load_intake_settings(), host, port)


@contextmanager
def _errors_as_exit_codes(stderr: Console, *, as_json: bool) -> Iterator[None]:
    try:
        yield
    except AlreadyImported as error:
        raise _exit(stderr, error, ExitCode.DECISION, as_json=as_json) from error
    except (InvalidImport, InvalidSettings, InvalidEvent) as error:
        raise _exit(stderr, error, ExitCode.USAGE, as_json=as_json) from error
    except (ProducerError, ExceptionGroup) as error:
        say(stderr, "Not everything was published. Run the same command again; it adds no duplicate lines.")
        raise _exit(stderr, error, ExitCode.FAILED, as_json=as_json) from error
    except (OSError, sqlite3.OperationalError) as error:
        # Such as a full disk, perhaps after some events were published.
        say(
            stderr,
            "Not everything was done. Mend what is told here, such as a full disk, and run the same command again.",
        )
        raise _exit(stderr, error, ExitCode.FAILED, as_json=as_json) from error
    except KeyboardInterrupt:
        say(stderr, "Interrupted. The same command goes on where this one stopped.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


@contextmanager
def _few_collections() -> Iterator[None]:
    """Seldom look for reference cycles: rows and events form none, and each look walks over all that are in flight."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _resolver(id_mapping: Path | None, encoding: str | None, resources: ExitStack) -> MappingFileResolver | None:
    if id_mapping is None:
        return None
    resolver = MappingFileResolver(id_mapping, HowToRead(encoding))
    resources.callback(resolver.close)
    return resolver


def _read(request: ImportRequest, progress: Progress, resources: ExitStack) -> FileImport:
    with progress.phase("reading rows") as advance:
        file_import = FileImport(request, on_rows=advance)
        progress.rejected = lambda: file_import.rejected
        return resources.enter_context(file_import)


def _code(summary: Summary) -> ExitCode:
    if summary.bad_rows.total:
        return ExitCode.BAD_ROWS
    return ExitCode.DONE if summary.doubt is None else ExitCode.DECISION


def _exit(stderr: Console, error: Exception, code: ExitCode, *, as_json: bool) -> typer.Exit:
    errors = error.exceptions if isinstance(error, ExceptionGroup) else [error]
    for each in errors:
        notes = "".join(f" ({note})" for note in getattr(each, "__notes__", ()))
        say(stderr, f"{type(each).__name__}: {each}{notes}")
        if as_json:
            typer.echo(json.dumps({"type": "error", "error": type(each).__name__, "message": f"{each}{notes}"}))
    return typer.Exit(code)
