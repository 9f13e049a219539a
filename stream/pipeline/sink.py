"""Where rows go: the port, and ClickHouse behind it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from clickhouse_connect.driver.exceptions import DatabaseError, DataError
from clickhouse_connect.driver.insert import InsertContext

from schemas.clickhouse_client import error_code, in_words
from schemas.migrations import MIGRATIONS_TABLE, difference
from schemas.rows import (
    ACTIVITY_LOG,
    PERSON_LIFETIMES,
    PERSON_NAMES,
    STORED_THROUGH,
    ActivityRow,
)
from stream.clients.clickhouse import LastingClient
from stream.errors import StoreRefused, Unavailable, WrongSchema
from stream.pipeline.rows.lines import LineColumns, Lines
from stream.pipeline.rows.persons import LifetimeRows, Names
from stream.pipeline.rows.rows import Rows

INSERT_SETTINGS = {
    # Batches are built here; the server must not hold rows back, and its answer must mean that they are stored.
    "async_insert": 0,
    "wait_end_of_query": 1,
    # To fold the copies within a batch costs 1 µs a line, and readers fold those of several batches in any case.
    "optimize_on_insert": 0,
}

REFUSAL_CODES = frozenset({6, 26, 27, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 469})
"""ClickHouse's codes for "this value cannot be stored in this column": parse and type errors, a value out of range, a
`NULL` where none may be, a violated constraint. Every other code may go away by itself, so it is waited out.
https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp"""


_TIME = "DateTime64(6, 'UTC')"
_LIFETIME_TYPES = {
    **dict.fromkeys(("client_space_id", "person_ref", "change"), "String"),
    "occurred_at": _TIME,
    "event_id": "String",
    "precedence": "UInt64",
}
_NAME_TYPES = {
    **dict.fromkeys(("client_space_id", "person_ref", "person_id", "username", "display_name"), "String"),
    **dict.fromkeys(("first_seen", "last_seen"), _TIME),
}
_LINE_TYPES = {
    **dict.fromkeys(ActivityRow._fields, "String"),
    **dict.fromkeys(("occurred_at", "recorded_at"), _TIME),
    **dict.fromkeys(("previous_license", "new_license", "source_service", "request_id"), "Nullable(String)"),
    **dict.fromkeys(("import_id", "import_file_sha256"), "Nullable(String)"),
    "admin_rights_granted": "Nullable(Bool)",
    "import_row_number": "Nullable(UInt32)",
    "kafka_partition": "UInt16",
    "kafka_offset": "UInt64",
    "schema_id": "UInt32",
    "precedence": "UInt64",
}
_THROUGH_TYPES = {
    "client_space_id": "String",
    "kafka_partition": "UInt16",
    "kafka_offset": "UInt64",
}
"""How columns are sent: as what the driver writes fast. The server makes `UUID` and `LowCardinality` values of texts
(`input_format_native_allow_types_conversion`); the driver would do so one by one, in Python."""


class LogSink(Protocol):
    """The store of the log. One caller at a time."""

    def check_schema(self) -> None:
        """Raise `WrongSchema` unless the store's tables are this version's, `Unavailable` where it does not answer."""
        ...

    def write(self, rows: Rows) -> None:
        """Store *rows*; on return they survive a crash of the store's process and are visible to readers.

        Blocks. Writing the same rows again changes nothing that a reader sees. Raises `Unavailable` (any part of the
        rows may be stored: write all of them again) or `StoreRefused` (at least one row will never be taken).
        """
        ...


class ClickHouseSink:
    """`LogSink` over ClickHouse's HTTP interface; it connects at the first use and again after a failure."""

    def __init__(self, url: str, database: str) -> None:
        self._client = LastingClient(url)
        self._database = database
        self._contexts: dict[str, InsertContext] = {}

    def check_schema(self) -> None:
        try:
            sql = f"SELECT number, checksum FROM {self._database}.{MIGRATIONS_TABLE}"  # noqa: S608 - a checked name
            rows = self._client.connected().query(sql).result_rows
        except Exception as error:  # noqa: BLE001 - as in `write`
            raise self._translated(error) from None
        if found := difference({int(number): str(checksum) for number, checksum in rows}):
            raise WrongSchema(found)

    def write(self, rows: Rows) -> None:
        try:
            # A kill between two inserts leaves the earlier tables ahead of the log. The batch is then read again from
            # Kafka and written whole; what is already there folds into it.
            self._insert(PERSON_LIFETIMES, _LIFETIME_TYPES, LifetimeRows.of(rows.lifetimes).columns)
            self._insert(PERSON_NAMES, _NAME_TYPES, Names.of(rows.names).columns)
            lines = Lines.of(rows.activities).columns
            self._insert(ACTIVITY_LOG, _LINE_TYPES, lines)
            # Killed here: the lines are there; who reads in the order of storing is given them after the repetition.
            self._insert(STORED_THROUGH, _THROUGH_TYPES, _through_columns(lines))
        except Exception as error:  # noqa: BLE001 - what a driver raises is no closed list
            # Not chained: the driver's text may quote the values that failed, and a traceback would print it.
            raise self._translated(error) from None

    def close(self) -> None:
        """Drop the connection; the next call makes a new one."""
        self._contexts.clear()
        self._client.close()

    def _insert(self, table: str, types: Mapping[str, str], columns: Sequence[Sequence[object]]) -> None:
        if not (columns and columns[0]):
            return
        client = self._client.connected()
        if table not in self._contexts:
            # Once for each table: an insert's context holds itself and all of its rows, until the collector comes by.
            self._contexts[table] = client.create_insert_context(
                table,
                column_names=list(types),
                # Given, or the driver would ask the server for them.
                column_type_names=list(types.values()),
                database=self._database,
                column_oriented=True,
                settings=INSERT_SETTINGS,
            )
        client.insert(data=columns, context=self._contexts[table])

    def _translated(self, error: Exception) -> Unavailable | StoreRefused:
        """*error* as one of ours. Its text is dropped: an insert's may quote the values that failed."""
        code = error_code(error)
        # What a failed insert leaves in its context is of no use to the next one.
        self._contexts.clear()
        if isinstance(error, DataError) or (isinstance(error, DatabaseError) and code in REFUSAL_CODES):
            # A `DataError` without a code is the driver's: it could not even serialize the rows.
            return StoreRefused(code)
        self.close()
        return Unavailable(in_words(error))


def _through_columns(lines: LineColumns) -> list[list[object]]:
    """How far a partition is stored for each client space, now that *lines* are."""
    ends: dict[tuple[str, int], int] = {}
    for space, partition, offset in zip(lines.client_space_id, lines.kafka_partition, lines.kafka_offset, strict=True):
        ends[space, partition] = max(offset, ends.get((space, partition), 0))
    return [[space for space, _ in ends], [partition for _, partition in ends], list(ends.values())]
