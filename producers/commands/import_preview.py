"""`--preview`: how the files would be read, for a person to look at before anything is published.

It prints names and e-mails, on purpose and only here.
"""

from collections.abc import Callable
from itertools import islice

from producers.file_import.file_import import ImportRequest
from producers.file_import.rows import Role, Row, RowError
from producers.file_import.table import Table, open_table
from producers.file_import.text import UnknownEncoding, likely_encodings

_ROWS = 5
_ENCODING_BYTES = 1 << 20
_DELIMITERS = {
    ",": "cells separated by comma",
    ";": "cells separated by semicolon",
    "\t": "cells separated by tab",
    "|": "cells separated by pipe",
    "": "XLSX or ODS",
}

Echo = Callable[[str], object]


def preview(request: ImportRequest, echo: Echo) -> bool:
    """Show each file's format, encoding, columns and first rows. Returns whether all of it can be read.

    Where the encoding is unknown, the first lines that depend on it are shown in the likeliest ones.
    """
    files = [(request.before, Role.BEFORE), (request.file, Role.AFTER if request.before else Role.ACTIONS)]
    readable = True
    for path, role in files:
        if path is None:
            continue
        try:
            with open_table(path, role, request.how_to_read(role)) as table:
                rows = list(islice(table.rows(), _ROWS))
                _show(table, rows, echo)
        except UnknownEncoding as error:
            readable = False
            echo(f"{error}\n")
            with path.open("rb") as file:
                content = b"".join(file.readlines(_ENCODING_BYTES))
            for name, lines in likely_encodings(content):
                echo(f"--encoding {name}")
                for line in lines:
                    echo(f"    {line}")
    return readable


def _show(table: Table, rows: list[Row | RowError], echo: Echo) -> None:
    echo(f"{table.label}: {table.format.title}, {table.encoding}, {_DELIMITERS[table.delimiter]}")
    for place, column in table.places:
        echo(f"    {column} = column {place + 1}, {table.names[place]!r}")
    if ignored := [name for place, name in enumerate(table.names) if place not in dict(table.places)]:
        echo(f"    not read: {', '.join(map(repr, ignored))}")
    for row in rows:
        if isinstance(row, Row):
            faults = "".join(f"; {column}: {fault.reason}" for column, fault in row.faults.items())
            echo(f"    row {row.number}: {_cells(row)}{faults}")
        else:
            echo(f"    {row}")


def _cells(row: Row) -> str:
    return ", ".join(f"{column} {value!r}" for column, value in row.cells.items())
