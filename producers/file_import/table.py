"""A file as numbered rows under known columns: the header is found, bad rows become values."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from producers.errors import InvalidImport
from producers.file_import.characters import fault_of, is_plain
from producers.file_import.delimited import DELIMITERS, Record, Splitter
from producers.file_import.headings import PLATFORM, REPORT_COLUMNS, Format, likely_format, normalize
from producers.file_import.rows import NAME_COLUMNS, Code, Column, Fault, Role, Row, RowError, label
from producers.file_import.sheets import OLE_MAGIC, ZIP_MAGIC, NotText, Sheet
from producers.file_import.text import HashingReader, TextLines

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;\t|]*', re.IGNORECASE)
_AROUND = " \u00a0"
"""The white space that may stand around a cell."""
_NONE: Mapping[Column, Fault] = MappingProxyType({})
_BLANK_CELLS = re.compile(r'[\s;,|"]*')
_TYPED_COLUMNS = frozenset({Column.ADMIN_ACCESS, Column.OCCURRED_AT})
"""Columns in which a spreadsheet's own yes, no, 1, 0 or time is as good as a text."""


@dataclass(frozen=True, slots=True)
class HowToRead:
    """What the caller says of the files. What is not said is found out where there is no doubt about it."""

    encoding: str | None = None
    format: Format = field(default=PLATFORM)
    sheet: str | None = None


class Table:
    """An open file. Its rows can be read once; `sha256` is the whole file's once they have been."""

    def __init__(self, role: Role, path: Path, raw: HashingReader, how: HowToRead) -> None:
        self.role = role
        self.file_name = path.name
        self.label = label(role, path.name)
        self.format = how.format
        self.blank_rows = 0
        self._raw = raw
        with path.open("rb") as file:
            start = file.read(len(ZIP_MAGIC))
        if start == OLE_MAGIC:
            raise InvalidImport(f"{self.label}: an old or protected Excel file; save it as CSV UTF-8 or XLSX")
        if start == ZIP_MAGIC:
            self.encoding, self.delimiter = "spreadsheet", ""
            sheet = Sheet(path, self.label, how.sheet)
            records = sheet.records()
        else:
            records = self._open_text(how.encoding)
        self._records = records
        self.names = self._read_header()
        if not self.delimiter:
            # Of two lists only one sheet is held at a time: the rest is read when its turn comes.
            self._records = sheet.records(after_row=self.header_row)
        self.places = _places(self.label, self.names, how.format)
        self.columns = frozenset(column for _, column in self.places)
        self._is_name = [column in NAME_COLUMNS for _, column in self.places]
        self._must_be_blank = [place for place, name in enumerate(self.names) if not name.strip()]
        self._is_quickly_judged = bool(self.delimiter) and not self._must_be_blank

    def sha256(self) -> bytes:
        """The digest of the bytes that were read."""
        while self._raw.read(1 << 20):
            pass
        return self._raw.sha256()

    def records(self) -> Iterator[Record]:
        """Every record after the header but the blank ones, as the file has it."""
        for record in self._records:
            if record.fault is None and not "".join(record.cells).strip():
                self.blank_rows += 1
            else:
                yield record

    def rows(self) -> Iterator[Row | RowError]:
        """Every row but the blank ones, in order. A `RowError` is a row whose cells cannot be told apart."""
        return map(self.row, self.records())

    def row(self, record: Record) -> Row | RowError:
        """*record* under the columns."""
        cells, width = record.cells, len(self.names)
        if len(cells) != width:
            fault = record.fault or self._fault_of_width(cells)
            if fault is not None:
                return RowError(self.role, record.first_line, "", fault, record.last_line, self.file_name)
            cells = cells[:width] + [""] * (width - len(cells))
        if record.fault is not None and record.fault.code is Code.SWALLOWED_ROWS:
            return RowError(self.role, record.first_line, "", record.fault, record.last_line, self.file_name)
        read = {column: cells[place].strip(_AROUND) for place, column in self.places}
        if self.format.words and Column.ADMIN_ACCESS in read:
            word = read[Column.ADMIN_ACCESS]
            read[Column.ADMIN_ACCESS] = self.format.words.get(word.casefold(), word)
        is_sound = self._is_quickly_judged and record.fault is None and is_plain("".join(cells))
        faults = _NONE if is_sound else self._faults(record, cells, read)
        return Row(record.first_line, record.last_line, read, faults)

    def error(self, row: Row, column: str, fault: Fault) -> RowError:
        """That *row* is bad."""
        return RowError(self.role, row.number, column, fault, row.last_line, self.file_name)

    def _fault_of_width(self, cells: list[str]) -> Fault | None:
        """Spreadsheets write empty cells beyond the last column, and leave out those of columns without a heading."""
        width = len(self.names)
        is_short = len(cells) < width and all(place in self._must_be_blank for place in range(len(cells), width))
        if is_short or (not any(cell.strip() for cell in cells[width:]) and len(cells) > width):
            return None
        return Fault(Code.CELL_COUNT, f"{len(cells)} cells under {width} columns")

    def _faults(self, record: Record, cells: list[str], read: dict[Column, str]) -> dict[Column, Fault]:
        faults: dict[Column, Fault] = {}
        if not is_plain("".join(read.values())):
            for (_, column), is_name in zip(self.places, self._is_name, strict=True):
                if fault := fault_of(read[column], is_name=is_name, encoding=self.encoding):
                    faults[column] = fault
        if not self.delimiter:
            for place, column in self.places:
                if isinstance(cells[place], NotText) and column not in _TYPED_COLUMNS:
                    faults[column] = Fault(Code.NOT_TEXT, "a number or a date, not a text; save the sheet as CSV UTF-8")
        if self._must_be_blank and any(cells[place].strip() for place in self._must_be_blank):
            faults.setdefault(self.places[0][1], Fault(Code.CELL_COUNT, "a cell in a column without a heading"))
        if record.fault is not None:
            quoted = [column for place, column in self.places if '"' in cells[place]]
            faults.update(dict.fromkeys(quoted or [column for _, column in self.places], record.fault))
        return faults

    def _open_text(self, encoding: str | None) -> Iterator[Record]:
        lines = TextLines(self._raw, self.label, encoding)
        self.encoding = lines.encoding
        found = self._find_header(lines)
        self.delimiter = found[2]
        splitter = Splitter(lines, self.delimiter)
        splitter.put_back(found[0], found[1])
        return splitter.records()

    def _find_header(self, lines: TextLines) -> tuple[int, str, str]:
        """The header's line, its number, and the delimiter that it is split by."""
        chosen = None
        for number, line in lines:
            if chosen is None and (said := _SEPARATOR_LINE.fullmatch(line)):
                chosen = said[1]
            elif not _BLANK_CELLS.fullmatch(line):
                known = {*self.format.headings, *REPORT_COLUMNS}
                delimiter = chosen or max(DELIMITERS, key=lambda each: _known_names(line, each, known))
                return number, line, delimiter
        raise InvalidImport(f"{self.label}: the file is empty")

    def _read_header(self) -> list[str]:
        for record in self._records:
            names = [name.strip() for name in record.cells]
            while names and not names[-1]:
                names.pop()
            if record.fault is not None:
                raise InvalidImport(f"{self.label}, row {record.first_line}: no header; {record.fault.reason}")
            if names:
                self.header_row = record.first_line
                return names
        raise InvalidImport(f"{self.label}: the file is empty")


@contextmanager
def open_table(path: Path, role: Role, how: HowToRead | None = None) -> Iterator[Table]:
    """*path* as a table. Raises `InvalidImport` where it cannot be read or its header names no usable columns."""
    with ExitStack() as files:
        try:
            raw = files.enter_context(path.open("rb", buffering=0))
        except OSError as error:
            raise InvalidImport(f"{label(role, path.name)}: {error.strerror}") from error
        yield Table(role, path, HashingReader(raw), how or HowToRead())


def _known_names(line: str, delimiter: str, known: set[str]) -> int:
    return sum(normalize(name.strip(' "')) in known for name in line.split(delimiter))


def _places(file_label: str, names: list[str], how: Format) -> list[tuple[int, Column]]:
    """Where each column that is read stands in a record."""
    found = [(place, how.headings.get(normalize(name))) for place, name in enumerate(names)]
    places = [(place, column) for place, column in found if column is not None]
    if not places:
        # Not quoted: where the header is missing, the first row is a person.
        accepted = _accepted(how, names)
        raise InvalidImport(f"{file_label}: the first row names no known column; it must be the headings; {accepted}")
    others = [repr(names[place]) for place, column in found if column is None and normalize(names[place])]
    unknown = [name for name in others if normalize(name.strip("'\"")) not in REPORT_COLUMNS]
    if unknown and not how.ignores_others:
        raise InvalidImport(f"{file_label}: unknown column(s) {', '.join(unknown)}; {_accepted(how, names)}")
    columns = [column for _, column in places]
    if repeated := sorted({column for column in columns if columns.count(column) > 1}):
        raise InvalidImport(f"{file_label}: column(s) named twice: {', '.join(repeated)}")
    return places


def _accepted(how: Format, names: list[str]) -> str:
    text = f"accepted are {how.accepted()}"
    likely = likely_format(names)
    if likely is not None and likely is not how:
        return f"{text}. It looks like {likely.title}: --format {likely.name}"
    return f"{text}; --columns names other headings"


def require_columns(table: Table, required: set[Column], allowed: set[Column]) -> None:
    """Raise `InvalidImport`, naming them, where *table* lacks columns or has some that mean nothing in its role."""
    if missing := sorted(required - table.columns):
        raise InvalidImport(f"{table.label}: missing column(s) {', '.join(missing)}")
    if foreign := sorted(table.columns - required - allowed):
        raise InvalidImport(f"{table.label}: column(s) that do not belong here: {', '.join(foreign)}")
