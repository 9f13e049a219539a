"""The database that a rebuild fills: whose it is, how far it has come, and its end."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

from clickhouse_connect.driver.client import Client

from schemas.migrations import MIGRATIONS_TABLE, migrations
from schemas.rows import ACTIVITY_LOG, OFF_BOARDED_SPACES, PERSON_LIFETIMES, PERSON_NAMES
from schemas.settings import database_name
from stream.clients.clickhouse import open_clickhouse
from stream.clients.migrate import migrate
from stream.errors import RebuildRefused

MARKER_TABLE = "rebuild_marker"
"""Only a database with this table is ever filled, renamed or dropped. It names the database that it was made for."""

PROGRESS_TABLE = "rebuild_progress"
STATEMENT_SECONDS = 3600.0


class State(Enum):
    """What a database is to a rebuild."""

    ABSENT = auto()
    FOREIGN = auto()
    """It was not made by a rebuild of the served database, or holds tables that no rebuild makes."""

    BUILDING = auto()
    EXCHANGED = auto()
    """It holds the lines that were served before an exchange; the exchange has yet to tidy up."""

    KEPT = auto()
    """It holds the lines that were served before an exchange, and waits to be dropped."""


@dataclass(frozen=True, slots=True)
class Databases:
    """The database that readers see, and the *rebuilt* one beside it, in the ClickHouse at *url*."""

    url: str
    served: str
    rebuilt: str

    def client(self) -> AbstractContextManager[Client]:
        """A client for the block. ClickHouse's errors become `Unavailable`."""
        return open_clickhouse(self.url, timeout_seconds=STATEMENT_SECONDS)

    def tables(self, client: Client) -> set[str]:
        """The names of the tables and views of the rebuilt database."""
        sql = "SELECT name FROM system.tables WHERE database = {database:String}"
        return {str(name) for (name,) in client.query(sql, parameters={"database": self.rebuilt}).result_rows}

    def state(self, client: Client) -> State:
        """What the rebuilt database is now. Raises `RebuildRefused` for a name that would need quoting."""
        try:
            database_name(self.rebuilt)
        except ValueError as error:
            raise RebuildRefused(str(error)) from None
        exists = "SELECT count() FROM system.databases WHERE name = {database:String}"
        if not client.query(exists, parameters={"database": self.rebuilt}).result_rows[0][0]:
            return State.ABSENT
        tables = self.tables(client)
        if MARKER_TABLE not in tables or tables - _own_tables():
            return State.FOREIGN
        noted = client.query(f"SELECT served, log_uuid FROM {self.rebuilt}.{MARKER_TABLE}").result_rows  # noqa: S608 - a checked name
        # Without a row, a run was cut off between making the table and filling it.
        if {served for served, _ in noted} - {self.served}:
            return State.FOREIGN
        exchanged = {str(uuid) for _, uuid in noted if uuid is not None}
        if not exchanged or self.log_uuid(client) in exchanged:
            return State.BUILDING
        # The noted table is served now, and this database holds the one from before.
        return State.EXCHANGED if MIGRATIONS_TABLE in tables else State.KEPT

    def take_marks(self, client: Client) -> None:
        """Note in the rebuilt database which client spaces have left the served one."""
        client.command(
            f"INSERT INTO {self.rebuilt}.{OFF_BOARDED_SPACES} SELECT * FROM {self.served}.{OFF_BOARDED_SPACES}"  # noqa: S608 - checked names
        )

    def log_uuid(self, client: Client) -> str:
        """The identity of the rebuilt database's log, which an exchange takes to the served database."""
        sql = "SELECT toString(uuid) FROM system.tables WHERE database = {database:String} AND name = {table:String}"
        rows = client.query(sql, parameters={"database": self.rebuilt, "table": ACTIVITY_LOG}).result_rows
        return str(rows[0][0]) if rows else ""


class RebuildStore:
    """The database that is being filled. Every method blocks and raises `Unavailable`."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._rebuilt = databases.rebuilt

    def prepare(self) -> None:
        """Make the database, or find the one that an earlier run of the same rebuild began.

        Raises `RebuildRefused` for every other database, and then changes nothing.
        """
        with self._databases.client() as client:
            state = self._databases.state(client)
            if state not in (State.ABSENT, State.BUILDING):
                raise RebuildRefused(_WHY_REFUSED[state].format(database=self._rebuilt, served=self._databases.served))
            self._mark(client, is_new=state is State.ABSENT)
            list(migrate(client, self._rebuilt))
            # The topic that the rebuild reads may have lost the mark of a client space that has left.
            self._databases.take_marks(client)
            client.command(
                f"CREATE TABLE IF NOT EXISTS {self._rebuilt}.{PROGRESS_TABLE}"
                " (pass String, partition UInt16, next_offset UInt64)"
                " ENGINE = ReplacingMergeTree(next_offset) ORDER BY (pass, partition)"
            )

    def progress(self, name: str) -> dict[int, int]:
        """Where the pass *name* goes on, by partition."""
        sql = (
            f"SELECT partition, max(next_offset) FROM {self._rebuilt}.{PROGRESS_TABLE}"  # noqa: S608 - a checked name
            " WHERE pass = {pass:String} GROUP BY partition"
        )
        with self._databases.client() as client:
            rows = client.query(sql, parameters={"pass": name}).result_rows
            return {int(partition): int(offset) for partition, offset in rows}

    def advance(self, name: str, next_offsets: Mapping[int, int]) -> None:
        """Note how far the pass *name* has come. What it inserted before is durable."""
        rows = [(name, partition, offset) for partition, offset in next_offsets.items()]
        with self._databases.client() as client:
            client.insert(
                PROGRESS_TABLE, rows, column_names=["pass", "partition", "next_offset"], database=self._rebuilt
            )

    def totals(self) -> dict[str, int]:
        """The number of rows of each table that was rebuilt."""
        with self._databases.client() as client:
            return {
                table: int(client.query(f"SELECT count() FROM {self._rebuilt}.{table} FINAL").result_rows[0][0])  # noqa: S608 - a checked name
                for table in (PERSON_LIFETIMES, PERSON_NAMES, ACTIVITY_LOG)
            }

    def _mark(self, client: Client, *, is_new: bool) -> None:
        """Make the database if it *is_new*, and say that it is a rebuild of the served one."""
        if is_new:
            client.command(f"CREATE DATABASE {self._rebuilt}")
            # Killed here: an empty database, which is nobody's rebuild. It must be dropped by hand.
            client.command(
                f"CREATE TABLE {self._rebuilt}.{MARKER_TABLE} (served String, log_uuid Nullable(UUID))"
                " ENGINE = MergeTree ORDER BY served"
            )
        row = self._databases.served, None
        client.insert(MARKER_TABLE, [row], column_names=["served", "log_uuid"], database=self._rebuilt)


def is_exchanged(databases: Databases) -> bool:
    """Whether an exchange was cut off after the log had changed places. Blocks and raises `Unavailable`."""
    with databases.client() as client:
        return databases.state(client) is State.EXCHANGED


def drop(databases: Databases) -> None:
    """Drop the rebuilt database, or the one that an exchange kept; for good.

    Blocks. Raises `Unavailable`, or `RebuildRefused` for a database that no rebuild of the served one has made, or with
    which an exchange was cut off.
    """
    with databases.client() as client:
        state = databases.state(client)
        if state is State.ABSENT:
            raise RebuildRefused(f"there is no database {databases.rebuilt}")
        if state is State.FOREIGN:
            raise RebuildRefused(_WHY_NOT_DROPPED.format(database=databases.rebuilt, served=databases.served))
        if state is State.EXCHANGED:
            # It still has rows that the served tables lack.
            raise RebuildRefused(_WHY_REFUSED[state].format(database=databases.rebuilt))
        client.command(f"DROP DATABASE {databases.rebuilt} SYNC")


_WHY_REFUSED = {
    State.FOREIGN: "database {database} exists and is no rebuild of {served}: give --into a name that is free",
    State.EXCHANGED: "the exchange with {database} was cut off: "
    "finish it with `audit-stream rebuild --into {database} --exchange`",
    State.KEPT: "database {database} keeps the lines that an exchange replaced: give --into a name that is free",
}
_WHY_NOT_DROPPED = (
    "database {database} is no rebuild of {served}, or holds tables that no rebuild makes: nothing was dropped"
)


@cache
def _own_tables() -> frozenset[str]:
    """Every name that a rebuild's database may hold."""
    made = re.compile(r"CREATE (?:TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS \{database\}\.(\w+)")
    return frozenset({MARKER_TABLE, PROGRESS_TABLE, MIGRATIONS_TABLE}).union(
        *(made.findall(migration.text) for migration in migrations())
    )
