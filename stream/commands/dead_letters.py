"""`audit-stream dead-letters`: list, show, replay and discard."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from schemas.errors import Reason
from stream.commands.common import ExitCode, settings_or_exit
from stream.dead_letters.review import (
    DeadLetter,
    DeadLetterBox,
    KafkaDeadLetterBox,
    Selection,
    close_letters,
    open_letters,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Look at the records that the worker refused, send them again, or leave them behind.",
)

T = TypeVar("T")
ReasonOption = Annotated[Reason | None, typer.Option("--reason", help="only those of this reason")]
MaxOption = Annotated[int | None, typer.Option("--max", min=1, help="at most so many records")]
_BYTES_A_LINE = 16


class Form(StrEnum):
    """How to print bytes."""

    HEX = "hex"
    RAW = "raw"


@app.command("list")
def list_letters(
    reason: ReasonOption = None,
    at_most: MaxOption = None,
    everything: Annotated[bool, typer.Option("--all", help="closed ones, too")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """List dead letters: place, reason, field, time and size; never a value."""

    async def read(box: DeadLetterBox) -> list[tuple[DeadLetter, int, bool]]:
        kept: dict[tuple[Any, str], list[tuple[DeadLetter, bool]]] = {}
        async for letter in box.letters():
            still_open = box.ledger(letter.at[0]).is_open(letter.at[1])
            if (everything or still_open) and Selection(reason).matches(letter):
                kept.setdefault((letter.place, letter.reason), []).append((letter, still_open))
        rows = [(copies[0][0], len(copies), any(is_open for _, is_open in copies)) for copies in kept.values()]
        return rows[:at_most]

    rows = _with_box(read)
    described = [
        {
            "place": str(letter.place),
            "reason": letter.reason,
            "field": letter.field,
            "recorded_at": letter.recorded_at.isoformat(timespec="milliseconds"),
            "size_bytes": letter.size_bytes,
            "copies": copies,
            "open": still_open,
        }
        for letter, copies, still_open in rows
    ]
    if as_json:
        for row in described:
            typer.echo(json.dumps(row))
        return
    table = Table()
    for column in described[0] if described else ["no dead letters"]:
        table.add_column(column, overflow="fold")
    for row in described:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="partition/offset, as `list` prints it")],
    form: Annotated[
        Form | None, typer.Option("--dump", help="print key and value, too: THEY HOLD PERSONAL DATA")
    ] = None,
) -> None:
    """Show one dead letter, open or not; its bytes only with --dump."""

    async def find(box: DeadLetterBox) -> DeadLetter | None:
        async for letter in box.letters():
            if str(letter.place) == place:
                return letter
        return None

    letter = _with_box(find)
    if letter is None:
        typer.echo(f"no dead letter of {place}", err=True)
        raise typer.Exit(ExitCode.NOT_DONE)
    for name in ("place", "reason", "field", "recorded_at", "size_bytes"):
        typer.echo(f"{name}: {getattr(letter, name)}", err=form is Form.RAW)
    if form is None:
        return
    typer.echo("warning: what follows is a raw event and holds personal data; store it nowhere", err=True)
    if form is Form.RAW:
        sys.stdout.buffer.write(letter.value or b"")
        return
    for name, data in (("key", letter.key), ("value", letter.value)):
        typer.echo(f"{name}: {'none' if data is None else f'{len(data)} bytes'}")
        typer.echo(hex_dump(data or b""), nl=bool(data))


@app.command()
def replay(
    reason: ReasonOption = None,
    at_most: MaxOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be sent")] = False,
) -> None:
    """Send open dead letters to the events topic again, as they came; what the worker accepts now becomes a line.

    Repeatable: events keep their ids, so one that is in the log already is not there twice.
    """
    selection = Selection(reason, at_most)
    if dry_run:
        _say("would send", _with_box(lambda box: _count(box, selection)))
        return
    counted = _with_box(lambda box: close_letters(box, selection, box.replay))
    typer.echo(f"sent {counted} records again; those that are refused again are new dead letters")


@app.command()
def discard(
    reason: ReasonOption = None,
    at_most: MaxOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Close open dead letters without sending them. Their events stay out of the log for good."""
    selection = Selection(reason, at_most)
    if not yes:
        _say("to discard", _with_box(lambda box: _count(box, selection)))
        _require_consent("These events will never be in the log. Discard them?")
    typer.echo(f"discarded {_with_box(lambda box: close_letters(box, selection, None))} records")


def hex_dump(data: bytes) -> str:
    """*data* as `offset  hex  text`, sixteen bytes a line."""
    lines = []
    for start in range(0, len(data), _BYTES_A_LINE):
        part = data[start : start + _BYTES_A_LINE]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)  # noqa: PLR2004 - printable ASCII
        lines.append(f"{start:08x}  {part.hex(' '):<{3 * _BYTES_A_LINE}} {text}")
    return "\n".join(lines)


async def _count(box: DeadLetterBox, selection: Selection) -> Counter[str]:
    places = {letter.place: letter.reason async for letter in open_letters(box, selection)}
    return Counter(places.values())


def _require_consent(question: str) -> None:
    """Return where somebody says yes. No terminal to ask, and an interruption, are a no."""
    try:
        is_wanted = typer.confirm(question)
    except typer.Abort:
        is_wanted = False
    if not is_wanted:
        typer.echo("nothing was discarded", err=True)
        raise typer.Exit(ExitCode.NOT_DONE)


def _say(what: str, counts: Counter[str]) -> None:
    typer.echo(f"{what}: {counts.total()} records")
    for reason, count in sorted(counts.items()):
        typer.echo(f"  {reason}: {count}")


def _with_box(use: Callable[[DeadLetterBox], Awaitable[T]]) -> T:
    settings = settings_or_exit()

    async def run() -> T:
        group = f"{settings.consumer_group}.dead-letter-review"
        async with KafkaDeadLetterBox(settings.kafka, group) as box:
            return await use(box)

    return asyncio.run(run())
