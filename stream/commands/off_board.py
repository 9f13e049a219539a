"""`audit-stream off-board`: a client space leaves for good."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from schemas.topics import PERSON_NAMES_TOPIC
from stream.commands.common import ExitCode, echo_json, echo_table, settings_or_exit
from stream.commands.erasure import eraser
from stream.erasure.off_boarding import KafkaSpaceTopic, OffBoarding, Remains, what_time_removes
from stream.erasure.persons import ClickHousePersonStore
from stream.erasure.spaces import ClickHouseSpaceStore
from stream.pipeline.unreadable import in_words
from stream.settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class Found:
    """What ClickHouse and the topic of names hold of a client space, by place. *lines* counts each line once."""

    left_at: datetime | None
    lines: int
    places: dict[str, int]


def off_board(
    client_space: Annotated[str, typer.Option("--client-space", help="the client space that leaves")],
    confirm: Annotated[
        int | None,
        typer.Option(metavar="LINES", min=0, help="erase; LINES is the number that a run without this option printed"),
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Erase a client space's lines, names and facts for good. Without --confirm, only count them.

    Repeat an interrupted run. Run it once more as the proof. Exits with 1 if something is left, or if the number of
    lines differs.
    """
    settings = settings_or_exit()
    before = asyncio.run(_look(settings, client_space))
    if confirm is None:
        _tell(client_space, before, None, [], as_json=json)
        typer.echo(f"nothing was changed; to erase all of this, add --confirm {before.lines}", err=True)
        return
    _refuse_doubts(client_space, before, confirm)
    unreadable = asyncio.run(_off_board(settings, client_space, before))
    after = asyncio.run(_look(settings, client_space))
    remains = asyncio.run(what_time_removes(settings.kafka, datetime.now(UTC)))
    _tell(client_space, before, after, remains, as_json=json)
    if unreadable:
        typer.echo(in_words(unreadable), err=True)
    if after.places:
        typer.echo(_what_to_do(settings, after), err=True)
    if unreadable or after.places:
        raise typer.Exit(ExitCode.FOUND)


async def _off_board(settings: WorkerSettings, client_space: str, before: Found) -> tuple[str, ...]:
    work = OffBoarding(
        ClickHouseSpaceStore(*settings.clickhouse),
        KafkaSpaceTopic(settings.kafka),
        eraser(settings).sweep,
        tell=lambda step: typer.echo(step, err=True),
    )
    return (await work.run(client_space, before.left_at)).unreadable


async def _look(settings: WorkerSettings, client_space: str) -> Found:
    store = ClickHouseSpaceStore(*settings.clickhouse)
    marked = await asyncio.to_thread(ClickHousePersonStore(*settings.clickhouse).off_boarded)
    lines = await asyncio.to_thread(store.lines, client_space)
    held = await asyncio.to_thread(store.held, client_space)
    places = {f"clickhouse:{database}.{table}": rows for database, table, rows in held}
    if records := await KafkaSpaceTopic(settings.kafka).held(client_space):
        places[f"kafka:{PERSON_NAMES_TOPIC}"] = records
    return Found(marked.get(client_space), lines, places)


def _refuse_doubts(client_space: str, found: Found, confirmed: int) -> None:
    """End the command unless it is plain what is meant. What was begun is finished, whatever is left of it."""
    if found.left_at is not None:
        return
    if not found.places:
        typer.echo(f"nothing is stored of client space {client_space}: check the spelling", err=True)
        raise typer.Exit(ExitCode.FOUND)
    if found.lines != confirmed:
        typer.echo(
            f"nothing was changed: there are {found.lines} lines, and {confirmed} were confirmed."
            " If their number grows, a service still publishes for this client space",
            err=True,
        )
        raise typer.Exit(ExitCode.FOUND)


def _tell(client_space: str, before: Found, after: Found | None, remains: list[Remains], *, as_json: bool) -> None:
    if as_json:
        found = {"before": asdict(before), "after": None if after is None else asdict(after)}
        echo_json({"client_space_id": client_space, **found, "remains": [asdict(one) for one in remains]})
        return
    left = {} if after is None else after.places
    places = sorted({*before.places, *left})
    rows = [(place, before.places.get(place, 0), "" if after is None else left.get(place, 0)) for place in places]
    echo_table(f"Client space {client_space}: {before.lines} lines", ("place", "before", "after"), rows)
    if remains:
        echo_table("Removed by time alone", ("topic", "gone by"), [(one.topic, one.gone_by) for one in remains])


def _what_to_do(settings: WorkerSettings, after: Found) -> str:
    own = f"clickhouse:{settings.clickhouse[1]}."
    if all(place.startswith((own, "kafka:")) for place in after.places):
        return "something was stored meanwhile: repeat the command"
    return (
        "another database holds rows of this client space: a rebuild or an exchange left it;"
        " drop it with `audit-stream rebuild drop`"
    )
