"""The views of analysts, at ClickHouse itself: the questions of `deploy/clickhouse/QUESTIONS.md` have their answers."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from clickhouse_connect.driver.client import Client

from deploy.local.demo.scenario import act_by_api, act_in_ui, open_import
from producers.in_memory import InMemoryPublisher
from schemas.avro_schemas import current_event_schema
from schemas.clickhouse_client import connect
from schemas.fields import to_micros
from schemas.migrations import migrations
from schemas.person_ref import person_refs
from schemas.retention import retention_start
from schemas.rows import CREATED, ERASED, PersonNameRow, precedence
from stream.clients.migrate import migrate
from stream.pipeline.batch import build_batch
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import ClickHouseSink
from tests.builders import KEY, SCHEMA_ID, a_chunk, a_lifetime, a_record, a_uuid
from tests.contract.test_log_sink import a_line

FOLDER = Path(__file__).parents[2] / "deploy" / "clickhouse"
INTERNAL = {"erased_persons", "known_names"}
"""Views that others are made of. They hold ids, names and the times of deletions."""
ADA, GRACE = a_uuid(1), a_uuid(2)


@dataclass
class Log:
    """A migrated database."""

    client: Client
    url: str
    database: str

    def write(self, rows: Rows) -> None:
        sink = ClickHouseSink(self.url, self.database)
        sink.write(rows)
        sink.close()

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.client.query(sql.replace("audit.", f"{self.database}.")).result_rows]


@pytest.fixture(scope="module")
def databases(clickhouse_url: str) -> Iterator[list[Log]]:
    made = []
    with connect(clickhouse_url) as client:
        for _ in range(2):
            made.append(Log(client, clickhouse_url, f"analysts_{uuid4().hex}"))
            list(migrate(client, made[-1].database))
        yield made
        for log in made:
            client.command(f"DROP DATABASE {log.database}")


@pytest.fixture(scope="module")
def demo_log(databases: list[Log]) -> Log:
    """What `make demo` records, of which every event came twice."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)

    async def act() -> list[Any]:
        async with InMemoryPublisher() as publisher:
            await act_in_ui(publisher, at)
            await act_by_api(publisher, at)
            return publisher.events

    with open_import() as file_import:
        events = [*file_import.events(at), *asyncio.run(act())]
    for copy in range(2):
        records = [
            a_record(event, copy * len(events) + place, recorded_at=event.occurred_at + timedelta(seconds=1 + copy))
            for place, event in enumerate(events)
        ]
        schemas = {SCHEMA_ID: current_event_schema()}
        databases[0].write(build_batch([a_chunk(*records)], schemas=schemas, refs=person_refs(KEY)).rows)
    return databases[0]


def questions() -> dict[str, tuple[str, list[tuple[str, ...]]]]:
    """The page's questions: SQL and the rows of the answer, as text."""
    page = (FOLDER / "QUESTIONS.md").read_text(encoding="utf-8")
    found = re.findall(r"^## \d+\. (.+)\n\n```sql\n([^`]+)\n```\n\n((?:\|.*\n)+)", page, re.MULTILINE)
    tables = {title: (sql, [line.strip("| ").split(" | ") for line in rows.splitlines()]) for title, sql, rows in found}
    return {title: (sql, [tuple(row) for row in rows[2:]]) for title, (sql, rows) in tables.items()}


def analysts_views() -> set[str]:
    sql = "\n".join(migration.text for migration in migrations())
    return set(re.findall(r"CREATE VIEW IF NOT EXISTS \{database\}\.(\w+)", sql)) - INTERNAL


def test_there_are_ten_questions_and_each_view_answers_one() -> None:
    assert len(questions()) == 10
    assert set(re.findall(r"audit\.(\w+)", " ".join(sql for sql, _ in questions().values()))) == analysts_views()


def test_the_page_and_the_role_name_every_view_and_no_table() -> None:
    page = (FOLDER / "QUESTIONS.md").read_text(encoding="utf-8")
    role = (FOLDER / "analysts.sql").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == analysts_views()
    assert set(re.findall(r"^GRANT SELECT ON audit\.(\w+) TO audit_analyst;$", role, re.MULTILINE)) == analysts_views()
    assert role.count("GRANT ") == len(analysts_views())


def test_the_role_s_statements_are_clickhouse_s_sql(demo_log: Log) -> None:
    for statement in re.split(r";\s*\n", (FOLDER / "analysts.sql").read_text(encoding="utf-8")):
        if statement.strip():
            demo_log.client.query("SELECT formatQuery({sql:String})", parameters={"sql": statement})


@pytest.mark.parametrize("title", questions())
def test_a_question_has_its_answer_on_the_demo_s_data_though_every_event_came_twice(demo_log: Log, title: str) -> None:
    sql, expected = questions()[title]
    assert [tuple(_as_text(value) for value in row) for row in demo_log.ask(sql)] == expected


def test_the_page_s_parquet_file_holds_every_line_as_the_view_shows_it(demo_log: Log) -> None:
    page = (FOLDER / "QUESTIONS.md").read_text(encoding="utf-8")
    (sql,) = re.findall(r"--data-binary \"\n([^\"]+FORMAT Parquet)\"", page)
    answer = httpx.post(demo_log.url, content=sql.replace("audit.", f"{demo_log.database}."))
    assert answer.status_code == 200, answer.text
    assert (answer.content[:4], answer.content[-4:]) == (b"PAR1", b"PAR1")
    demo_log.ask("CREATE TABLE audit.from_file ENGINE = Memory AS SELECT * FROM audit.activities LIMIT 0")
    insert = f"INSERT INTO {demo_log.database}.from_file FORMAT Parquet"
    httpx.post(demo_log.url, params={"query": insert}, content=answer.content).raise_for_status()
    by_file, by_view = (
        demo_log.ask(f"SELECT * FROM audit.{name} ORDER BY event_id") for name in ("from_file", "activities")
    )
    assert by_file
    assert by_file == by_view


def _as_text(value: object) -> str:
    return "NULL" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture(scope="module")
def lives(databases: list[Log]) -> Log:
    """Ada gives and takes rights, is deleted and lives again; Grace works on. One line has just left retention."""
    log, start = databases[1], datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)

    def at(minute: int) -> datetime:
        return start + timedelta(minutes=minute)

    def line(minute: int, user: UUID, admin: UUID, **fields: Any) -> Any:
        order = precedence(to_micros(at(minute)) // 1000, minute)
        rights = {"activity_type": "admin_rights_update", "admin_rights_granted": True, "import_id": a_uuid(9)}
        persons = {"affected_user_ref": user, "admin_ref": admin, "previous_license": None, "new_license": None}
        shared = {"occurred_at": at(minute), "precedence": order, "recorded_at": at(minute)}
        return a_line(uuid4(), **{**shared, **persons, **rights, **fields})

    names = [
        PersonNameRow("acme", ADA, "usr_ada", "ada@example.com", "Ada", at(6), at(7)),
        PersonNameRow("acme", GRACE, "usr_grace", "grace@example.com", "Grace", at(0), at(7)),
    ]
    lifetimes = [a_lifetime("acme", ADA, change, at(m)) for change, m in ((CREATED, 0), (ERASED, 4), (CREATED, 6))]
    # ClickHouse drops rows a day later.
    too_old = retention_start(datetime.now(UTC)) - timedelta(hours=1)
    lines = [line(0, ADA, GRACE, occurred_at=too_old), line(1, ADA, GRACE), line(2, GRACE, ADA)]
    lines += [line(7, GRACE, ADA, admin_rights_granted=False), line(8, GRACE, GRACE)]
    log.write(Rows(lifetimes, names, lines))
    return log


def test_rights_of_an_earlier_life_are_not_those_of_a_later_one(lives: Log) -> None:
    rows = lives.ask("SELECT person_id, granted_by_id FROM audit.admin_rights_now")
    assert rows == [("usr_grace", "usr_grace")]


def test_no_view_leads_from_a_deleted_person_to_a_later_life(lives: Log) -> None:
    """What Ada did before her deletion counts for "Deleted User", what she did afterwards for her."""
    for view in ("admin_counts", "imports"):
        rows = lives.ask(f"SELECT admin, admin_ref, lines FROM audit.{view} ORDER BY admin")
        assert rows == [("Ada", ADA, 1), ("Deleted User", None, 1), ("Grace", GRACE, 2)]
    assert lives.ask("SELECT role FROM audit.person_history WHERE person = 'Ada'") == [("admin",)]
    assert lives.ask(f"SELECT role FROM audit.person_history WHERE person_ref = '{ADA}'") == [("admin",)]


def test_no_view_counts_a_line_older_than_twelve_months(lives: Log) -> None:
    assert lives.ask("SELECT lines FROM audit.freshness") == [(4,)]
    assert lives.ask("SELECT sum(lines) FROM audit.daily_counts") == [(4,)]
