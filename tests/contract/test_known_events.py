"""Every `KnownEvents` keeps its promises: the in-memory one, and ClickHouse."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from clickhouse_connect.driver.httpclient import HttpClient
from uuid_utils.compat import uuid7

from schemas.clickhouse_client import connect
from schemas.rows import ActivityRow
from stream.clients.clickhouse import LastingClient
from stream.clients.migrate import migrate
from stream.commands.stored_conflicts import stored_conflicts
from stream.errors import Unavailable
from stream.pipeline.conflicts import account
from stream.pipeline.known_events import ClickHouseKnownEvents, KnownEvents
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import ClickHouseSink, LogSink
from tests.fakes.stream import InMemoryKnownEvents, InMemorySink

NOW = datetime.now(UTC)


@dataclass
class Subject:
    """A memory, and the store that it is over."""

    known: KnownEvents
    sink: LogSink

    def store(self, *rows: ActivityRow) -> None:
        self.sink.write(Rows(activities=list(rows)))

    def accounts(self, *rows: ActivityRow) -> set[Any]:
        return {account(row) for row in self.known.accounts(rows)}


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"known_{uuid4().hex}"
    with connect(request.getfixturevalue("clickhouse_url")) as client:
        list(migrate(client, name))
        yield name
        client.command(f"DROP DATABASE {name}")


@pytest.fixture(params=["in memory", "clickhouse"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "in memory":
        fake = InMemorySink()
        yield Subject(InMemoryKnownEvents(fake), fake)
        return
    url, name = request.getfixturevalue("clickhouse_url"), request.getfixturevalue("database")
    sink, known = ClickHouseSink(url, name), ClickHouseKnownEvents(url, name)
    yield Subject(known, sink)
    sink.close()
    known.close()


def a_line(**fields: Any) -> ActivityRow:
    place = fields.pop("place", (1, 10))
    defaults: dict[str, Any] = {
        **dict.fromkeys(ActivityRow._fields),
        "client_space_id": "acme",
        "occurred_at": NOW,
        "event_id": uuid4(),
        "activity_type": "user_creation",
        "channel": "ui",
        "admin_ref": uuid4(),
        "affected_user_ref": uuid4(),
        "recorded_at": NOW,
        "kafka_partition": place[0],
        "kafka_offset": place[1],
        "schema_id": 1,
        "precedence": 2**63 - place[1],
    }
    return ActivityRow(**{**defaults, **fields})


def test_a_new_event_is_not_known(subject: Subject) -> None:
    subject.store(a_line())
    assert subject.accounts(a_line()) == set()


def test_an_event_is_known_by_its_id_under_whatever_key_and_content(subject: Subject) -> None:
    stored = a_line()
    subject.store(stored, a_line())
    for other in (
        stored._replace(kafka_offset=11),
        stored._replace(kafka_offset=11, client_space_id="other"),
        stored._replace(kafka_offset=11, occurred_at=NOW - timedelta(microseconds=1)),
        stored._replace(kafka_offset=11, channel="api"),
    ):
        assert subject.accounts(other) == {account(stored)}


def test_the_very_same_record_is_known_as_itself(subject: Subject) -> None:
    stored = a_line()
    subject.store(stored)
    assert subject.accounts(stored, a_line()) == {account(stored)}


def test_a_full_batch_of_which_every_event_is_known_is_answered_whole(subject: Subject) -> None:
    rows = [a_line(place=(0, n)) for n in range(7_000)]
    subject.store(*rows)
    moved = [row._replace(kafka_partition=1) for row in rows]
    assert subject.accounts(*moved) == {account(row) for row in rows}


def test_clickhouse_is_told_beside_the_statement_how_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server refuses one that is too long before it reads the settings within; the engine in process does not."""
    told: list[tuple[int, int]] = []

    class Asked:
        def raw_query(self, statement: str, settings: dict[str, Any] | None = None) -> bytes:
            told.append((len(statement), (settings or {}).get("max_query_size", 262_144)))
            return b""

    monkeypatch.setattr(LastingClient, "connected", lambda _: Asked())
    assert ClickHouseKnownEvents("http://127.0.0.1:9", "audit").accounts([a_line() for _ in range(9_000)]) == []
    ((length, allowed),) = told
    assert 262_144 < length <= allowed


def test_an_import_is_known_for_as_long_as_its_lines(database: str, clickhouse_url: str) -> None:
    months_ago = NOW - timedelta(days=200)
    imported = a_line(recorded_at=months_ago, occurred_at=months_ago, import_id=uuid4(), channel="file_import")
    live = a_line(recorded_at=months_ago, occurred_at=months_ago)
    subject = Subject(ClickHouseKnownEvents(clickhouse_url, database), ClickHouseSink(clickhouse_url, database))
    subject.store(imported, live)
    with connect(clickhouse_url) as client:
        client.command(f"OPTIMIZE TABLE {database}.event_keys FINAL")
    assert subject.accounts(imported._replace(kafka_offset=11), live._replace(kafka_offset=11)) == {account(imported)}


def test_a_lookup_of_new_live_events_does_not_read_through_the_known_ones(
    database: str, clickhouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids of version 7 begin with their time. A batch of them would else read all of the last 8 days."""
    read: list[int] = []
    ask = HttpClient.raw_query

    def counted(client: HttpClient, statement: str, settings: dict[str, Any]) -> bytes:
        read.append(int(client.query(statement.partition(" FORMAT ")[0], settings=settings).summary["read_rows"]))
        return ask(client, statement, settings=settings)

    sink, known = ClickHouseSink(clickhouse_url, database), ClickHouseKnownEvents(clickhouse_url, database)
    stored = [a_line(event_id=uuid7(), place=(0, n)) for n in range(4_000)]
    sink.write(Rows(activities=stored))
    new = [a_line(event_id=uuid7()) for _ in range(1_000)]
    monkeypatch.setattr(HttpClient, "raw_query", counted)
    assert known.accounts(new) == []
    assert 0 < sum(read) < len(new) + len(stored) / 2
    assert {account(row) for row in known.accounts([*new, stored[7]._replace(kafka_offset=1)])} == {account(stored[7])}


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable) as raised:
        ClickHouseKnownEvents("http://127.0.0.1:9", "audit").accounts([a_line()])
    assert "acme" not in str(raised.value)


def test_the_check_of_the_whole_log_lists_what_is_told_in_two_ways_and_nothing_else(
    database: str, clickhouse_url: str
) -> None:
    first, moved, changed = a_line(), a_line(), a_line()
    stored = [
        first,
        first._replace(kafka_offset=11, precedence=1),
        moved,
        moved._replace(client_space_id="other", kafka_offset=12, precedence=1),
        changed,
        changed._replace(channel="api", kafka_offset=13, precedence=1),
    ]
    with connect(clickhouse_url) as client:
        client.command(f"SYSTEM STOP MERGES {database}.activity_log")
        for row in stored:
            ClickHouseSink(clickhouse_url, database).write(Rows(activities=[row]))
        found = {conflict.event_id: conflict for conflict in stored_conflicts(client, database)}
    assert {event_id: conflict.kind for event_id, conflict in found.items()} == {
        moved.event_id: "several_lines",
        changed.event_id: "other_content",
    }
    assert found[moved.event_id].keys == [("acme", NOW), ("other", NOW)]
    assert found[changed.event_id].places == [(1, 10), (1, 13)]
