"""ClickHouse's schema as numbered SQL files, each known by its checksum.

`{database}` in a file stands for the database's name, so that the same files build a second database beside the
first (a rebuild, a test). A released file is never edited: the checksum of what was applied is kept in the database,
and worker and API refuse to start on anything else than exactly these files.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from schemas.settings import database_name

MIGRATIONS_TABLE = "schema_migrations"
_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step. *checksum* is the SHA-256 of the file, in hex."""

    number: int
    name: str
    text: str
    checksum: str

    def statements(self, database: str) -> list[str]:
        """The SQL statements of this step for *database*, in order. Raises `ValueError` for a name that needs quoting.

        A statement ends with a semicolon at the end of a line.
        """
        sql = self.text.replace("{database}", database_name(database))
        return [statement.strip() for statement in re.split(r";\s*\n", sql + "\n") if statement.strip()]


def table_of_migrations(database: str) -> str:
    """The SQL that creates the table in which *database* keeps what was applied to it, unless it is there."""
    return (
        f"CREATE TABLE IF NOT EXISTS {database_name(database)}.{MIGRATIONS_TABLE}"
        " (number UInt32, name String, checksum String, applied_at DateTime64(6, 'UTC'))"
        " ENGINE = ReplacingMergeTree(applied_at) ORDER BY number"
    )


@cache
def migrations() -> tuple[Migration, ...]:
    """Every migration, in order. Raises `ValueError` where a number is missing or given twice."""
    found = []
    for file in (files("schemas") / "clickhouse").iterdir():
        if match := _FILE.fullmatch(file.name):
            text = file.read_text(encoding="utf-8")
            found.append(Migration(int(match[1]), match[2], text, hashlib.sha256(text.encode()).hexdigest()))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError("migrations are not numbered 0001, 0002, … without a gap")
    return tuple(found)


def difference(applied: dict[int, str]) -> str | None:
    """What separates a database from this version of the code, in words; `None` where nothing does.

    *applied* maps the number of each applied migration to its checksum.
    """
    for migration in migrations():
        checksum = applied.get(migration.number)
        if checksum is None:
            return f"migration {migration.number:04d}_{migration.name} is not applied: run `audit-stream migrate`"
        if checksum != migration.checksum:
            return f"migration {migration.number:04d}_{migration.name} was applied from another text than this one"
    newer = sorted(set(applied) - {migration.number for migration in migrations()})
    return f"migration {newer[0]:04d} is newer than this version" if newer else None
