"""Applies ClickHouse's migrations, each once, and remembers by which text."""

from collections.abc import Iterator

from clickhouse_connect.driver.client import Client

from schemas.migrations import MIGRATIONS_TABLE, Migration, difference, migrations, table_of_migrations
from stream.errors import WrongSchema

STATEMENT_SECONDS = 6 * 3600.0
"""The client's timeout for one statement. A migration may fill a new table from every line of the log.

A client that gives up earlier does not stop the statement on the server; a repeated run starts it from the beginning.
"""


def migrate(client: Client, database: str) -> Iterator[Migration]:
    """Bring *database* to this version, yielding each migration once it is applied.

    Every statement is idempotent, and a migration is recorded after its last statement: repeat an interrupted run.
    Raises `WrongSchema` where the database was built from other texts, and then changes nothing.
    """
    client.command(f"CREATE DATABASE IF NOT EXISTS {database}")
    client.command(table_of_migrations(database))
    applied = applied_checksums(client, database)
    known = {migration.number: migration.checksum for migration in migrations()}
    if found := difference({**known, **applied}):
        raise WrongSchema(found)
    for migration in migrations():
        if migration.number not in applied:
            for statement in migration.statements(database):
                client.command(statement)
            _remember(client, database, migration)
            yield migration


def applied_checksums(client: Client, database: str) -> dict[int, str]:
    """The checksum of each migration that *database* has had, by number."""
    sql = f"SELECT number, checksum FROM {database}.{MIGRATIONS_TABLE} FINAL"  # noqa: S608 - a checked name
    return {int(number): str(checksum) for number, checksum in client.query(sql).result_rows}


def _remember(client: Client, database: str, migration: Migration) -> None:
    client.command(
        f"INSERT INTO {database}.{MIGRATIONS_TABLE}"
        " SELECT {number:UInt32}, {name:String}, {checksum:String}, now64(6, 'UTC')",
        parameters={"number": migration.number, "name": migration.name, "checksum": migration.checksum},
    )
