"""`audit-stream rebuild`: the log anew, from the two long-lived topics."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from schemas.retention import retention_start
from stream.clients.topic_reader import open_reader
from stream.commands.common import ExitCode, echo_table, settings_or_exit
from stream.erasure.eraser import Eraser
from stream.erasure.guard import ErasedPersons
from stream.erasure.name_topic import KafkaNameTopic
from stream.erasure.persons import ClickHousePersonStore
from stream.pipeline.history import TopicWriter
from stream.pipeline.sink import ClickHouseSink
from stream.pipeline.unreadable import UnreadableRecords, in_words
from stream.rebuild.backfill import backfill as backfill_topics
from stream.rebuild.handover import workers_are_past
from stream.rebuild.rebuild import Rebuild, Step
from stream.rebuild.store import Difference, RebuildStore
from stream.settings import WorkerSettings

MAX_SHOWN = 20
COMPARISONS = 3


def rebuild(
    into: Annotated[str, typer.Option("--into", help="the database to build; the served one stays until the exchange")],
    *,
    exchange: Annotated[
        bool, typer.Option("--exchange", help="serve the rebuilt tables, and drop those before and the database")
    ] = False,
    accept_differences: Annotated[
        bool, typer.Option("--accept-differences", help="exchange although the served tables hold other or more rows")
    ] = False,
    backfill: Annotated[
        bool,
        typer.Option("--backfill", help="publish what only the served tables hold, and rebuild that too"),
    ] = False,
    skip_unreadable: Annotated[
        bool,
        typer.Option("--skip-unreadable", help="leave out records that this version cannot read, and name them"),
    ] = False,
) -> None:
    """Build the log anew from the long-lived topics, compare it with the served one, and exchange them on demand.

    A run that was cut off is repeated and goes on. Exits with 1 where the served tables hold what was not rebuilt.
    """
    settings = settings_or_exit()
    if into == settings.clickhouse_database:
        typer.echo("--into must name another database than the served one", err=True)
        raise typer.Exit(ExitCode.USAGE)
    options = _Options(exchange, accept_differences, backfill, skip_unreadable)
    found = asyncio.run(_rebuild(settings, into, options))
    if found:
        rows = [(*asdict(d.part).values(), d.served.rows, d.rebuilt.rows) for d in found[:MAX_SHOWN]]
        echo_table("Different", ("table", "client space", "month", "rows served", "rows rebuilt"), rows)
    losing = sum(difference.loses() for difference in found)
    typer.echo(f"{len(found)} differences, {losing} of them in rows that are served now")
    if losing and not accept_differences:
        typer.echo(
            "What a worker stored and could not publish before it ended, the next one publishes: start it, repeat. "
            "What the topics never held or no longer hold, --backfill publishes."
        )
        raise typer.Exit(ExitCode.FOUND)


@dataclass(frozen=True, slots=True)
class _Options:
    exchange: bool
    accept_differences: bool
    backfill: bool
    skip_unreadable: bool


async def _rebuild(settings: WorkerSettings, into: str, options: _Options) -> list[Difference]:
    began_at = datetime.now(UTC)
    url, served = settings.clickhouse
    store = RebuildStore(url, served=served, rebuilt=into)
    sink = ClickHouseSink(url, into)
    erased = ErasedPersons(ClickHousePersonStore(url, into))
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    async with open_reader(settings.kafka) as reader:
        with Progress(*columns, console=console) as progress:
            unreadable = UnreadableRecords(refuses=not options.skip_unreadable)
            work = Rebuild(store, sink, erased, reader, _Report(progress), unreadable=unreadable)
            await work.load()
            if options.backfill:
                await _backfill(settings, store)
                await work.load()
        for table, count in (await asyncio.to_thread(store.totals)).items():
            typer.echo(f"{table}: {count} rows rebuilt")
        if unreadable.places:
            typer.echo(f"left out: {in_words(unreadable.places)}", err=True)
        differences = await _compared(work, store, began_at)
        losing = any(difference.loses() for difference in differences)
        if options.exchange and (options.accept_differences or not losing):
            await _exchange(settings, work)
    return differences


async def _backfill(settings: WorkerSettings, store: RebuildStore) -> None:
    erased = ErasedPersons(ClickHousePersonStore(*settings.clickhouse))
    writer = TopicWriter(settings.kafka)
    try:
        count = await backfill_topics(store, erased, writer)
    finally:
        await writer.close()
    typer.echo(f"{count} lines published that the topics did not hold")


async def _compared(work: Rebuild, store: RebuildStore, began_at: datetime) -> list[Difference]:
    """What differs, looked at again where something does: a batch of the worker may have been between the two."""
    differences: list[Difference] = []
    for _ in range(COMPARISONS):
        since = retention_start(datetime.now(UTC))
        differences = await asyncio.to_thread(store.differences, since=since, until=began_at)
        if not any(difference.loses() for difference in differences):
            break
        await work.catch_up()
    return differences


async def _exchange(settings: WorkerSettings, work: Rebuild) -> None:
    await work.hand_over(lambda: workers_are_past(settings.kafka, settings.consumer_group))
    # From the exchange on, the rebuilt tables are found under the served database's name.
    persons = ClickHousePersonStore(*settings.clickhouse)
    await Eraser(persons, KafkaNameTopic(settings.kafka), ErasedPersons(persons)).run()
    await asyncio.to_thread(work.store.drop)
    typer.echo(f"database {settings.clickhouse_database} serves the rebuilt tables; those before are dropped")


class _Report:
    """Shows each pass as a bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[tuple[str, int], TaskID] = {}

    def __call__(self, step: Step) -> None:
        bar = self._bars.get((step.name, step.total))
        if bar is None:
            bar = self._bars[step.name, step.total] = self._progress.add_task(step.name, total=step.total)
        self._progress.update(bar, completed=step.done)
