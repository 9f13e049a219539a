"""Erasure: what is due, doing it now, and the proof that nothing is left."""

import asyncio
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from schemas.person_ref import person_ref
from stream.clients.topic_reader import open_reader
from stream.commands.common import ExitCode, echo_json, echo_table, settings_or_exit
from stream.erasure.eraser import Eraser
from stream.erasure.guard import ErasedPersons
from stream.erasure.ledger import reapply as reapply_ledger
from stream.erasure.name_topic import KafkaNameTopic
from stream.erasure.persons import ClickHousePersonStore
from stream.erasure.spaces import ClickHouseSpaceStore
from stream.erasure.verify.everywhere import verify as verify_everywhere
from stream.erasure.verify.report import Report, Wanted
from stream.pipeline.sink import ClickHouseSink
from stream.pipeline.unreadable import UnreadableRecords, in_words
from stream.settings import WorkerSettings

app = typer.Typer(no_args_is_help=True, help=__doc__)

ClientSpace = Annotated[str, typer.Option("--client-space", help="the client space")]
PersonFile = Annotated[
    typer.FileText | None,
    typer.Option("--person-file", help="a file with the person's id on the platform; - is standard input"),
]
NamesFile = Annotated[
    typer.FileText | None,
    typer.Option("--names-file", help="a file with names to look for, one a line; - is standard input"),
]
"""Files, not arguments: shells and process lists keep arguments for longer than an erasure may take."""
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command()
def status(client_space: ClientSpace, person: PersonFile = None, *, json: Json = False) -> None:
    """List deleted persons, and whose names are still stored. Exits with 1 if any name is."""
    settings = settings_or_exit()
    store = ClickHousePersonStore(*settings.clickhouse)
    erasures = store.erasures_in(client_space)
    due = store.due(client_space)
    person_id = _person_id(person)
    wanted = None if person_id is None else person_ref(settings.key, client_space, person_id)
    rows = [
        {
            "person_ref": str(key.person_ref),
            "erased_at": erasure.erased_at,
            "recreated_at": erasure.recreated_at,
            "in_doubt": erasure.is_doubtful,
            "names": "due" if key in due else "gone",
        }
        for key, erasure in sorted(erasures.items())
        if wanted in (None, key.person_ref)
    ]
    pending = sum(row["names"] == "due" for row in rows)
    if json:
        echo_json({"client_space_id": client_space, "erased_persons": rows, "due": pending})
    else:
        columns = ("person_ref", "erased_at", "recreated_at", "in_doubt", "names")
        echo_table(f"Erased persons of {client_space}", columns, [[row[name] for name in columns] for row in rows])
    if not rows:  # no proof: the name of the client space or the id may be misspelled
        typer.echo(f"no deletion of {'this person' if wanted else 'anybody'} is known in {client_space}", err=True)
    if pending:
        raise typer.Exit(ExitCode.FOUND)


@app.command()
def run(*, json: Json = False) -> None:
    """Erase everybody who is due, in every client space, in ClickHouse and in the topic of names.

    Exits with 1 if a record of the topic is unreadable: somebody must find out whose it is.
    """
    done = asyncio.run(eraser(settings_or_exit()).run())
    if json:
        echo_json(asdict(done))
    else:
        typer.echo(f"ClickHouse: names of {done.persons} persons removed; topic: {done.overwritten} names overwritten")
    _exit_for(done.unreadable)


@app.command()
def reapply() -> None:
    """Erase again whoever was erased since a backup. Run it after a restore, before anything reads ClickHouse.

    Exits with 1 if a record of the ledger is unreadable. It may be a deletion; all others are applied.
    """
    settings = settings_or_exit()
    unreadable = UnreadableRecords()
    known = asyncio.run(_reapply(settings, unreadable))
    done = asyncio.run(eraser(settings).run())
    typer.echo(f"{known} deletions and creations known; names of {done.persons} persons removed")
    _exit_for(unreadable.places | set(done.unreadable))


async def _reapply(settings: WorkerSettings, unreadable: UnreadableRecords) -> int:
    sink, spaces = ClickHouseSink(*settings.clickhouse), ClickHouseSpaceStore(*settings.clickhouse)
    async with open_reader(settings.kafka) as reader:
        return await reapply_ledger(reader, sink, spaces, unreadable)


def _exit_for(unreadable: Collection[str]) -> None:
    """End with 1 where there is any."""
    if unreadable:
        typer.echo(in_words(unreadable), err=True)
        raise typer.Exit(ExitCode.FOUND)


@app.command()
def verify(
    client_space: ClientSpace,
    person: PersonFile = None,
    names: NamesFile = None,
    directory: Annotated[
        list[Path] | None,
        typer.Option(
            "--directory",
            help="files to look at: ClickHouse's, Kafka's, logs; can be repeated",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Search everywhere for a person's id and names, and print none of them. Exits with 1 if anything is found."""
    person_id, texts = _person_id(person), _lines(names)
    if person_id is not None:
        texts = [person_id, *texts]
    if not texts:
        typer.echo("nobody to look for: give --person-file, --names-file, or both", err=True)
        raise typer.Exit(ExitCode.USAGE)
    settings = settings_or_exit()
    ref = None if person_id is None else person_ref(settings.key, client_space, person_id)
    wanted = Wanted(client_space, ref, tuple(texts))
    report = asyncio.run(
        verify_everywhere(
            clickhouse=settings.clickhouse,
            kafka=settings.kafka,
            directories=directory or [],
            wanted=wanted,
        )
    )
    if json:
        echo_json({**asdict(report), "is_clean": report.is_clean()})
    else:
        _echo_report(report)
    if not report.is_clean():
        raise typer.Exit(ExitCode.FOUND)


def _echo_report(report: Report) -> None:
    rows = [(trace.place, trace.count, trace.until, trace.reason) for trace in report.traces]
    echo_table(f"Traces of {report.person_ref or 'the names'}", ("place", "count", "gone by", "why"), rows)
    typer.echo(f"looked at: {', '.join(report.looked_at)}")
    typer.echo("nothing found" if report.is_clean() else f"found in {len(report.traces)} places")


def _person_id(file: typer.FileText | None) -> str | None:
    """The one line of *file*; ends the command where there is none, or more than one."""
    if file is None:
        return None
    found = _lines(file)
    if len(found) != 1:
        typer.echo("--person-file: expected one line, the person's id", err=True)
        raise typer.Exit(ExitCode.USAGE)
    return found[0]


def _lines(file: typer.FileText | None) -> list[str]:
    return [] if file is None else [line.rstrip("\r\n") for line in file if line.strip()]


def eraser(settings: WorkerSettings) -> Eraser:
    """The eraser, as the worker has it."""
    store = ClickHousePersonStore(*settings.clickhouse)
    return Eraser(store, KafkaNameTopic(settings.kafka), ErasedPersons(store))
