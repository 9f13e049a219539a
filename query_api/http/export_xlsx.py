"""A workbook for Excel, made by XlsxWriter in bounded memory: its rows wait in a temporary file."""

import asyncio
import io
import os
from collections.abc import Sequence
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from xlsxwriter import Workbook

from query_api.errors import InvalidParameters, ParameterError
from query_api.http.export_people import Reading
from query_api.log.activity_log import ShownLine

MAX_LINES = 20_000
"""A workbook is sent once it is whole. So many lines with texts of 20 characters have 28 MB of rows."""
MAX_BYTES = 30_000_000
"""Of the rows. A workbook that is made takes twice as much in the temporary directory, which may be of 64 MiB."""

_turn = asyncio.Semaphore(1)
"""One workbook is made at a time, so that the temporary directory holds it."""

_TIME_WIDTH, _WIDTH = 20, 24


class XlsxFile:
    """`ExportFile` as one sheet. Each text is a text to Excel: none is a formula, a link or a number."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._row = 0
        self._has_turn = False
        self._content = io.BytesIO()
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        folder = self._resources.enter_context(TemporaryDirectory(prefix="export-"))
        self._workbook = Workbook(self._content, {"constant_memory": True, "tmpdir": folder})
        self._sheet = self._workbook.add_worksheet()
        self._resources.callback(self._sheet.row_data_fh.close)
        self._text = self._workbook.add_format({"quote_prefix": True})
        self._time = self._workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
        head = self._workbook.add_format({"bold": True, "bottom": 1})
        headings = self._reading.headings()
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, 0, _TIME_WIDTH)
        self._sheet.set_column(1, len(headings) - 1, _WIDTH)
        for column, heading in enumerate(headings):
            self._sheet.write_string(0, column, heading, head)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._resources.close()

    async def add(self, lines: Sequence[ShownLine]) -> bytes:
        """Write *lines*; nothing can be sent yet. Raises `InvalidParameters` beyond `MAX_LINES` or `MAX_BYTES`."""
        if self._row + len(lines) > MAX_LINES:
            raise _too_many(f"at most {MAX_LINES} lines")
        if not self._has_turn:
            await _turn.acquire()
            self._has_turn = True
            self._resources.callback(_turn.release)
        if await asyncio.to_thread(self._write, lines) > MAX_BYTES:
            raise _too_many("fewer lines of such long texts")
        return b""

    async def end(self) -> bytes:
        """The whole workbook."""
        self._sheet.autofilter(0, 0, self._row, len(self._reading.headings()) - 1)
        await asyncio.to_thread(self._workbook.close)
        # It is sent from memory: a client that takes its time holds up nobody who waits for the turn.
        self._resources.close()
        return self._content.getvalue()

    def _write(self, lines: Sequence[ShownLine]) -> int:
        """Returns how many bytes the rows have."""
        for shown in lines:
            self._row += 1
            local, offset = self._reading.time(shown)
            self._sheet.write_datetime(self._row, 0, local, self._time)
            for column, value in enumerate((offset, *self._reading.values(shown)), start=1):
                if value is not None:
                    self._sheet.write_string(self._row, column, str(value), self._text)
        self._sheet.row_data_fh.flush()
        return os.fstat(self._sheet.row_data_fh.fileno()).st_size


def _too_many(what: str) -> InvalidParameters:
    message = f"xlsx holds {what}: choose csv, or a shorter range"
    return InvalidParameters([ParameterError("format", "too_many_lines", message)])
