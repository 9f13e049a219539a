"""`audit-stream rebuild`: the log anew, from the two long-lived topics."""

import asyncio
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from schemas.retention import retention_start
from stream.clients.topic_reader import TopicReader, open_reader
from stream.commands.common import ExitCode, echo_table, settings_or_exit
from stream.erasure.guard import ErasedPersons
from stream.erasure.persons import ClickHousePersonStore
from stream.erasure.spaces import ClickHouseSpaceStore
from stream.errors import RebuildRefused
from stream.pipeline.sink import ClickHouseSink
from stream.pipeline.unreadable import UnreadableRecords, in_words
from stream.rebuild.compare import Comparison, compare
from stream.rebuild.exchange import exchange as exchange_tables
from stream.rebuild.group import commits_of, refuse_members
from stream.rebuild.rebuild import MAX_ROUNDS, Rebuild
from stream.rebuild.store import Databases, RebuildStore, is_exchanged
from stream.rebuild.store import drop as drop_database
from stream.settings import WorkerSettings

MAX_SHOWN = 20
COMPARISONS = 3

app = typer.Typer(help="Build the log anew from the long-lived topics.")


@dataclass(frozen=True, slots=True)
class _Options:
    exchange: bool
    accepted: int
    skip_unreadable: bool


@app.callback(invoke_without_command=True)
def rebuild(
    context: typer.Context,
    *,
    into: Annotated[str, typer.Option("--into", help="the database to build, beside the served one")] = "",
    exchange: Annotated[
        bool,
        typer.Option("--exchange", help="serve the rebuilt lines and keep the former ones; stop the workers first"),
    ] = False,
    accepted: Annotated[
        int,
        typer.Option(
            "--accept-differences",
            metavar="N",
            min=0,
            help="exchange although exactly N served lines are lost or changed",
        ),
    ] = 0,
    skip_unreadable: Annotated[
        bool,
        typer.Option("--skip-unreadable", help="leave out records that this version cannot read, and name them"),
    ] = False,
) -> None:
    """Build the log anew from the long-lived topics, compare it with the served one, and exchange them on demand.

    Repeat an interrupted run: it goes on. Exits with 1 where the served tables hold what was not rebuilt.
    """
    if context.invoked_subcommand is not None:
        return
    settings = settings_or_exit()
    if not into:
        typer.echo("--into names the database to build; see --help", err=True)
        raise typer.Exit(ExitCode.USAGE)
    databases = Databases(*settings.clickhouse, into)
    found = asyncio.run(_run(settings, databases, _Options(exchange, accepted, skip_unreadable)))
    if found is not None and (found.lost_lines != accepted if exchange else found.differences):
        raise typer.Exit(ExitCode.FOUND)


@app.command()
def drop(database: Annotated[str, typer.Argument(help="a rebuild, or what an exchange has kept")]) -> None:
    """Drop a database that a rebuild has made, or the one that an exchange has kept. Nothing brings it back."""
    settings = settings_or_exit()
    drop_database(Databases(*settings.clickhouse, database))
    typer.echo(f"database {database} is dropped")


async def _run(settings: WorkerSettings, databases: Databases, options: _Options) -> Comparison | None:
    """What was compared; nothing where an exchange that was cut off was only finished."""
    if options.exchange:
        await refuse_members(settings.kafka, settings.consumer_group)
        if await asyncio.to_thread(is_exchanged, databases):
            await _exchange(settings, databases)
            return None
    async with open_reader(settings.kafka) as reader:
        found = await _rebuild(settings, databases, reader, options)
    _tell(found)
    if options.exchange and found.lost_lines == options.accepted:
        await _exchange(settings, databases)
    elif options.exchange:
        typer.echo(
            f"not exchanged: {found.lost_lines} served lines would be lost or changed, {options.accepted} accepted"
        )
    return found


async def _rebuild(
    settings: WorkerSettings, databases: Databases, reader: TopicReader, options: _Options
) -> Comparison:
    began_at = datetime.now(UTC)
    store = RebuildStore(databases)
    sink = ClickHouseSink(databases.url, databases.rebuilt)
    erased = ErasedPersons(ClickHousePersonStore(databases.url, databases.rebuilt))
    spaces = ClickHouseSpaceStore(databases.url, databases.rebuilt)
    unreadable = UnreadableRecords(refuses=not options.skip_unreadable)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        work = Rebuild(store, sink, erased, spaces, reader, _Report(progress), unreadable=unreadable)
        await work.load()
        found = await _compared(settings, databases, work, began_at)
    for table, count in (await asyncio.to_thread(store.totals)).items():
        typer.echo(f"{table}: {count} rows rebuilt")
    if unreadable.places:
        typer.echo(f"left out: {in_words(unreadable.places)}", err=True)
    return found


async def _compared(settings: WorkerSettings, databases: Databases, work: Rebuild, began_at: datetime) -> Comparison:
    """What differs. Compared again where something does: a worker may have stored it and not published it yet."""
    found = Comparison()
    for _ in range(COMPARISONS):
        # Before the last records are read: whatever is committed is published by then.
        commits = await commits_of(settings.kafka, settings.consumer_group, work.reader)
        for _ in range(MAX_ROUNDS):
            if not await work.catch_up():
                break
        since = retention_start(datetime.now(UTC))
        found = await asyncio.to_thread(compare, databases, commits, since=since, until=began_at)
        if not found.differences:
            break
    return found


def _tell(found: Comparison) -> None:
    if found.differences:
        rows = [astuple(difference) for difference in found.differences[:MAX_SHOWN]]
        echo_table("Served and not rebuilt", ("table", "client space", "month", "missing", "changed"), rows)
    if found.lines:
        names = ("client space", "time", "event id", "partition", "offset", "missing")
        echo_table("Some of these lines", names, [astuple(line) for line in found.lines[:MAX_SHOWN]])
    typer.echo(f"{len(found.differences)} differences; {found.lost_lines} served lines are missing or changed")
    if found.uncommitted:
        typer.echo(f"{found.uncommitted} served lines were never committed: the next worker stores them again")
    if found.differences:
        typer.echo(
            "A worker that was stopped may have stored rows that it had not published:"
            " start one, wait until its lag is 0, and compare again."
            " An exchange keeps every served name and fact of a life."
        )


async def _exchange(settings: WorkerSettings, databases: Databases) -> None:
    # Asked again: to load may have taken hours.
    await refuse_members(settings.kafka, settings.consumer_group)
    kept = await asyncio.to_thread(exchange_tables, databases, datetime.now(UTC))
    typer.echo(f"database {databases.served} serves the rebuilt lines")
    typer.echo(f"database {kept} keeps those served before: `audit-stream rebuild drop {kept}` drops them")
    try:
        await refuse_members(settings.kafka, settings.consumer_group)
    except RebuildRefused:
        typer.echo(f"a worker joined meanwhile, and {kept} may hold what it stored: rebuild once more", err=True)
        raise typer.Exit(ExitCode.FOUND) from None


class _Report:
    """Shows each pass as a bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[tuple[str, int], TaskID] = {}

    def __call__(self, name: str, done: int, total: int) -> None:
        bar = self._bars.get((name, total))
        if bar is None:
            bar = self._bars[name, total] = self._progress.add_task(name, total=total)
        self._progress.update(bar, completed=done)
