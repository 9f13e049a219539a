"""The server's files in `deploy/clickhouse`: their statements, names and values. `tests/system` tries the rights."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from clickhouse_connect.driver.client import Client

from deploy.clickhouse import replicated
from schemas.clickhouse_client import connect
from schemas.migrations import difference

FOLDER = Path(__file__).parents[2] / "deploy" / "clickhouse"
PROFILES = [ET.parse(file).getroot() for file in (FOLDER / "users.d").iterdir()]  # noqa: S314 - our files
USERS = ET.parse(FOLDER / "users.d" / "audit.xml").getroot()  # noqa: S314 - our file
CONFIG = ET.parse(FOLDER / "config.d" / "audit.xml").getroot()  # noqa: S314 - our file


NOTE = re.compile(r"SELECT (\d+), '\w+', '(\w+)'")


def grants(user: str) -> list[str]:
    return [str(query.text) for query in USERS.findall(f"users/{user}/grants/query")]


def test_the_worker_and_the_api_have_the_rights_that_the_security_page_names() -> None:
    page = (FOLDER.parents[1] / "SECURITY.md").read_text(encoding="utf-8")
    said = page[page.index("Give each ClickHouse account") : page.index("Analysts:")]
    inserted = said[: said.index("`ALTER")]
    tables = [query.split(".")[-1] for query in grants("audit_worker") if query.startswith("GRANT INSERT")]
    assert set(re.findall(r"`([a-z_]+)`", inserted)) == set(tables)
    changes = [query for query in grants("audit_worker") if "ALTER" in query]
    assert changes == ["GRANT ALTER UPDATE, ALTER DELETE ON audit.person_names"]
    assert grants("audit_api") == ["GRANT SELECT ON audit.*", "GRANT INSERT ON audit.access_log"]


def test_no_service_s_account_can_remove_a_line() -> None:
    rights = " ".join(grants("audit_worker") + grants("audit_api"))
    assert not re.search(r"\b(ALL|DROP|TRUNCATE|CREATE|OPTIMIZE|DELETE ON audit\.\*)\b", rights)


@pytest.fixture(scope="module")
def client(clickhouse_url: str) -> Client:
    return connect(clickhouse_url)


def test_grants_are_clickhouse_s_sql(client: Client) -> None:
    for user in ("audit_migrator", "audit_worker", "audit_api"):
        assert grants(user)
        for query in grants(user):
            client.query("SELECT formatQuery({sql:String})", parameters={"sql": f"{query} TO {user}"})


def test_settings_have_the_engine_s_names(client: Client) -> None:
    profiles = {setting.tag for file in PROFILES for profile in file.findall("profiles/*") for setting in profile}
    profiles.remove("constraints")
    tables = {setting.tag for setting in CONFIG.findall("merge_tree/*")}
    assert profiles
    assert tables
    for names, table in ((profiles, "settings"), (tables, "merge_tree_settings")):
        sql = f"SELECT name FROM system.{table} WHERE name IN {{names:Array(String)}}"
        found = client.query(sql, parameters={"names": sorted(names)}).result_rows
        assert {str(row[0]) for row in found} == names


def test_the_replicated_tables_are_clickhouse_s_sql_and_none_is_a_plain_one(client: Client) -> None:
    sql = replicated.statements("audit")
    for statement in sql:
        client.query("SELECT formatQuery({sql:String})", parameters={"sql": statement})
    created = [statement for statement in sql if not statement.startswith("INSERT")]
    assert all(f" ON CLUSTER {replicated.CLUSTER}" in statement for statement in created)
    engines = re.findall(r"ENGINE = (\w+)", " ".join(created))
    assert engines
    assert all(engine.startswith("Replicated") for engine in engines)


def test_the_replicated_tables_are_noted_as_the_migrations_that_they_are() -> None:
    noted = {int(number): text for s in replicated.statements("audit") for number, text in NOTE.findall(s)}
    assert difference(noted) is None


def test_logs_that_hold_statements_are_kept_for_a_week_or_not_at_all() -> None:
    logs = {log.tag: log for log in CONFIG if log.tag.endswith("_log")}
    assert "query_log" in logs
    for name, log in logs.items():
        assert log.get("remove") or log.findtext("ttl") == "event_date + INTERVAL 7 DAY DELETE", name
