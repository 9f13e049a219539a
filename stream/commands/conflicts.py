"""`audit-stream conflicts`: events of which the log holds more than one account."""

import json
from itertools import islice
from typing import Annotated

import typer

from stream.clients.clickhouse import open_clickhouse
from stream.commands.common import ExitCode, settings_or_exit
from stream.commands.stored_conflicts import Conflict, stored_conflicts

_READ_SECONDS = 600.0


def conflicts(
    at_most: Annotated[int, typer.Option("--max", min=1, help="maximum number of events")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """Search the whole log for events with more than one account. Exits with 1 if there are any.

    The worker refuses a second account before it stores it. This command finds those that it could not see.
    """
    settings = settings_or_exit()
    url, database = settings.clickhouse
    with open_clickhouse(url, timeout_seconds=_READ_SECONDS) as client:
        found = list(islice(stored_conflicts(client, database), at_most))
    for conflict in found:
        typer.echo(json.dumps(_fields(conflict)) if as_json else _line(conflict))
    if found:
        typer.echo(f"{len(found)} events" + (" or more" if len(found) == at_most else ""), err=True)
        raise typer.Exit(ExitCode.FOUND)
    typer.echo("no conflicts", err=True)


def _fields(conflict: Conflict) -> dict[str, object]:
    return {
        "event_id": str(conflict.event_id),
        "kind": conflict.kind,
        "lines": [{"client_space_id": space, "occurred_at": at.isoformat()} for space, at in conflict.keys],
        "accounts": conflict.accounts,
        "records": [f"{partition}/{offset}" for partition, offset in conflict.places],
    }


def _line(conflict: Conflict) -> str:
    lines = ", ".join(f"{space} {at.isoformat()}" for space, at in conflict.keys)
    records = " ".join(f"{partition}/{offset}" for partition, offset in conflict.places)
    return f"{conflict.event_id}  {conflict.kind}  lines: {lines}  records: {records}"
