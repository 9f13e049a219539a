"""The client spaces that have left: who they are, what ClickHouse still holds of them, and its removal."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

from clickhouse_connect.driver.client import Client

from schemas.rows import ACTIVITY_LOG, OFF_BOARDED_SPACES, PERSON_LIFETIMES, PERSON_NAMES
from stream.clients.clickhouse import open_clickhouse

STATEMENT_SECONDS = 3600.0
"""A removal writes every part anew that holds a row of the client space."""

_WITH_SPACES = f"""
    SELECT database, table FROM system.columns
    WHERE name = 'client_space_id' AND table != '{OFF_BOARDED_SPACES}'
    AND (database, table) IN (SELECT database, name FROM system.tables WHERE engine LIKE '%MergeTree')
    ORDER BY database, table"""  # noqa: S608 - a name of our own


class Held(NamedTuple):
    """How many rows of a client space a table holds, copies included."""

    database: str
    table: str
    rows: int


class SpaceStore(Protocol):
    """Client spaces that have left, in a database of the log. Every method blocks and raises `Unavailable`."""

    def mark(self, spaces: Mapping[str, datetime]) -> None:
        """Note that these have left, and when. To note it again changes nothing."""
        ...

    def lines(self, client_space_id: str) -> int:
        """How many lines the client space has."""
        ...

    def held(self, client_space_id: str) -> list[Held]:
        """Every table, in every database, with a row of the client space."""
        ...

    def remove(self) -> None:
        """Remove whatever the database holds of those marked.

        On return no reader and no later merge finds them. Names go first, so a call that was cut off leaves no name.
        """
        ...


class ClickHouseSpaceStore:
    """`SpaceStore` over ClickHouse's HTTP interface; it connects for each call."""

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._database = database

    def mark(self, spaces: Mapping[str, datetime]) -> None:
        names = "client_space_id", "off_boarded_at"
        with self._client() as client:
            client.insert(OFF_BOARDED_SPACES, list(spaces.items()), column_names=names, database=self._database)

    def lines(self, client_space_id: str) -> int:
        sql = f"SELECT count() FROM {self._database}.{ACTIVITY_LOG} FINAL WHERE client_space_id = {{space:String}}"  # noqa: S608 - a checked name
        with self._client() as client:
            return int(client.query(sql, parameters={"space": client_space_id}).result_rows[0][0])

    def held(self, client_space_id: str) -> list[Held]:
        found = []
        with self._client() as client:
            for database, table in client.query(_WITH_SPACES).result_rows:
                sql = f"SELECT count() FROM `{database}`.`{table}` WHERE client_space_id = {{space:String}}"  # noqa: S608 - names of the server's own tables
                rows = int(client.query(sql, parameters={"space": client_space_id}).result_rows[0][0])
                if rows:
                    found.append(Held(database, table, rows))
        return found

    def remove(self) -> None:
        with self._client() as client:
            for table in self._tables(client):
                self._remove_from(client, table)

    def _tables(self, client: Client) -> Iterator[str]:
        """The log's tables: names first, facts of lives last, since these hide the names."""
        found = [table for database, table in client.query(_WITH_SPACES).result_rows if database == self._database]
        yield from sorted(found, key=lambda table: (table != PERSON_NAMES, table == PERSON_LIFETIMES))

    def _remove_from(self, client: Client, table: str) -> None:
        place = f"{self._database}.{table}"
        found = client.query(
            f"SELECT DISTINCT client_space_id FROM {place} WHERE client_space_id IN"  # noqa: S608 - checked names
            f" (SELECT client_space_id FROM {self._database}.{OFF_BOARDED_SPACES})"
        ).result_rows
        for (space,) in found:
            # ClickHouse keeps a mutation's text: a client space, and nothing of a person.
            client.command(
                f"ALTER TABLE {place} DELETE WHERE client_space_id = {{space:String}}",
                parameters={"space": space},
                settings={"mutations_sync": 2},
            )

    def _client(self) -> AbstractContextManager[Client]:
        return open_clickhouse(self._url, timeout_seconds=STATEMENT_SECONDS)
