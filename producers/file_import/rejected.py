"""`rejected.csv`: the rows that were not imported as their file has them, each with the reason; to be mended."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from producers.errors import InvalidImport
from producers.file_import.delimited import Record
from producers.file_import.file_import import FileImport
from producers.file_import.headings import REPORT_COLUMNS, normalize
from producers.file_import.rows import Role
from producers.file_import.table import Table, open_table

_FILE_NAMES = {Role.ACTIONS: "rejected.csv", Role.BEFORE: "rejected-before.csv", Role.AFTER: "rejected-after.csv"}

_FOR_SPREADSHEETS = "utf-8-sig"
"""UTF-8 with the byte-order mark that they look for."""


def write_rejected(file_import: FileImport, directory: Path) -> list[Path]:
    """Write the rejected rows of each file into *directory* and return the paths.

    Of two lists both files together are an import: a user who is rejected is in both, if both lists have them. The
    files hold personal data: only their owner may read them. Raises `InvalidImport` where they cannot be written.
    """
    request, written = file_import.request, []
    for role, account in file_import.accounts().items():
        source = request.before if role is Role.BEFORE else request.file
        if not account.rejected or source is None:
            continue
        path = directory / _FILE_NAMES[role]
        with (
            open_table(source, role, request.how_to_read(role)) as table,
            open_private(path, _FOR_SPREADSHEETS) as file,
        ):
            writer = csv.writer(file)
            kept = [place for place, name in enumerate(table.names) if normalize(name) not in REPORT_COLUMNS]
            writer.writerow([*(table.names[place] for place in kept), "line", "code", "message"])
            writer.writerows(_rows(file_import, table, kept))
        written.append(path)
    return written


def open_private(path: Path, encoding: str) -> TextIO:
    """*path* anew, for its owner alone, whoever could read a file that was there before."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidImport(f"{path.name} cannot be written: {error.strerror}") from error
    return os.fdopen(descriptor, "w", encoding=encoding, newline="", errors="replace")


def _rows(file_import: FileImport, table: Table, kept: list[int]) -> Iterator[list[str]]:
    refused = file_import.staging.refused_rows(table.role)
    number, column, fault = next(refused, (0, "", None))
    for record in table.records():
        if fault is None:
            return
        if record.first_line == number:
            message = f"{column}: {fault.reason}" if column else fault.reason
            yield [*_cells(record, kept), str(number), fault.code, message]
            number, column, fault = next(refused, (0, "", None))


def _cells(record: Record, kept: list[int]) -> list[str]:
    """The cells of the columns; what is beyond the last one is kept with it, for a person to sort out."""
    cells = record.cells + [""] * (kept[-1] + 1 - len(record.cells))
    beyond = record.cells[kept[-1] + 1 :] if len(record.cells) > kept[-1] + 1 else []
    return [cells[place] for place in kept[:-1]] + [" ".join([cells[kept[-1]], *filter(None, beyond)])]
