"""Lines as records of cells: RFC 4180, and what spreadsheets make of it; what is no such record is a value."""

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from producers.file_import.rows import Code, Fault
from producers.file_import.text import MAX_LINE_CHARACTERS, TextLines

DELIMITERS = (",", ";", "\t", "|")
MAX_RECORD_LINES = 100
"""No cell that a person wrote spans as many lines. A quote that is never closed would make one record of a file."""


class Record(NamedTuple):
    """A record and the lines that it spans. With a *fault*, *cells* is what the line looks like without quotes."""

    first_line: int
    last_line: int
    cells: list[str]
    fault: Fault | None = None


class Splitter:
    """Takes records off *lines*."""

    def __init__(self, lines: TextLines, delimiter: str) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._pending: deque[tuple[int, str]] = deque()
        mark = re.escape(delimiter)
        self._cell = re.compile(rf' *"([^"]*(?:""[^"]*)*)" *(?={mark}|\Z)|([^"{mark}]*)(?={mark}|\Z)')
        self._open_quote = re.compile(r' *"[^"]*(?:""[^"]*)*\Z')

    def put_back(self, number: int, line: str) -> None:
        """Make *line* the next one."""
        self._pending.append((number, line))

    def records(self) -> Iterator[Record]:
        """The records that are left."""
        while (item := self._next_line()) is not None:
            number, line = item
            if len(line) >= MAX_LINE_CHARACTERS:
                yield self._too_long(number)
            elif '"' in line:
                yield self._quoted(number, line)
            else:
                yield Record(number, number, line.split(self._delimiter))

    def _next_line(self) -> tuple[int, str] | None:
        return self._pending.popleft() if self._pending else next(self._lines, None)

    def _too_long(self, number: int) -> Record:
        while (item := self._next_line()) is not None:
            if item[0] != number:
                self._pending.appendleft(item)
                break
        return Record(number, number, [], Fault(Code.TOO_LONG, f"longer than {MAX_LINE_CHARACTERS} characters"))

    def _quoted(self, number: int, line: str) -> Record:
        """The record that begins with *line*, which holds quotes and may go on in the lines that follow."""
        text, taken = line, [(number, line)]
        cells: list[str] = []
        place = 0
        while True:
            found = self._cell.match(text, place)
            if found is None:
                more = self._next_line() if self._can_go_on(text, place, taken) else None
                if more is not None:
                    taken.append(more)
                    text += "\n" + more[1]
                if more is None or len(more[1]) >= MAX_LINE_CHARACTERS:
                    return self._give_up(taken, is_open=self._open_quote.match(text, place) is not None)
                continue
            quoted = found[1]
            cells.append(found[2] if quoted is None else quoted.replace('""', '"'))
            place = found.end() + 1
            if place > len(text):
                return Record(number, taken[-1][0], cells, self._swallowed(cells) if len(taken) > 1 else None)

    def _can_go_on(self, text: str, place: int, taken: list[tuple[int, str]]) -> bool:
        has_room = len(taken) < MAX_RECORD_LINES and len(text) < MAX_LINE_CHARACTERS
        return has_room and self._open_quote.match(text, place) is not None

    def _give_up(self, taken: list[tuple[int, str]], *, is_open: bool) -> Record:
        """Make the first line a bad record, and read those after it each for itself."""
        self._pending.extendleft(reversed(taken[1:]))
        number, line = taken[0]
        reason = "a quote that is opened is never closed" if is_open else "a quote inside a cell; double it"
        return Record(number, number, line.split(self._delimiter), Fault(Code.STRAY_QUOTE, reason))

    def _swallowed(self, cells: list[str]) -> Fault | None:
        """The fault of a record of several lines that is more likely several records.

        Two rows of n cells that a stray quote joins have n cells only if a cell took in n - 1 delimiters.
        """
        inside = sum(cell.count(self._delimiter) for cell in cells if "\n" in cell)
        if inside < max(1, len(cells) - 1):
            return None
        return Fault(Code.SWALLOWED_ROWS, "a quote that is opened here is closed rows later; remove the stray quotes")
