"""`audit-stream dead-letters`: list, show and replay."""

import asyncio
import json
import re
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NoReturn, TypeVar

import typer

from schemas.errors import Reason
from stream.commands.common import ExitCode, echo_table, settings_or_exit
from stream.dead_letters.box import DeadLetter, DeadLetterBox, Place, open_box
from stream.dead_letters.replay import Selection, distinct_letters
from stream.dead_letters.replay import replay as replay_letters

app = typer.Typer(no_args_is_help=True, help="List and show the records that the worker refused, or send them again.")

T = TypeVar("T")
_BYTES_A_LINE = 16


def _place(text: str) -> Place:
    """The place that `list` prints as *text*."""
    if not (match := re.fullmatch(r"(\d+)/(\d+)", text, re.ASCII)):
        raise typer.BadParameter("a place is partition/offset, as `list` prints it: 2/4711")
    return Place(int(match[1]), int(match[2]))


ReasonOption = Annotated[Reason | None, typer.Option("--reason", help="only records with this reason code")]
PlaceArgument = Annotated[Place, typer.Argument(parser=_place, metavar="PLACE", help="partition/offset, from `list`")]
PlacesArgument = Annotated[
    list[Place] | None,
    typer.Argument(parser=_place, metavar="[PLACE]...", help="places from `list`; all if none is given"),
]


class Form(StrEnum):
    """How to print bytes."""

    HEX = "hex"
    RAW = "raw"


@app.command("list")
def list_letters(
    reason: ReasonOption = None,
    at_most: Annotated[int | None, typer.Option("--max", min=1, help="maximum number of records")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """List dead letters: place, reason, field, time and size; never a value."""

    async def read(box: DeadLetterBox) -> dict[tuple[datetime, Place, str], list[DeadLetter]]:
        # By time, too: a topic that is made anew has another record at the same place.
        kept: dict[tuple[datetime, Place, str], list[DeadLetter]] = {}
        async for letter in box.letters():
            if Selection(reason).matches(letter):
                kept.setdefault((letter.recorded_at, letter.place, letter.reason), []).append(letter)
        return kept

    kept = _with_box(read)
    described = [
        {
            "place": str(place),
            "reason": code,
            "field": copies[0].field,
            "recorded_at": copies[0].recorded_at.isoformat(timespec="milliseconds"),
            "size_bytes": copies[0].size_bytes,
            "copies": len(copies),
        }
        for (_, place, code), copies in sorted(kept.items())[:at_most]
    ]
    if as_json:
        for row in described:
            typer.echo(json.dumps(row))
        return
    columns = ("place", "reason", "field", "recorded_at", "size_bytes", "copies")
    echo_table(f"{len(described)} dead letters", columns, [list(row.values()) for row in described])


@app.command()
def show(
    place: PlaceArgument,
    form: Annotated[
        Form | None, typer.Option("--dump", help="print key and value, too: THEY HOLD PERSONAL DATA")
    ] = None,
) -> None:
    """Show one dead letter; its bytes only with --dump."""

    async def find(box: DeadLetterBox) -> DeadLetter | None:
        async for letter in box.letters():
            if letter.place == place:
                return letter
        return None

    letter = _with_box(find)
    if letter is None:
        _end_without([place])
    for name in ("place", "reason", "field", "recorded_at", "size_bytes"):
        typer.echo(f"{name}: {getattr(letter, name)}", err=form is Form.RAW)
    if form is None:
        return
    typer.echo("warning: what follows is a raw event and holds personal data; do not store it", err=True)
    if form is Form.RAW:
        sys.stdout.buffer.write(letter.value or b"")
        return
    for name, data in (("key", letter.key), ("value", letter.value)):
        typer.echo(f"{name}: {'none' if data is None else f'{len(data)} bytes'}")
        typer.echo(hex_dump(data or b""), nl=bool(data))


@app.command()
def replay(
    places: PlacesArgument = None,
    *,
    reason: ReasonOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be sent")] = False,
) -> None:
    """Send dead letters to the events topic again, unchanged. The worker then accepts or refuses each anew.

    Repeat it as you like: an event keeps its id, so a second copy adds no line. Each time restarts the 7 days that
    Kafka keeps the record, with the names in it. Where one of the places has no such dead letter, nothing is sent.
    """
    selection = Selection(reason, frozenset(places or ()))
    if places and (absent := _with_box(lambda box: _absent(box, selection))):
        _end_without(absent)
    if dry_run:
        counts = _with_box(lambda box: _count(box, selection))
        typer.echo(f"would send: {counts.total()} records")
        for code, count in sorted(counts.items()):
            typer.echo(f"  {code}: {count}")
        return
    count = _with_box(lambda box: replay_letters(box, selection))
    typer.echo(f"sent {count} records again; a record that is refused again is a new dead letter")


def hex_dump(data: bytes) -> str:
    """*data* as `offset  hex  text`, sixteen bytes a line."""
    lines = []
    for start in range(0, len(data), _BYTES_A_LINE):
        part = data[start : start + _BYTES_A_LINE]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)  # noqa: PLR2004 - printable ASCII
        lines.append(f"{start:08x}  {part.hex(' '):<{3 * _BYTES_A_LINE}} {text}")
    return "\n".join(lines)


def _end_without(places: Sequence[Place]) -> NoReturn:
    """End the command: it names dead letters that are not there, so what was meant is open."""
    for place in places:
        typer.echo(f"no such dead letter: {place}; `audit-stream dead-letters list` has those that are kept", err=True)
    raise typer.Exit(ExitCode.USAGE)


async def _absent(box: DeadLetterBox, selection: Selection) -> list[Place]:
    kept = {letter.place async for letter in box.letters() if selection.matches(letter)}
    return sorted(selection.places - kept)


async def _count(box: DeadLetterBox, selection: Selection) -> Counter[str]:
    return Counter([letter.reason async for letter in distinct_letters(box, selection)])


def _with_box(use: Callable[[DeadLetterBox], Awaitable[T]]) -> T:
    settings = settings_or_exit()

    async def run() -> T:
        async with open_box(settings.kafka) as box:
            return await use(box)

    return asyncio.run(run())
