"""Looks for a person in ClickHouse: every text column of every table, and what the server logs about itself.

The tables are read here and searched here. A statement that held the id or a name, bound or not, would be kept in
ClickHouse's own logs: the proof would bring back what it proves gone.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from schemas.rows import PERSON_NAMES
from stream.clients.clickhouse import open_clickhouse
from stream.erasure.verify.report import Trace, Wanted

CLICKHOUSE_BOUND = timedelta(minutes=5)
"""An eraser's interval, the mutation, `old_parts_lifetime`, and the pause between two clean-ups."""

_SYSTEM = "system"
_PLAIN_TEXT = "LowCardinality(String)", "Nullable(String)", "LowCardinality(Nullable(String))", "String"
_TEXTS = """
    SELECT database, table, groupArray((name, type)) FROM system.columns
    WHERE (position(type, 'String') > 0 OR position(type, 'JSON') > 0) AND type NOT LIKE 'AggregateFunction%'
    AND (database, table) IN (
        SELECT database, name FROM system.tables
        WHERE (engine LIKE '%MergeTree' OR engine IN ('Log', 'TinyLog', 'StripeLog', 'Memory'))
        AND (database != 'system' OR name LIKE '%\\_log%'))
    GROUP BY database, table ORDER BY database, table"""


class _Texts(NamedTuple):
    """A table and its text columns, each with its type."""

    database: str
    table: str
    columns: Sequence[tuple[str, str]]


def verify_clickhouse(url: str, database: str, wanted: Wanted) -> tuple[list[str], list[Trace]]:
    """Look at every text column of every table, in every database, and at what `system` keeps.

    The answer is what was looked at, and what was found. *database* is the log's. Blocks; raises `Unavailable`.
    """
    looked_at, traces = [], []
    with open_clickhouse(url, timeout_seconds=600) as client:
        for texts in _tables(client):
            place = f"clickhouse:{texts.database}.{texts.table}"
            looked_at.append(place)
            if count := wanted.spellings.count_all(_content(client, texts)):
                until, reason = _end(texts, database)
                traces.append(Trace(place, count, until, reason))
    return looked_at, traces


def _tables(client: Client) -> Iterator[_Texts]:
    for found in client.query(_TEXTS).result_rows:
        yield _Texts(*found)
    yield _Texts(_SYSTEM, "mutations", [("command", "String"), ("latest_fail_reason", "String")])
    yield _Texts(_SYSTEM, "errors", [("last_error_message", "String")])


def _content(client: Client, texts: _Texts) -> Iterator[bytes]:
    """Every text of a table, column by column, block by block, with a NUL behind each."""
    columns = ", ".join(
        f"`{name}`" if kind in _PLAIN_TEXT or kind.startswith("SimpleAggregate") else f"toString(`{name}`)"
        for name, kind in texts.columns
    )
    sql = f"SELECT {columns} FROM `{texts.database}`.`{texts.table}`"  # noqa: S608 - names of the server's own tables
    with client.query_column_block_stream(sql, query_formats={"*String": "bytes"}) as blocks:
        for block in blocks:
            for column in block:
                yield b"\0".join(_bytes(column)) + b"\0"


def _bytes(column: Iterable[object]) -> Iterator[bytes]:
    for value in column:
        yield value if isinstance(value, bytes) else str(value or "").encode()


def _end(texts: _Texts, database: str) -> tuple[datetime | None, str]:
    if (texts.database, texts.table) == (database, PERSON_NAMES):
        reason = "rows; removed at the eraser's next run, parts are deleted soon after"
        return datetime.now(UTC) + CLICKHOUSE_BOUND, reason
    if texts.database == _SYSTEM:
        return None, "ClickHouse's own log; set a TTL on it, and delete these rows"
    return None, "rows of a table that the eraser does not know"
