"""CSV as numbered rows under known columns: the delimiter and the header are found, bad rows become values."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from producers.errors import InvalidImport
from producers.file_import.rows import Column, Role, Row, RowError
from producers.file_import.text import PREFIX_BYTES, HashingReader, Lines, RowTooLong, detect_encoding

_DELIMITERS = (",", ";", "\t", "|")
# What no cell of a user list holds: NUL and other controls (line breaks and tabs aside), and lone surrogates, which
# stand for undecodable bytes. C1 controls betray a file read in the wrong encoding.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_ALIASES = {
    "activity": Column.ACTIVITY,
    "action": Column.ACTIVITY,
    "userid": Column.USER_ID,
    "id": Column.USER_ID,
    "email": Column.EMAIL,
    "firstname": Column.FIRST_NAME,
    "lastname": Column.LAST_NAME,
    "previouslicense": Column.PREVIOUS_LICENSE,
    "previouslicence": Column.PREVIOUS_LICENSE,
    "license": Column.LICENSE,
    "licence": Column.LICENSE,
    "newlicense": Column.LICENSE,
    "newlicence": Column.LICENSE,
    "adminaccess": Column.ADMIN_ACCESS,
    "occurredat": Column.OCCURRED_AT,
}
"""Header names without spaces, hyphens and underscores, in small letters."""


@dataclass(frozen=True, slots=True)
class StructureLost:
    """From *error*'s row on nobody can say where rows begin: a broken quote, or a row without an end."""

    error: RowError


class Table:
    """An open file. Its rows can be read once; `sha256` is the whole file's once they have been."""

    def __init__(self, role: Role, raw: HashingReader, encoding: str | None) -> None:
        self.role = role
        self._raw = raw
        buffered = io.BufferedReader(raw, PREFIX_BYTES)
        self.encoding, self.encoding_is_guessed = (encoding, False) if encoding else detect_encoding(buffered.peek())
        try:
            text = io.TextIOWrapper(buffered, self.encoding, errors="mark-undecodable", newline="")
        except LookupError:
            raise InvalidImport(f"{role}: unknown encoding") from None
        self._lines = Lines(text)
        self.columns = self._read_header()

    def sha256(self) -> bytes:
        """The digest of the bytes that were read."""
        return self._raw.sha256()

    def rows(self) -> Iterator[Row | RowError | StructureLost]:
        """Every row but the blank ones, in order. Nothing follows `StructureLost`."""
        while True:
            number = self._reader.line_num + 1
            self._lines.start_row()
            try:
                cells = next(self._reader, None)
            except RowTooLong:
                yield StructureLost(RowError(self.role, number, "", "too long; is a quote never closed?"))
                return
            except csv.Error:
                yield StructureLost(RowError(self.role, number, "", "broken quoting"))
                return
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield self._row(number, cells)

    def _row(self, number: int, cells: list[str]) -> Row | RowError:
        if len(cells) != len(self.columns):
            reason = f"{len(cells)} cells under {len(self.columns)} columns"
            return RowError(self.role, number, "", reason)
        # One search for the whole row: nearly all rows have nothing to be found.
        if _FORBIDDEN.search("".join(cells)):
            return self._forbidden(number, cells)
        return Row(number, {column: cell.strip() for column, cell in zip(self.columns, cells, strict=True)})

    def _forbidden(self, number: int, cells: list[str]) -> RowError:
        hits = ((column, _FORBIDDEN.search(cell)) for column, cell in zip(self.columns, cells, strict=True))
        column, character = next((column, hit[0]) for column, hit in hits if hit)
        undecodable = unicodedata.category(character) == "Cs"
        reason = f"bytes that are not {self.encoding}" if undecodable else "a control character"
        return RowError(self.role, number, column, reason)

    def _read_header(self) -> tuple[Column, ...]:
        try:
            first = next(self._lines, "")
            delimiter = max(_DELIMITERS, key=lambda candidate: _known_names(first, candidate))
            self._reader = csv.reader(chain([first], self._lines), delimiter=delimiter, strict=True)
            names = next(self._reader, [])
        except (csv.Error, RowTooLong):
            raise InvalidImport(f"{self.role}: line 1 is no header") from None
        return _columns(self.role, names)


@contextmanager
def open_table(path: Path, role: Role, encoding: str | None = None) -> Iterator[Table]:
    """*path* as a table. Raises `InvalidImport` where it cannot be read or its header names no usable columns."""
    try:
        raw = path.open("rb", buffering=0)
    except OSError as error:
        raise InvalidImport(f"{role}: {error.strerror}") from error
    with raw:
        yield Table(role, HashingReader(raw), encoding)


def _known_names(line: str, delimiter: str) -> int:
    names = next(csv.reader([line], delimiter=delimiter), [])
    return sum(_normalize(name) in _ALIASES for name in names)


def _normalize(name: str) -> str:
    return re.sub(r"[\s_\-\u2010\u2011]+", "", unicodedata.normalize("NFKC", name)).casefold()


def _columns(role: Role, names: list[str]) -> tuple[Column, ...]:
    columns = [_ALIASES.get(_normalize(name)) for name in names]
    if not any(columns):
        # Not quoted: where the header is missing, line 1 is a person.
        raise InvalidImport(f"{role}: line 1 names no known column; is the header missing?")
    unknown = [f"{name.strip()!r}" for name, column in zip(names, columns, strict=True) if column is None]
    if unknown:
        raise InvalidImport(f"{role}: unknown column(s) {', '.join(unknown)}")
    known = [column for column in columns if column is not None]
    if repeated := sorted({column for column in known if known.count(column) > 1}):
        raise InvalidImport(f"{role}: column(s) named twice: {', '.join(repeated)}")
    return tuple(known)


def require_columns(table: Table, required: set[Column], allowed: set[Column]) -> None:
    """Raise `InvalidImport`, naming them, where *table* lacks columns or has some that mean nothing in its role."""
    present = set(table.columns)
    if missing := sorted(required - present):
        raise InvalidImport(f"{table.role}: missing column(s) {', '.join(missing)}")
    if foreign := sorted(present - required - allowed):
        raise InvalidImport(f"{table.role}: column(s) that do not belong here: {', '.join(foreign)}")
