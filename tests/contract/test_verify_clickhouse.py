"""`erasure verify` finds a text in every kind of column, and tells ClickHouse nothing of it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from schemas.clickhouse_client import connect
from schemas.rows import PersonNameRow
from stream.clients.migrate import migrate
from stream.erasure.verify.clickhouse import verify_clickhouse
from stream.erasure.verify.report import Wanted
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import ClickHouseSink
from tests.builders import NOW, a_lifetime, a_uuid

COLUMNS = {
    "plain": "String",
    "optional": "Nullable(String)",
    "few": "LowCardinality(String)",
    "fixed": "FixedString(80)",
    "several": "Array(String)",
    "by_key": "Map(String, String)",
    "pair": "Tuple(UInt8, String)",
}


@pytest.fixture
def database(clickhouse_url: str) -> Iterator[str]:
    name = f"verify_{uuid4().hex}"
    with connect(clickhouse_url) as client:
        list(migrate(client, name))
        yield name
        client.command(f"DROP DATABASE {name}")


def places(url: str, database: str, *texts: str) -> dict[str, int]:
    _, traces = verify_clickhouse(url, database, Wanted("acme", None, texts))
    return {trace.place.removeprefix("clickhouse:"): trace.count for trace in traces}


def test_a_name_is_found_in_every_kind_of_column(clickhouse_url: str, database: str) -> None:
    name = f"José {uuid4().hex}"
    values = {
        **dict.fromkeys(("plain", "optional", "few", "fixed"), f"'%2C{name.upper()}'"),
        "several": f"['x', '{name}']",
        "by_key": f"{{'k': '{name}'}}",
        "pair": f"(1, '{name}')",
    }
    with connect(clickhouse_url) as client:
        for column, kind in COLUMNS.items():
            client.command(f"CREATE TABLE {database}.{column} (t {kind}) ENGINE = MergeTree ORDER BY tuple()")
            client.command(f"INSERT INTO {database}.{column} VALUES ({values[column]})")
    found = places(clickhouse_url, database, name)
    assert {place: count for place, count in found.items() if place.startswith(database)} == {
        f"{database}.{column}": 1 for column in COLUMNS
    }


def test_names_of_the_log_are_found_with_their_end(clickhouse_url: str, database: str) -> None:
    name = f"ada.{uuid4().hex}@example.com"
    row = PersonNameRow("acme", a_uuid(1), "usr_ada", name, "", NOW, NOW)
    ClickHouseSink(clickhouse_url, database).write(Rows([a_lifetime("acme", a_uuid(1), "erased", NOW)], [row]))
    looked_at, traces = verify_clickhouse(clickhouse_url, database, Wanted("acme", None, (name,)))
    (trace,) = traces
    assert (trace.place, trace.count) == (f"clickhouse:{database}.person_names", 1)
    assert trace.until is not None
    assert {f"clickhouse:{database}.activity_log", "clickhouse:system.mutations"} <= set(looked_at)


def test_no_statement_holds_what_is_looked_for(
    clickhouse_url: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor a parameter, which ClickHouse logs as a literal."""
    sent: list[str] = []
    with connect(clickhouse_url) as client:
        query = type(client)._query_with_context

        def recording(self: object, context: object) -> object:
            sent.append(repr(vars(context)))
            return query(self, context)  # type: ignore[arg-type]

        monkeypatch.setattr(type(client), "_query_with_context", recording)
        places(clickhouse_url, database, "Ada Lovelace")
    assert sent
    assert not any("Ada" in text for text in sent)
