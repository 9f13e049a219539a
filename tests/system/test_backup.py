"""ClickHouse's own BACKUP and RESTORE, of a database as `audit-stream migrate` makes it."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import chdb
from schemas.migrations import migrations, table_of_migrations

# One session: a backup in memory is its alone. A process has one engine, so this is a process of its own.
session = chdb.connect(sys.argv[1])


def ask(sql):
    return session.query(sql, "TSV").bytes().decode()


def content():
    names = ask("SELECT name FROM system.tables WHERE database = 'audit' ORDER BY name").split()
    made = {name: ask(f"SHOW CREATE TABLE audit.{name}") for name in names}
    return {name: (made[name], ask(f"SELECT count(), groupBitXor(cityHash64(*)) FROM audit.{name}")) for name in names}


ask("CREATE DATABASE audit")
ask(table_of_migrations("audit"))
for migration in migrations():
    for statement in migration.statements("audit"):
        ask(statement)
name = "SELECT 'acme', generateUUIDv4(), 'usr_1', 'ada@example.com', 'Ada', now64(6), now64(6)"
ask(f"INSERT INTO audit.person_names {name}")
values = "'acme', now64(6), now64(6), generateUUIDv4(), 'user_creation', 'ui', generateUUIDv4()"
lines = f"SELECT {values} FROM numbers(1000)"
columns = "client_space_id, occurred_at, recorded_at, event_id, activity_type, channel, affected_user_ref"
ask(f"INSERT INTO audit.activity_log ({columns}) {lines}")
before = content()
assert ask("SELECT count() FROM audit.activities").strip() == "1000"
ask("BACKUP DATABASE audit TO Memory('backup')")
ask("DROP DATABASE audit SYNC")
ask("RESTORE DATABASE audit FROM Memory('backup')")
assert content() == before
# What ClickHouse derives from lines is filled again, too.
ask(f"INSERT INTO audit.activity_log ({columns}) {lines}")
assert ask("SELECT count() FROM audit.person_lines").strip() == "4000"
"""


def test_a_backup_brings_back_every_table_view_and_row(repository: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "clickhouse")]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
