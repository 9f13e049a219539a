"""Print a cluster's tables: `python -m deploy.clickhouse.replicated | clickhouse-client --multiquery`.

The same migrations as `audit-stream migrate` applies, with `ON CLUSTER` and replicated engines, and the notes by which
worker and API know them. Every statement may be repeated. A shard holds whole client spaces; here there is one shard.
"""

import re
import sys

from schemas.migrations import MIGRATIONS_TABLE, Migration, migrations, table_of_migrations

CLUSTER = "'{cluster}'"
"""A macro of the servers, as `{shard}` and `{replica}` are, of which the engines' default paths are made."""
_HEAD = re.compile(r"(?m)^((?:CREATE (?:TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS|ALTER TABLE) [\w.]+)")
_ENGINE = re.compile(r"ENGINE = (?=\w*MergeTree)")


def replicated(statement: str) -> str:
    """*statement*, which creates a table or a view or sets up a table, for every server of the cluster."""
    return _ENGINE.sub("ENGINE = Replicated", _HEAD.sub(rf"\1 ON CLUSTER {CLUSTER}", statement))


def statements(database: str) -> list[str]:
    """All of them, in order."""
    made = [f"CREATE DATABASE IF NOT EXISTS {database} ON CLUSTER {CLUSTER}", replicated(table_of_migrations(database))]
    for migration in migrations():
        made += [*map(replicated, migration.statements(database)), _note(database, migration)]
    return made


def _note(database: str, migration: Migration) -> str:
    values = f"{migration.number}, '{migration.name}', '{migration.checksum}', now64(6, 'UTC')"
    return f"INSERT INTO {database}.{MIGRATIONS_TABLE} (number, name, checksum, applied_at) SELECT {values}"


if __name__ == "__main__":
    sys.stdout.write("".join(f"{statement};\n\n" for statement in statements("audit")))
