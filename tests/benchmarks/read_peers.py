"""What the read API is measured against: the naive query on the same ClickHouse, and SQLite with plain indexes."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from tests.benchmarks.read_data import LARGEST, Log

COLUMNS = "occurred_at, event_id, activity_type, channel, admin_ref, affected_user_ref, previous_license, new_license"
PAGE_LINES = 50


def naive(client: Client, log: Log, conditions: Mapping[str, str], offset: int = 0) -> int:
    """One page as most would write it, and its number of rows."""
    where = " AND ".join(["client_space_id = {space:String}", *(f"{name} = {{{name}:String}}" for name in conditions)])
    statement = (
        f"SELECT {COLUMNS} FROM {log.database}.activity_log FINAL WHERE {where}"
        f" ORDER BY occurred_at DESC, event_id DESC LIMIT {PAGE_LINES} OFFSET {offset}"
    )
    return len(client.query(statement, parameters={"space": LARGEST, **conditions}).result_rows)


def naive_stats(client: Client, log: Log) -> int:
    """Lines a day and type."""
    statement = (
        f"SELECT toDate(occurred_at, 'Europe/Paris'), activity_type, count() FROM {log.database}.activity_log FINAL"
        " WHERE client_space_id = {space:String} GROUP BY 1, 2"
    )
    return len(client.query(statement, parameters={"space": LARGEST}).result_rows)


class SqliteLog:
    """The same lines in SQLite, with an index for each filter that ends in the order of the page."""

    def __init__(self, path: Path, client: Client, log: Log) -> None:
        self._database = sqlite3.connect(path)
        self._database.execute(f"CREATE TABLE log (client_space_id, {COLUMNS})")
        columns = COLUMNS.replace("occurred_at", "toUnixTimestamp64Micro(occurred_at)", 1)
        for name in "event_id", "admin_ref", "affected_user_ref":
            columns = columns.replace(name, f"toString({name})", 1)
        statement = f"SELECT client_space_id, {columns} FROM {log.database}.activity_log FINAL"
        with client.query_rows_stream(statement) as rows:
            self._database.executemany(f"INSERT INTO log VALUES ({', '.join('?' * 9)})", _plain(rows))
        for columns in ("", "activity_type, ", "channel, ", "affected_user_ref, ", "admin_ref, "):
            name = f"by_{columns.removesuffix(', ') or 'time'}"
            self._database.execute(f"CREATE INDEX {name} ON log (client_space_id, {columns}occurred_at, event_id)")
        self._database.execute("ANALYZE")
        self._database.commit()

    def page(self, conditions: Mapping[str, str], offset: int = 0) -> int:
        """One page, and its number of rows."""
        where = " AND ".join(["client_space_id = ?", *(f"{name} = ?" for name in conditions)])
        statement = f"SELECT {COLUMNS} FROM log WHERE {where} ORDER BY occurred_at DESC, event_id DESC LIMIT ? OFFSET ?"
        values = [LARGEST, *conditions.values(), PAGE_LINES, offset]
        with closing(self._database.execute(statement, values)) as found:
            return len(found.fetchall())

    def stats(self) -> int:
        """Lines a day and type; SQLite knows no time zones."""
        statement = (
            "SELECT occurred_at / 86400000000, activity_type, count(*) FROM log WHERE client_space_id = ? GROUP BY 1, 2"
        )
        return len(self._database.execute(statement, [LARGEST]).fetchall())

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _plain(rows: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    return (tuple(row) for row in rows)
