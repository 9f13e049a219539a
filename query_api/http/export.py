"""Exports: all lines that a filter selects, written while they are read."""

import re
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime

from query_api.access.auth import Caller
from query_api.http.export_formats import csv_header, csv_row
from query_api.http.query_strings import ExportFormat
from query_api.http.rendering import line_document, to_json
from query_api.log.activity_log import ActivityLog, ShownLine
from query_api.log.filters import ActivityFilter, Order, Position
from query_api.log.reader import LogReader

BATCH_LINES = 2_500

_ESCAPES = {text.encode(): f"\\u{ord(text):04x}".encode() for text in "\u0085\u2028\u2029"}
_LINE_BREAKS = re.compile(b"|".join(_ESCAPES))

MEDIA_TYPES = {ExportFormat.CSV: "text/csv; charset=utf-8", ExportFormat.JSONL: "application/jsonl"}


class Exporter:
    """Reads the log in batches. Retention and deletions count at the moment of each batch."""

    def __init__(self, log: ActivityLog, reader: LogReader) -> None:
        self._log = log
        self._reader = reader

    async def chunks(
        self, caller: Caller, activity_filter: ActivityFilter, order: Order, export_format: ExportFormat
    ) -> AsyncGenerator[bytes]:
        """The file, batch by batch: one is held at a time, whatever the file's size.

        Raises `StoreError` at any batch. The file is then not whole, and its reader must be told.
        """
        write: Callable[[ShownLine], bytes] = _json_line
        head = b""
        if export_format is ExportFormat.CSV:
            write, head = csv_row, csv_header()
        after: Position | None = None
        while True:
            selection = await self._log.selection(
                caller, activity_filter, limit=BATCH_LINES, now=self._log.now(), order=order, after=after
            )
            lines = await self._reader.lines(caller, selection)
            shown = await self._log.shown(caller, lines, activity_filter)
            # No byte is sent before the first batch, so that an error until then is an answer of its own.
            yield head + b"".join(map(write, shown))
            head = b""
            if len(lines) < BATCH_LINES:
                return
            after = Position(lines[-1].occurred_at, lines[-1].event_id)


def file_name(activity_filter: ActivityFilter, since: datetime, now: datetime, export_format: ExportFormat) -> str:
    """The file's name, with the days that it covers, in UTC."""
    first, last = activity_filter.since or since, activity_filter.until or now
    days = (f"{max(first, since).astimezone(UTC):%Y-%m-%d}", f"{last.astimezone(UTC):%Y-%m-%d}")
    return f"user-activity_{days[0]}_{days[1]}.{export_format}"


def _json_line(shown: ShownLine) -> bytes:
    """One line for every reader: some split text at these characters too, which JSON need not escape."""
    return _LINE_BREAKS.sub(lambda found: _ESCAPES[found[0]], to_json(line_document(shown))) + b"\n"
