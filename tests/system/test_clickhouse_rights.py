"""What each account of `deploy/clickhouse` may do, asked of the engine's own access control.

The engine in process has one user, `default`, and reads accounts from a file. So each account is tried as `default`, in
a process of its own over the same directory.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from schemas.migrations import migrations, table_of_migrations

FOLDER = Path(__file__).parents[2] / "deploy" / "clickhouse"
HASH = "a" * 64
DENIED = 497
"""ClickHouse's code for "not enough privileges"."""
PROGRAM = """
import json, re, sys
import chdb

session = chdb.connect(f"{sys.argv[1]}?config-file={sys.argv[2]}&async_insert=0&implicit_select=0")
for statement in json.load(sys.stdin):
    try:
        session.query(statement, "Null")
        print(0)
    except RuntimeError as error:
        print(re.search(r"Code: (\\d+)", str(error))[1])
"""

Ask = Callable[[str, Iterable[str]], list[int]]
"""Run statements as an account; gives ClickHouse's code for each, 0 where it was done."""


def grants_of(account: str) -> list[str]:
    """The account's rights, as the files give them; `everything` may do anything."""
    if account == "everything":
        return ["GRANT ALL ON *.*"]
    if account == "analyst":
        text = (FOLDER / "analysts.sql").read_text(encoding="utf-8")
        return re.findall(r"^(GRANT .+) TO audit_analyst;$", text, re.MULTILINE)
    users = ET.parse(FOLDER / "users.d" / "audit.xml").getroot()  # noqa: S314 - our file
    return [str(query.text) for query in users.findall(f"users/audit_{account}/grants/query")]


def server_files(account: str, folder: Path) -> Path:
    """A configuration of the engine in which `default` is *account*."""
    root = ET.parse(FOLDER / "users.d" / "audit.xml").getroot()  # noqa: S314 - our file
    for hashed in root.iter("password_sha256_hex"):
        hashed.attrib.clear()
        hashed.text = HASH
    users, default = root.find("users"), root.find("users/default")
    assert users is not None
    assert default is not None
    users.remove(default)
    default = ET.SubElement(users, "default")
    for name in ("password", "profile", "quota"):
        ET.SubElement(default, name).text = "" if name == "password" else "default"
    ET.SubElement(ET.SubElement(default, "networks"), "ip").text = "::/0"
    grants = ET.SubElement(default, "grants")
    for query in grants_of(account):
        ET.SubElement(grants, "query").text = query
    for kind in ("profiles", "quotas"):
        found = root.find(kind)
        assert found is not None
        ET.SubElement(found, "default")
    folder.mkdir()
    ET.ElementTree(root).write(folder / "users.xml")
    config = folder / "config.xml"
    config.write_text(f"<clickhouse><users_config>{folder}/users.xml</users_config></clickhouse>", encoding="utf-8")
    return config


@pytest.fixture(scope="module")
def ask(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """A database whose views run with the migrator's rights, as they do where the migrator made them."""
    place = tmp_path_factory.mktemp("rights")

    def ask(account: str, statements: Iterable[str]) -> list[int]:
        config = place / account / "config.xml"
        config = config if config.exists() else server_files(account, place / account)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(place / "clickhouse"), str(config)],
            cwd=repository,
            input=json.dumps(list(statements)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [int(code) for code in done.stdout.split()]

    made = ["CREATE DATABASE audit", table_of_migrations("audit"), "SET default_view_definer = 'audit_migrator'"]
    made += [statement for migration in migrations() for statement in migration.statements("audit")]
    made = [statement.replace("DEFINER = CURRENT_USER", "DEFINER = audit_migrator") for statement in made]
    assert set(ask("everything", made)) == {0}
    return ask


INSERT_LINE = (
    "INSERT INTO audit.activity_log (client_space_id, occurred_at, recorded_at, event_id, activity_type)"
    " SELECT 'acme', now64(6), now64(6), generateUUIDv4(), 'user_creation'"
)


def test_the_worker_stores_lines_and_erases_names_and_can_neither_change_nor_remove_a_line(ask: Ask) -> None:
    done = [
        INSERT_LINE,
        "INSERT INTO audit.person_names (client_space_id) SELECT 'acme'",
        "ALTER TABLE audit.person_names UPDATE person_id = '' WHERE client_space_id = 'acme'",
        "ALTER TABLE audit.person_names DELETE WHERE client_space_id = 'acme'",
        "SELECT count() FROM audit.erased_persons",
        "SELECT count() FROM system.parts",
    ]
    denied = [
        "ALTER TABLE audit.activity_log DELETE WHERE client_space_id = 'acme'",
        "ALTER TABLE audit.activity_log UPDATE channel = 'ui' WHERE client_space_id = 'acme'",
        "DELETE FROM audit.activity_log WHERE client_space_id = 'acme'",
        "TRUNCATE TABLE audit.activity_log",
        "DROP TABLE audit.activity_log",
        "OPTIMIZE TABLE audit.activity_log FINAL",
        "INSERT INTO audit.access_log (client_space_id) SELECT 'acme'",
        "CREATE TABLE audit.other (x Int8) ENGINE = MergeTree ORDER BY x",
    ]
    assert ask("worker", [*done, *denied]) == [0] * len(done) + [DENIED] * len(denied)


def test_the_api_reads_and_notes_who_read_and_writes_nothing_else(ask: Ask) -> None:
    done = [
        "SELECT count() FROM audit.person_lines",
        "SELECT count() FROM audit.known_names",
        "INSERT INTO audit.access_log (client_space_id) SELECT 'acme'",
    ]
    denied = [INSERT_LINE, "ALTER TABLE audit.access_log DELETE WHERE 1", "DROP TABLE audit.access_log"]
    assert ask("api", [*done, *denied]) == [0] * len(done) + [DENIED] * len(denied)


def test_analysts_read_their_views_and_no_table_or_view_that_holds_ids_of_the_deleted(ask: Ask) -> None:
    views = [re.sub(r"GRANT SELECT ON", "SELECT * FROM", grant) for grant in grants_of("analyst")]
    hidden = ("activity_log", "person_names", "person_lifetimes", "known_names", "erased_persons", "access_log")
    denied = [f"SELECT count() FROM audit.{table}" for table in hidden]
    assert ask("analyst", [*views, *denied]) == [0] * len(views) + [DENIED] * len(denied)


def test_the_migrator_manages_tables_of_the_log_and_of_rebuilds_and_no_account(ask: Ask) -> None:
    done = [
        "CREATE DATABASE audit_rebuilt",
        table_of_migrations("audit_rebuilt"),
        *(statement for migration in migrations() for statement in migration.statements("audit_rebuilt")),
        "INSERT INTO audit.off_boarded_spaces SELECT 'left', now64(6)",
        "ALTER TABLE audit.activity_log DELETE WHERE client_space_id = 'left'",
        "SELECT database, table FROM system.columns WHERE name = 'client_space_id'",
        "EXCHANGE TABLES audit.activity_log AND audit_rebuilt.activity_log",
        "EXCHANGE TABLES audit.activity_log AND audit_rebuilt.activity_log",
        "RENAME DATABASE audit_rebuilt TO audit_replaced_1",
        "DROP DATABASE audit_replaced_1 SYNC",
    ]
    denied = ["CREATE DATABASE other", "GRANT SELECT ON audit.* TO audit_api", "DROP USER audit_api"]
    assert ask("migrator", [*done, *denied]) == [0] * len(done) + [DENIED] * len(denied)
