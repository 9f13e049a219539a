"""The rows of a spreadsheet (XLSX, ODS) as records of cells. Numbers and dates are told apart from texts."""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, time, timedelta
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from producers.errors import InvalidImport
from producers.file_import.delimited import Record

ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0"
"""How XLS files begin, and XLSX files with a password."""

MAX_SHEET_BYTES = 16 * 1024 * 1024
"""A spreadsheet is read as a whole. Unpacked XML beyond this would take more memory than an import may."""


_ERROR_IN_XLSX = re.compile(rb' t="e"')
_NO_VALUE_IN_XLSX = re.compile(
    rb'<(?P<x>(?:\w+:)?)c\b(?![^>]*\bt="str")[^>]*><(?P=x)f\b(?:[^>]*/>|[^>]*>[^<]*</(?P=x)f>)\s*'
    rb"(?:<(?P=x)v\s*/>|<(?P=x)v>\s*</(?P=x)v>)?\s*</(?P=x)c>"
)
"""As programs other than spreadsheets write a formula, some with a prefix: `<x:c>`. An empty text says `t="str"`."""
_ERROR_IN_ODS = re.compile(rb'calcext:value-type="error"|table:formula="[^"]*"[^>]*>\s*<text:p>(?:#[A-Z]|Err:\d)')
_NO_VALUE_IN_ODS = re.compile(rb"<table:table-cell\b(?![^>]*\boffice:value-type=)[^>]*\btable:formula=")


class NotText(str):
    """What a cell shows that holds a number or a date. The text that a person typed may have been another one."""

    __slots__ = ()


class Sheet:
    """One sheet of a workbook. Raises `InvalidImport` where it is not clear which, or none can be read."""

    def __init__(self, path: Path, file_label: str, name: str | None) -> None:
        self._path = path
        self._label = file_label
        self._name = name
        _require_readable(path, file_label)

    def records(self, *, after_row: int = 0) -> Iterator[Record]:
        """Every row after *after_row*, numbered as the spreadsheet does. The sheet is held while they are taken."""
        for number, cells in enumerate(self._rows(), start=1):
            if number > after_row:
                yield Record(number, number, [_text(cell) for cell in cells])

    def _rows(self) -> Iterator[Sequence[object]]:
        try:
            workbook = CalamineWorkbook.from_path(self._path)
            names = [self._name] if self._name else _filled(workbook)
            if len(names) != 1:
                raise InvalidImport(f"{self._label}: {len(names)} sheets hold something; name one: --sheet")
            if names[0] not in workbook.sheet_names:
                raise InvalidImport(f"{self._label}: no such sheet; there are {', '.join(workbook.sheet_names)}")
            return iter(workbook.get_sheet_by_name(names[0]).iter_rows())
        except CalamineError as error:
            raise InvalidImport(f"{self._label}: not a spreadsheet that can be read; save it as CSV UTF-8") from error


def _filled(workbook: CalamineWorkbook) -> list[str]:
    visible = [sheet.name for sheet in workbook.sheets_metadata if sheet.visible is SheetVisibleEnum.Visible]
    return [name for name in visible if workbook.get_sheet_by_name(name).height]


def _require_readable(path: Path, file_label: str) -> None:
    """Raise `InvalidImport` for what takes too much memory, and for cells that read as empty and are not."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if max((entry.file_size for entry in entries), default=0) > MAX_SHEET_BYTES:
                raise InvalidImport(f"{file_label}: too large for a spreadsheet to be read whole; save it as CSV UTF-8")
            for entry in entries:
                if entry.filename.startswith("xl/worksheets/"):
                    _require_values(archive.read(entry), _ERROR_IN_XLSX, _NO_VALUE_IN_XLSX, file_label)
                elif entry.filename == "content.xml":
                    _require_values(archive.read(entry), _ERROR_IN_ODS, _NO_VALUE_IN_ODS, file_label)
    except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, zlib.error) as error:
        raise InvalidImport(f"{file_label}: a damaged archive; save the list as CSV UTF-8") from error


def _require_values(xml: bytes, error: re.Pattern[bytes], no_value: re.Pattern[bytes], file_label: str) -> None:
    if error.search(xml):
        raise InvalidImport(f"{file_label}: a cell shows an error such as #N/A; mend it")
    if no_value.search(xml):
        raise InvalidImport(
            f"{file_label}: a formula has no value yet; open the file in a spreadsheet program and save it"
        )


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return NotText(int(cell))
    if isinstance(cell, date | time | timedelta | int | float):
        return NotText(cell)
    return NotText("?")
