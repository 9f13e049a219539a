"""Puts the rebuilt lines in the place of the served ones, and keeps those for as long as nobody drops them.

Only the log changes places. Names, facts of lives and what ClickHouse derives from lines are sets that any insert may
repeat: the rebuilt rows are added to the served ones, so none of them can be lost.
"""

from datetime import datetime

from clickhouse_connect.driver.client import Client

from schemas.migrations import MIGRATIONS_TABLE
from schemas.rows import ACTIVITY_LOG, OFF_BOARDED_SPACES, PERSON_LIFETIMES, PERSON_NAMES, STORED_THROUGH
from stream.erasure.spaces import ClickHouseSpaceStore
from stream.errors import RebuildRefused
from stream.rebuild.store import MARKER_TABLE, Databases, State

_ADDED = (OFF_BOARDED_SPACES, PERSON_LIFETIMES, PERSON_NAMES, "event_keys", "person_lines")
"""In this order: a reader meanwhile finds a deletion before the name, and the name before the line."""


def exchange(databases: Databases, now: datetime) -> str:
    """Serve the rebuilt lines, and return the name of the database that keeps those served before.

    No worker may write meanwhile. Blocks and raises `Unavailable`: the same call then goes on where it stopped. Raises
    `RebuildRefused` where there is no rebuild to serve.
    """
    served, rebuilt = databases.served, databases.rebuilt
    with databases.client() as client:
        state = databases.state(client)
        if state not in (State.BUILDING, State.EXCHANGED):
            raise RebuildRefused(f"database {rebuilt} is no rebuild of {served}")
        if state is State.BUILDING:
            # Since the rebuild was loaded a client space may have left.
            databases.take_marks(client)
            ClickHouseSpaceStore(databases.url, rebuilt).remove()
            for table in _ADDED:
                _add(client, databases, table)
            _note(client, databases)
            # Killed here: the served tables hold rows that they would get anyway. Repeated, nothing changes.
            client.command(f"EXCHANGE TABLES {served}.{ACTIVITY_LOG} AND {rebuilt}.{ACTIVITY_LOG}")
        # Behind the lines: a reader in the order of storing gives no line beyond it.
        _add(client, databases, STORED_THROUGH)
        # Its removal may also have gone through the tables just before they changed places.
        ClickHouseSpaceStore(databases.url, served).remove()
        return _keep(client, databases, now)


def _add(client: Client, databases: Databases, table: str) -> None:
    if table in databases.tables(client):
        rows = f"SELECT * FROM {databases.rebuilt}.{table}"  # noqa: S608 - checked names
        client.command(f"INSERT INTO {databases.served}.{table} {rows}")


def _note(client: Client, databases: Databases) -> None:
    """Note which table the log of the rebuilt database is, so that a repeated run knows whether it was exchanged."""
    row = databases.served, databases.log_uuid(client)
    client.insert(MARKER_TABLE, [row], column_names=["served", "log_uuid"], database=databases.rebuilt)


def _keep(client: Client, databases: Databases, now: datetime) -> str:
    """Leave only the log, under a name with a date. It holds refs and no names, so no erasure has to look there."""
    rest = databases.tables(client) - {ACTIVITY_LOG, MARKER_TABLE, MIGRATIONS_TABLE}
    # Views first: they name tables.
    for table in sorted(rest, key=lambda table: (not table.endswith("_of_lines"), table)):
        client.command(f"DROP TABLE {databases.rebuilt}.{table} SYNC")
    kept = f"{databases.served}_replaced_{now:%Y%m%d_%H%M%S}"
    client.command(f"RENAME DATABASE {databases.rebuilt} TO {kept}")
    # Last: while it is there, a repeated run finishes the exchange.
    client.command(f"DROP TABLE {kept}.{MIGRATIONS_TABLE} SYNC")
    return kept
