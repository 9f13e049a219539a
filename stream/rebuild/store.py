"""ClickHouse's side of a rebuild: how far it has come, how it differs from what is served, and the exchange."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from clickhouse_connect.driver.client import Client

from schemas.rows import (
    ACTIVITY_LOG,
    PERSON_LIFETIMES,
    PERSON_NAMES,
    STORED_THROUGH,
    ActivityRow,
    PersonLifetimeRow,
    PersonNameRow,
)
from stream.clients.clickhouse import open_clickhouse
from stream.clients.migrate import migrate
from stream.errors import Unavailable
from stream.pipeline.published_names import LAST_SIGHTING_SLACK
from stream.pipeline.rows.rows import Rows

PROGRESS_TABLE = "rebuild_progress"
STATEMENT_SECONDS = 600.0

EXCHANGED = (PERSON_LIFETIMES, PERSON_NAMES, "event_keys", "person_lines", ACTIVITY_LOG)
"""In this order: a reader between two exchanges finds a deletion before the name, and the name before the line."""

_MIRRORED = (PERSON_LIFETIMES, PERSON_NAMES, ACTIVITY_LOG)
"""Not `event_keys`: ClickHouse fills it from the log, in both databases."""

_ONLY_SERVED_LIFETIMES = (
    f"SELECT DISTINCT {', '.join(PersonLifetimeRow._fields)} FROM {{served}}.{PERSON_LIFETIMES}"  # noqa: S608 - names of our own
    " WHERE client_space_id = {{space:String}} AND (person_ref, change, occurred_at) NOT IN"
    f" (SELECT person_ref, change, occurred_at FROM {{rebuilt}}.{PERSON_LIFETIMES}"
    " WHERE client_space_id = {{space:String}})"
)
_SLACK = f"INTERVAL {LAST_SIGHTING_SLACK // timedelta(seconds=1)} SECOND"

_ONLY_SERVED_NAMES = (
    f"SELECT {', '.join(f'served.{field}' for field in PersonNameRow._fields)} FROM"  # noqa: S608 - names of our own
    f" (SELECT * FROM {{served}}.{PERSON_NAMES} FINAL WHERE client_space_id = {{{{space:String}}}}) AS served"
    f" LEFT JOIN (SELECT *, true AS is_there FROM {{rebuilt}}.{PERSON_NAMES} FINAL"
    " WHERE client_space_id = {{space:String}}) AS rebuilt USING (client_space_id, person_ref, username, display_name)"
    " WHERE NOT rebuilt.is_there OR served.first_seen < rebuilt.first_seen"
    f" OR served.last_seen > rebuilt.last_seen + {_SLACK}"
)
_ONLY_SERVED_LINES = (
    f"SELECT {', '.join(ActivityRow._fields)} FROM {{served}}.{ACTIVITY_LOG} FINAL"  # noqa: S608 - names of our own
    " WHERE client_space_id = {{space:String}} AND occurred_at >= {{since:DateTime64(6, 'UTC')}}"
    f" AND (occurred_at, event_id) NOT IN (SELECT occurred_at, event_id FROM {{rebuilt}}.{ACTIVITY_LOG}"
    " WHERE client_space_id = {{space:String}})"
)

_HELD = "max_parts_in_total"
"""At 0, ClickHouse refuses every insert into the table (code 252), which a worker repeats until it succeeds.
https://clickhouse.com/docs/operations/settings/merge-tree-settings"""

_RUNNING_INSERTS = (
    "SELECT query_id FROM system.processes WHERE query_kind IN ('Insert', 'AsyncInsertFlush')"
    " AND (current_database = {served:String} OR query ILIKE concat('%', {served:String}, '%'))"
)
_POLL_SECONDS = 0.01
_PATIENCE_SECONDS = 30.0
"""How long inserts may be held back for one that runs. The worker's own are answered sooner or given up."""


@dataclass(frozen=True, slots=True)
class _Compared:
    """How a table is compared: which of its rows, in which parts, and what of them."""

    table: str
    month: str
    columns: tuple[str, ...]
    where: str
    source: str = "{database}.{table} FINAL"

    def sql(self, database: str, rebuilt: str) -> str:
        """The statement that fingerprints each part of *database*, whatever the order of its rows.

        A row that is there twice would cancel itself out, so it reads folded rows only.
        """
        fingerprint = f"groupBitXor(cityHash64(toString(tuple({', '.join(self.columns)}))))"
        return (
            f"SELECT client_space_id, {self.month}, count(), {fingerprint}"  # noqa: S608 - names of our own
            f" FROM {self.source.format(database=database, rebuilt=rebuilt, table=self.table)}"
            f" WHERE {self.where.format(database=database)} GROUP BY 1, 2"
        )


_COMPARED = (
    _Compared(
        ACTIVITY_LOG,
        "toYYYYMM(occurred_at)",
        ActivityRow._fields,
        # The worker stores and publishes a partition in its order: up to the last offset that came, all have come.
        "occurred_at >= {{since:DateTime64(6, 'UTC')}}"
        " AND kafka_offset <= transform(kafka_partition, {{partitions:Array(UInt16)}}, {{ends:Array(UInt64)}}, 0)",
    ),
    _Compared(PERSON_LIFETIMES, "0", PersonLifetimeRow._fields, "occurred_at < {{until:DateTime64(6, 'UTC')}}"),
    _Compared(
        PERSON_NAMES,
        "0",
        # Not the first sighting, which late events move. Nor names of erased persons and of former lives: they are
        # about to be removed.
        ("client_space_id", "person_ref", "person_id", "username", "display_name", "later_seen"),
        "last_seen >= {{since:DateTime64(6, 'UTC')}} AND first_seen < {{until:DateTime64(6, 'UTC')}}"
        " AND (client_space_id, person_ref, username, display_name) NOT IN"
        " (SELECT n.client_space_id, n.person_ref, n.username, n.display_name FROM {database}.person_names AS n FINAL"
        " INNER JOIN {database}.erased_persons AS e USING (client_space_id, person_ref)"
        " WHERE e.recreated_at <= e.erased_at OR n.last_seen < e.recreated_at)",
        # The last sighting decides what a line shows and when a name expires. The rebuilt one may lag.
        f"(SELECT n.*, n.last_seen > r.last_seen + {_SLACK} ? n.last_seen : r.last_seen AS later_seen"  # noqa: S608 - as above
        " FROM (SELECT * FROM {database}.{table} FINAL) AS n LEFT JOIN (SELECT * FROM {rebuilt}.{table} FINAL) AS r"
        " USING (client_space_id, person_ref, username, display_name))",
    ),
)


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A table's rows of one client space, lines by month as well."""

    table: str
    client_space_id: str
    month: int


@dataclass(frozen=True, slots=True)
class Content:
    """How many rows a part has, and their fingerprint."""

    rows: int
    fingerprint: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A part of which the two databases do not hold the same rows. *served* is what readers see until the exchange."""

    part: Part
    served: Content
    rebuilt: Content

    def loses(self) -> bool:
        """Whether the exchange could take something away. Rows that are only rebuilt are what a rebuild is for."""
        return self.served.rows >= self.rebuilt.rows


class RebuildStore:
    """The database *rebuilt* that is being filled, beside *served*. Every method blocks and raises `Unavailable`."""

    def __init__(self, url: str, *, served: str, rebuilt: str) -> None:
        self._url = url
        self._served = served
        self._rebuilt = rebuilt

    def prepare(self) -> None:
        """Make the database, or find the one that an earlier run began, and let go of what that held back."""
        with self._client() as client:
            list(migrate(client, self._rebuilt))
            self._let_go(client)
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
        with self._client() as client:
            rows = client.query(sql, parameters={"pass": name}).result_rows
            return {int(partition): int(offset) for partition, offset in rows}

    def advance(self, name: str, next_offsets: Mapping[int, int]) -> None:
        """Note how far the pass *name* has come. What it inserted before is durable."""
        rows = [(name, partition, offset) for partition, offset in next_offsets.items()]
        with self._client() as client:
            client.insert(
                PROGRESS_TABLE, rows, column_names=["pass", "partition", "next_offset"], database=self._rebuilt
            )

    def differences(self, *, since: datetime, until: datetime) -> list[Difference]:
        """Where the two databases differ.

        *since* is where the retention starts. *until* bounds the persons that are compared, who are seen all the time;
        lines are bounded by what of each partition of events was rebuilt.
        """
        with self._client() as client:
            served, rebuilt = (self._contents(client, d, since, until) for d in (self._served, self._rebuilt))
        nothing = Content(0, 0)
        pairs = [
            Difference(part, served.get(part, nothing), rebuilt.get(part, nothing))
            for part in sorted(served.keys() | rebuilt.keys())
        ]
        return [pair for pair in pairs if pair.served != pair.rebuilt]

    def totals(self) -> dict[str, int]:
        """The number of rows of each table that was rebuilt."""
        with self._client() as client:
            return {
                table: int(client.query(f"SELECT count() FROM {self._rebuilt}.{table} FINAL").result_rows[0][0])  # noqa: S608 - a checked name
                for table in (PERSON_LIFETIMES, PERSON_NAMES, ACTIVITY_LOG)
            }

    def exchange(self) -> None:
        """Let readers and the worker find the rebuilt tables in place of the served ones, and end the mirror.

        ClickHouse shows the rows of an insert before a view has written them elsewhere, and an insert goes on in the
        table that it found. So inserts are held back, and those that run are waited for: what was shown stays shown.
        Each table changes places in one step. Cut off between two of them, it is to be repeated by `rebuild` as a
        whole: that compares first, and both databases hold the same.
        """
        with self._client() as client, self._inserts_held_back(client):
            # Killed from here on: workers wait with what they have until `rebuild` runs again; nothing is lost.
            self._wait_for_inserts(client)
            self._end_mirror(client)
            there = {name for (name,) in self._tables(client)}
            for table in EXCHANGED:
                if table in there:
                    client.command(f"EXCHANGE TABLES {self._served}.{table} AND {self._rebuilt}.{table}")
            # Not exchanged but added to: what was whole still is, and of a database that was lost nothing else would
            # say that the rebuilt rows are. A reader between the exchange and this waits with them.
            rows = f"SELECT * FROM {self._rebuilt}.{STORED_THROUGH}"  # noqa: S608 - a checked name
            client.command(f"INSERT INTO {self._served}.{STORED_THROUGH} {rows}")

    def mirror(self) -> None:
        """From here on, have ClickHouse write to the rebuilt tables whatever is written to the served ones."""
        with self._client() as client:
            for table in _MIRRORED:
                rows = f"SELECT * FROM {self._served}.{table}"  # noqa: S608 - a checked name
                mirror = f"{self._rebuilt}.mirror_of_{table} TO {self._rebuilt}.{table}"
                client.command(f"CREATE MATERIALIZED VIEW IF NOT EXISTS {mirror} AS {rows}")

    def end_mirror(self) -> None:
        """End what `mirror` began."""
        with self._client() as client:
            self._end_mirror(client)

    def client_spaces(self) -> list[str]:
        """Every client space of which the served tables hold anything."""
        tables = " UNION DISTINCT ".join(
            f"SELECT client_space_id FROM {self._served}.{table}"  # noqa: S608 - a checked name
            for table in _MIRRORED
        )
        with self._client() as client:
            return sorted(str(space) for (space,) in client.query(tables).result_rows)

    def only_served(self, client_space_id: str, since: datetime) -> Iterator[Rows]:
        """What the served tables hold of *client_space_id* and the rebuilt ones do not, in parts; lines from *since*.

        Of a name both sightings count: a name is returned if its first sighting is earlier than the rebuilt table's, or
        its last one later by more than `LAST_SIGHTING_SLACK`.
        """
        for block in self._blocks(_ONLY_SERVED_LIFETIMES, space=client_space_id):
            yield Rows(lifetimes=[PersonLifetimeRow(*row) for row in block])
        for block in self._blocks(_ONLY_SERVED_NAMES, space=client_space_id):
            yield Rows(names=[PersonNameRow(*row) for row in block])
        for block in self._blocks(_ONLY_SERVED_LINES, space=client_space_id, since=since):
            yield Rows(activities=[ActivityRow(*row) for row in block])

    def drop(self) -> None:
        """Remove the database with the tables that were served before: they hold names, and no eraser looks there."""
        with self._client() as client:
            client.command(f"DROP DATABASE IF EXISTS {self._rebuilt} SYNC")

    def _contents(self, client: Client, database: str, since: datetime, until: datetime) -> dict[Part, Content]:
        """What *database* holds, part by part."""
        reached = client.query(
            f"SELECT kafka_partition, max(kafka_offset) FROM {self._rebuilt}.{ACTIVITY_LOG} GROUP BY 1"  # noqa: S608 - a checked name
        ).result_rows
        parameters = {
            "since": since,
            "until": until,
            "partitions": [partition for partition, _ in reached],
            "ends": [offset for _, offset in reached],
        }
        return {
            Part(compared.table, space, month): Content(rows, fingerprint)
            for compared in _COMPARED
            for sql in [compared.sql(database, self._rebuilt)]
            for space, month, rows, fingerprint in client.query(sql, parameters).result_rows
        }

    def _blocks(self, statement: str, **parameters: object) -> Iterator[Sequence[Sequence[Any]]]:
        sql = statement.format(served=self._served, rebuilt=self._rebuilt)
        with self._client() as client, client.query_row_block_stream(sql, parameters=parameters) as blocks:
            yield from blocks

    @contextmanager
    def _inserts_held_back(self, client: Client) -> Iterator[None]:
        """Let no insert into a served table begin."""
        try:
            for table in _MIRRORED:
                client.command(f"ALTER TABLE {self._served}.{table} MODIFY SETTING {_HELD} = 0")
            yield
        finally:
            self._let_go(client)

    def _let_go(self, client: Client) -> None:
        """End what held inserts back, wherever the tables are by now."""
        for database, table in product((self._served, self._rebuilt), _MIRRORED):
            client.command(f"ALTER TABLE {database}.{table} RESET SETTING {_HELD}")

    def _wait_for_inserts(self, client: Client) -> None:
        """Wait until every insert into the served database that runs now has ended, but not for ever."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        running = self._running_inserts(client)
        while running:
            if time.monotonic() > deadline:
                raise Unavailable(f"ClickHouse: an insert has been running for more than {_PATIENCE_SECONDS:.0f} s")
            time.sleep(_POLL_SECONDS)
            running &= self._running_inserts(client)

    def _running_inserts(self, client: Client) -> set[str]:
        rows = client.query(_RUNNING_INSERTS, parameters={"served": self._served}).result_rows
        return {str(query_id) for (query_id,) in rows}

    def _end_mirror(self, client: Client) -> None:
        for table in _MIRRORED:
            client.command(f"DROP VIEW IF EXISTS {self._rebuilt}.mirror_of_{table} SYNC")

    def _tables(self, client: Client) -> Sequence[Sequence[Any]]:
        sql = "SELECT name FROM system.tables WHERE database = {database:String}"
        return client.query(sql, parameters={"database": self._rebuilt}).result_rows

    def _client(self) -> AbstractContextManager[Client]:
        return open_clickhouse(self._url, timeout_seconds=STATEMENT_SECONDS)
