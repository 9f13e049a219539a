"""A line as CSV (RFC 4180), JSON or OCSF. Pure."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Any

from query_api.http.export_people import Reading
from query_api.http.ocsf import ocsf_event
from query_api.http.rendering import line_document, timestamp, to_json
from query_api.log.activity_log import ShownLine
from query_api.log.persons import ShownPerson

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
"""What begins a formula in a spreadsheet, the full-width spellings included."""
_AT_START = re.compile(rf"[ \ufeff]*[{_SIGNS}\t\r\n]")
_BEHIND_SEPARATOR = re.compile(rf"([;,|\t\r\n][\s\ufeff\"']*)(?=[{_SIGNS}])")
_EITHER = re.compile(rf"\A{_AT_START.pattern}|{_BEHIND_SEPARATOR.pattern}")

_ESCAPES = {text.encode(): f"\\u{ord(text):04x}".encode() for text in "\u0085\u2028\u2029"}
_LINE_BREAKS = re.compile(b"|".join(_ESCAPES))


def _person_columns(name: str, person: Callable[[ShownLine], ShownPerson]) -> dict[str, Callable[[ShownLine], object]]:
    return {
        f"{name}_id": lambda shown: person(shown).id,
        f"{name}_username": lambda shown: person(shown).username,
        f"{name}_display_name": lambda shown: person(shown).display_name,
        f"{name}_deleted": lambda shown: person(shown).deleted,
        f"{name}_ref": lambda shown: person(shown).ref,
    }


_COLUMNS: Mapping[str, Callable[[ShownLine], object]] = {
    "occurred_at": lambda shown: timestamp(shown.line.occurred_at),
    "activity_type": lambda shown: shown.line.activity_type,
    "channel": lambda shown: shown.line.channel,
    **_person_columns("affected_user", lambda shown: shown.affected_user),
    **_person_columns("admin", lambda shown: shown.admin),
    "previous_license": lambda shown: shown.line.previous_license,
    "new_license": lambda shown: shown.line.new_license,
    "admin_rights_granted": lambda shown: shown.line.admin_rights_granted,
    "source_service": lambda shown: shown.line.source_service,
    "request_id": lambda shown: shown.line.request_id,
    "import_id": lambda shown: shown.line.import_id,
    "import_row_number": lambda shown: shown.line.import_row_number,
    "recorded_at": lambda shown: timestamp(shown.line.recorded_at),
    "event_id": lambda shown: shown.line.event_id,
}
CSV_COLUMNS = tuple(_COLUMNS)


def csv_header(headings: tuple[str, ...] = CSV_COLUMNS) -> bytes:
    """The first row, behind the mark without which Excel takes UTF-8 for something else."""
    return codecs.BOM_UTF8 + _row(headings)


def csv_row(shown: ShownLine) -> bytes:
    """A line's row. An absent value is an empty cell, a truth value `true` or `false`."""
    return _row(tuple(_cell(value(shown)) for value in _COLUMNS.values()))


def csv_row_for(reading: Reading, shown: ShownLine) -> bytes:
    """A line's row for people."""
    return _row(tuple(map(_cell, (*reading.time(shown), *reading.values(shown)))))


def json_line(shown: ShownLine) -> bytes:
    """A line as pages show it."""
    return _one_line(line_document(shown))


def ocsf_line(client_space_id: str, shown: ShownLine) -> bytes:
    """A line as an OCSF event."""
    return _one_line(ocsf_event(client_space_id, shown))


def _one_line(document: Mapping[str, Any]) -> bytes:
    """One line for every reader: some split text at these characters too, which JSON need not escape."""
    return _LINE_BREAKS.sub(lambda found: _ESCAPES[found[0]], to_json(document)) + b"\n"


def _cell(value: object) -> str:
    """*value* as text that no spreadsheet runs: an apostrophe goes before what could begin a formula.

    A spreadsheet set to another language may split the file at semicolons or tabs, inside quotes too.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        # A number, a ref or an id of our own: none begins with a sign.
        return str(value).lower() if isinstance(value, bool) else str(value)
    if _EITHER.search(value) is None:
        return value
    guarded = _BEHIND_SEPARATOR.sub(r"\1'", value)
    return f"'{guarded}" if _AT_START.match(value) else guarded


def _row(cells: tuple[str, ...]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue().encode()
