"""The view that analysts read, at ClickHouse itself. `test_log_reader` holds its names against the API's."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from clickhouse_connect.driver.client import Client

from schemas.clickhouse_client import connect
from schemas.fields import to_micros
from schemas.rows import CREATED, ERASED, PersonNameRow, precedence
from stream.clients.migrate import migrate
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import ClickHouseSink
from tests.builders import a_lifetime, a_uuid
from tests.contract.test_log_sink import a_line

ADA, GRACE = a_uuid(1), a_uuid(2)


@dataclass
class View:
    """A database with the view, and times of today."""

    client: Client
    database: str
    start: datetime

    def at(self, minute: int) -> datetime:
        return self.start + timedelta(minutes=minute)

    def rows(self, columns: str) -> list[Any]:
        sql = f"SELECT {columns} FROM {self.database}.activities ORDER BY occurred_at, event_id"
        return list(self.client.query(sql).result_rows)


@pytest.fixture
def view(clickhouse_url: str) -> Iterator[View]:
    database = f"view_{uuid4().hex}"
    with connect(clickhouse_url) as client:
        list(migrate(client, database))
        yield View(client, database, datetime.now(UTC).replace(microsecond=0) - timedelta(days=1))
        client.command(f"DROP DATABASE {database}")


def test_no_ref_of_a_deleted_person_is_shown_so_that_none_leads_to_a_later_life(
    view: View, clickhouse_url: str
) -> None:
    """A ref that is computed from what else the view shows can be computed for everybody who lives."""
    lifetimes = [a_lifetime("acme", ADA, change, view.at(m)) for change, m in ((CREATED, 0), (ERASED, 4), (CREATED, 6))]
    names = [PersonNameRow("acme", ADA, "usr_ada", "ada@example.com", "Ada", view.at(6), view.at(7))]
    affected = [(0, ADA, GRACE), (1, GRACE, ADA), (4, ADA, GRACE), (6, ADA, GRACE), (7, GRACE, ADA)]
    lines = [
        a_line(
            uuid4(),
            occurred_at=view.at(minute),
            precedence=precedence(to_micros(view.at(minute)) // 1000, minute),
            affected_user_ref=user,
            admin_ref=admin,
        )
        for minute, user, admin in affected
    ]
    sink = ClickHouseSink(clickhouse_url, view.database)
    sink.write(Rows(lifetimes, names, lines))
    sink.close()

    shown: list[tuple[str, UUID | None, str, UUID | None]] = view.rows(
        "affected_user, affected_user_ref, admin, admin_ref"
    )
    deleted = ("Deleted User", None)
    assert [row[:2] for row in shown] == [deleted, ("", GRACE), deleted, ("Ada", ADA), ("", GRACE)]
    assert [row[2:] for row in shown] == [("", GRACE), deleted, ("", GRACE), ("", GRACE), ("Ada", ADA)]
