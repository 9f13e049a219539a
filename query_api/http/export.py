"""Exports: all lines that a filter selects, written while they are read."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Protocol

from query_api.access.auth import Caller
from query_api.http.export_formats import csv_header, csv_row, csv_row_for, json_line, ocsf_line
from query_api.http.export_people import Reading
from query_api.http.export_xlsx import XlsxFile
from query_api.http.query_strings import ExportFormat
from query_api.log.activity_log import ActivityLog, ShownLine
from query_api.log.filters import ActivityFilter, Order, Position
from query_api.log.piecewise import piecewise
from query_api.log.reader import LogReader

BATCH_LINES = 2_500

MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSONL: "application/jsonl",
    ExportFormat.OCSF: "application/jsonl",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ExportFile(Protocol):
    """A file that is made batch by batch."""

    async def add(self, lines: Sequence[ShownLine]) -> bytes:
        """What can be sent now that *lines* follow those before. Raises `InvalidParameters` where they are too many."""
        ...

    async def end(self) -> bytes:
        """What is left to send."""
        ...


class TextFile:
    """`ExportFile` of which each line is bytes of its own behind a *head*."""

    def __init__(self, write: Callable[[ShownLine], bytes], head: bytes = b"") -> None:
        self._write = write
        self._head = head

    async def add(self, lines: Sequence[ShownLine]) -> bytes:
        """The bytes of *lines*."""
        head, self._head = self._head, b""
        return head + b"".join(await piecewise(self._write, lines))

    async def end(self) -> bytes:
        """Nothing."""
        return b""


def export_file(
    client_space_id: str, export_format: ExportFormat, reading: Reading | None
) -> AbstractContextManager[ExportFile]:
    """The file of that format, for people where there is a *reading*."""
    if export_format is ExportFormat.XLSX and reading is not None:
        return XlsxFile(reading)
    if export_format is ExportFormat.JSONL:
        return nullcontext(TextFile(json_line))
    if export_format is ExportFormat.OCSF:
        return nullcontext(TextFile(partial(ocsf_line, client_space_id)))
    if reading is None:
        return nullcontext(TextFile(csv_row, csv_header()))
    return nullcontext(TextFile(partial(csv_row_for, reading), csv_header(reading.headings())))


class Exporter:
    """Reads the log in batches. Retention and deletions count at the moment of each batch."""

    def __init__(self, log: ActivityLog, reader: LogReader) -> None:
        self._log = log
        self._reader = reader

    async def chunks(
        self, caller: Caller, activity_filter: ActivityFilter, order: Order, file: ExportFile
    ) -> AsyncGenerator[bytes]:
        """What *file* makes of the lines, batch by batch: one is held at a time, whatever the file's size.

        Raises `StoreError` at any batch. The file is then not whole, and its reader must be told.
        """
        after: Position | None = None
        while True:
            selection = await self._log.selection(
                caller, activity_filter, limit=BATCH_LINES, now=self._log.now(), order=order, after=after
            )
            lines = await self._reader.lines(caller, selection)
            made = await file.add(await self._log.shown(caller, lines, activity_filter))
            # No byte is sent before the first batch, so that an error until then is an answer of its own.
            if len(lines) < BATCH_LINES:
                yield made + await file.end()
                return
            if made:
                yield made
            after = Position(lines[-1].occurred_at, lines[-1].event_id)
