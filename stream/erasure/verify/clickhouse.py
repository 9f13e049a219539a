"""Looks for a person in ClickHouse: every text column of every table, and what system tables keep."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from clickhouse_connect.driver.client import Client

from schemas.lifetimes import erasure_of
from schemas.rows import PERSON_LIFETIMES
from stream.clients.clickhouse import open_clickhouse
from stream.erasure.verify.report import Report, Trace, Wanted

CLICKHOUSE_BOUND = timedelta(minutes=5)
"""An eraser's interval, the mutation, `old_parts_lifetime`, and the pause between two clean-ups."""


def verify_clickhouse(url: str, database: str, wanted: Wanted) -> Report:
    """Look at every text column of every table, a rebuild's and a backup's too, and at what system tables keep. Blocks.

    *database* is the one that knows when the person was erased.
    """
    with open_clickhouse(url, timeout_seconds=600) as client:
        facts = client.query(
            f"SELECT change, occurred_at, event_id, precedence FROM {database}.{PERSON_LIFETIMES}"  # noqa: S608 - a checked name
            " WHERE client_space_id = {space:String} AND person_ref = {ref:UUID}",
            parameters={"space": wanted.person.client_space_id, "ref": wanted.person.person_ref},
        ).result_rows
        erasure = erasure_of((str(change), at, event, int(order)) for change, at, event, order in facts)
        looked_at, traces = [], []
        for place, sql in _searches(client):
            looked_at.append(place)
            count = int(client.query(sql, parameters={"texts": list(wanted.texts)}).result_rows[0][0])
            if count:
                reason = "rows; removed at the eraser's next run, parts are deleted soon after"
                traces.append(Trace(place, count, datetime.now(UTC) + CLICKHOUSE_BOUND, reason))
    return Report(
        wanted.person.client_space_id,
        str(wanted.person.person_ref),
        None if erasure is None else erasure.erased_at,
        None if erasure is None else erasure.recreated_at,
        tuple(looked_at),
        tuple(traces),
    )


def _searches(client: Client) -> Iterator[tuple[str, str]]:
    """For each table that has texts, its name and the statement that counts the rows with one of `texts`."""
    columns = client.query(
        "SELECT database, table, groupArray(name) FROM system.columns"
        " WHERE position(type, 'String') > 0 AND (database, table) IN"
        " (SELECT database, name FROM system.tables WHERE engine LIKE '%MergeTree' AND database != 'system')"
        " GROUP BY database, table ORDER BY database, table",
    ).result_rows
    for database, table, names in columns:
        yield f"clickhouse:{database}.{table}", _counting(f"`{database}`.`{table}`", names)
    yield "clickhouse:system.mutations", _counting("system.mutations", ["command", "latest_fail_reason"])
    exists = client.query("SELECT count() FROM system.tables WHERE database = 'system' AND name = 'query_log'")
    if exists.result_rows[0][0]:
        yield "clickhouse:system.query_log", _counting("system.query_log", ["query", "exception"])


def _counting(table: str, columns: Sequence[str]) -> str:
    found = " OR ".join(f"multiSearchAny(toString(ifNull(`{name}`, '')), {{texts:Array(String)}})" for name in columns)
    return f"SELECT count() FROM {table} WHERE {found}"  # noqa: S608 - names of the database's own tables
