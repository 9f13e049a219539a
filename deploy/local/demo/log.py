"""The log as the query API answers it, and as tables for a terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

Line = Mapping[str, Any]
Filter = Mapping[str, str]

_PAGE_LIMIT = "500"
_TIMEOUT_SECONDS = 10


class LogClient:
    """Reads one client space's log through the API."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT_SECONDS
        )

    def lines(self, filters: Filter) -> Iterator[Line]:
        """Every line that *filters* let through, newest first, page by page."""
        cursor: str | None = None
        while True:
            paging = {"limit": _PAGE_LIMIT} | ({} if cursor is None else {"cursor": cursor})
            answer = self._client.get("/v1/activities", params={**filters, **paging})
            answer.raise_for_status()
            page = answer.json()
            yield from page["data"]
            cursor = page["page"]["next_cursor"]
            if cursor is None:
                return


def print_lines(console: Console, title: str, lines: Sequence[Line], *, at_most: int) -> None:
    """A table of the first lines, and how many there are."""
    more = "" if len(lines) <= at_most else f", the first {at_most} of them"
    table = Table(title=f"{title}: {len(lines)} lines{more}", title_justify="left")
    for heading in ("occurred at (UTC)", "activity", "affected user", "change", "admin", "channel"):
        table.add_column(heading, overflow="fold")
    for line in lines[:at_most]:
        table.add_row(
            line["occurred_at"].replace("T", " ")[:19],
            line["activity_type"],
            _name(line["affected_user"]),
            ", ".join(_change(change) for change in line["changes"]),
            _name(line["admin"]),
            line["channel"],
        )
    console.print(table)


def print_counts(console: Console, client_space: str, lines: Sequence[Line]) -> None:
    """How many lines *client_space* has by activity type and channel."""
    counts = Counter((line["activity_type"], line["channel"]) for line in lines)
    channels = sorted({channel for _, channel in counts})
    console.print(f"Client space {client_space}: lines by activity type and channel", style="italic")
    table = Table()
    table.add_column("activity type")
    for channel in (*channels, "all"):
        table.add_column(channel, justify="right")
    for activity_type in sorted({activity_type for activity_type, _ in counts}):
        row = [counts[activity_type, channel] for channel in channels]
        table.add_row(activity_type, *map(str, row), str(sum(row)))
    totals = [sum(count for (_, each), count in counts.items() if each == channel) for channel in channels]
    table.add_row("all", *map(str, totals), str(sum(totals)), style="bold")
    console.print(table)


def _name(person: Mapping[str, Any]) -> str:
    return str(person["display_name"] or person["username"] or person["id"])


def _change(change: Mapping[str, Any]) -> str:
    if change["field"] == "admin_rights":
        return "admin rights granted" if change["after"] else "admin rights removed"
    return f"{change['before'] or 'no license'} → {change['after'] or 'no license'}"
