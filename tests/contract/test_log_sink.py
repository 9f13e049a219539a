"""Every `LogSink` keeps its promises: the in-memory one, and ClickHouse."""

import gc
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import OperationalError
from typer.testing import CliRunner

from schemas.clickhouse_client import connect
from schemas.migrations import Migration, migrations
from schemas.rows import ActivityRow, PersonLifetimeRow, PersonNameRow, precedence
from stream.clients.migrate import migrate
from stream.commands.cli import app
from stream.errors import StoreRefused, Unavailable, WrongSchema
from stream.pipeline.rows.lines import Lines
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import ClickHouseSink, LogSink
from tests.builders import NOW, NOW_MS, a_lifetime, a_uuid
from tests.fakes.stream import InMemorySink


class Text(str):
    """A text that can be watched."""

    __slots__ = ("__weakref__",)


@dataclass
class Subject:
    """A sink, and a look at what it stored."""

    sink: LogSink
    stored: Any


@pytest.fixture(params=["in memory", "clickhouse"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "in memory":
        fake = InMemorySink()
        yield Subject(fake, lambda: (set(fake.activities), set(fake.names), set(fake.lifetimes)))
        return
    url = request.getfixturevalue("clickhouse_url")
    database = f"sink_{uuid4().hex}"
    with connect(url) as client:
        list(migrate(client, database))

        def stored() -> tuple[set[ActivityRow], set[PersonNameRow], set[PersonLifetimeRow]]:
            def rows(table: str, columns: tuple[str, ...]) -> list[Any]:
                return list(client.query(f"SELECT {', '.join(columns)} FROM {database}.{table} FINAL").result_rows)

            return (
                {ActivityRow(*row) for row in rows("activity_log", ActivityRow._fields)},
                {PersonNameRow(*row) for row in rows("person_names", PersonNameRow._fields)},
                {PersonLifetimeRow(*row) for row in rows("person_lifetimes", PersonLifetimeRow._fields)},
            )

        sink = ClickHouseSink(url, database)
        yield Subject(sink, stored)
        sink.close()
        client.command(f"DROP DATABASE {database}")


def a_line(event_id: UUID | None = None, **fields: Any) -> ActivityRow:
    defaults: dict[str, Any] = {
        "client_space_id": "acme",
        "occurred_at": NOW,
        "event_id": event_id or uuid4(),
        "activity_type": "user_license_update",
        "channel": "api",
        "admin_ref": a_uuid(1),
        "affected_user_ref": a_uuid(2),
        "previous_license": None,
        "new_license": "Data Reader",
        "admin_rights_granted": None,
        "source_service": "user-service",
        "request_id": "req\t\n'\"\\\0é💡",
        "import_id": uuid4(),
        "import_file_sha256": "ab" * 32,
        "import_row_number": 2**31 - 1,
        "recorded_at": NOW.replace(microsecond=412_000),
        "kafka_partition": 3,
        "kafka_offset": 2**40,
        "schema_id": 2**32 - 1,
        "precedence": precedence(NOW_MS, 5),
    }
    return ActivityRow(**{**defaults, **fields})


def a_name(**fields: Any) -> PersonNameRow:
    defaults: dict[str, Any] = {
        "client_space_id": "acme",
        "person_ref": a_uuid(2),
        "person_id": "usr_ada",
        "username": "ada@example.com",
        "display_name": "Ada \u202eLovelace",
        "first_seen": NOW,
        "last_seen": NOW + timedelta(microseconds=1),
    }
    return PersonNameRow(**{**defaults, **fields})


def test_rows_are_stored_exactly_as_they_were_given(subject: Subject) -> None:
    bare = a_line(
        **dict.fromkeys(
            ["new_license", "source_service", "request_id", "import_id", "import_file_sha256", "import_row_number"]
        )
    )
    rows = Rows(
        lifetimes=[a_lifetime("acme", a_uuid(2), "erased", NOW)],
        names=[a_name(), a_name(username="", display_name="")],
        activities=[a_line(), a_line(admin_rights_granted=True), bare],
    )
    subject.sink.write(rows)
    assert subject.stored() == (set(rows.activities), set(rows.names), set(rows.lifetimes))


def test_writing_the_same_rows_again_changes_nothing(subject: Subject) -> None:
    rows = Rows([a_lifetime("acme", a_uuid(2), "created", NOW)], [a_name()], [a_line(), a_line()])
    subject.sink.write(rows)
    before = subject.stored()
    subject.sink.write(rows)
    subject.sink.write(Rows(rows.lifetimes, rows.names, rows.activities[:1]))
    assert subject.stored() == before


def through(client: Client, database: str) -> list[tuple[str, int, int]]:
    columns = "client_space_id, kafka_partition, kafka_offset"
    rows = client.query(f"SELECT {columns} FROM {database}.stored_through FINAL").result_rows
    return sorted((space, partition, offset) for space, partition, offset in rows)


def test_how_far_each_partition_is_stored_is_told_for_each_client_space(clickhouse_url: str) -> None:
    database = f"sink_{uuid4().hex}"
    with connect(clickhouse_url) as client:
        list(migrate(client, database))
        sink = ClickHouseSink(clickhouse_url, database)
        places = [("acme", 0, 7), ("acme", 0, 9), ("acme", 1, 0), ("globex", 0, 8)]
        sink.write(Rows(activities=[_at(*place) for place in places]))
        sink.write(Rows(activities=[_at("acme", 0, 3)]))
        sink.close()
        assert through(client, database) == [("acme", 0, 9), ("acme", 1, 0), ("globex", 0, 8)]
        client.command(f"DROP DATABASE {database}")


def test_a_partition_is_not_told_to_be_stored_where_the_lines_were_not_taken(clickhouse_url: str) -> None:
    database = f"sink_{uuid4().hex}"
    with connect(clickhouse_url) as client:
        list(migrate(client, database))
        client.command(f"DROP TABLE {database}.activity_log")
        sink = ClickHouseSink(clickhouse_url, database)
        with pytest.raises(Unavailable):
            sink.write(Rows(activities=[_at("acme", 0, 7)]))
        sink.close()
        assert through(client, database) == []
        client.command(f"DROP DATABASE {database}")


def _at(space: str, partition: int, offset: int) -> ActivityRow:
    return a_line(client_space_id=space, kafka_partition=partition, kafka_offset=offset)


def test_nothing_to_write_is_no_error(subject: Subject) -> None:
    subject.sink.write(Rows())
    assert subject.stored() == (set(), set(), set())


def test_the_schema_of_a_migrated_database_is_accepted(subject: Subject) -> None:
    subject.sink.check_schema()


class TestClickHouse:
    """What only the real store can show."""

    def test_the_first_copy_of_an_event_wins_whatever_the_order_of_inserts(
        self, clickhouse_url: str, database: str
    ) -> None:
        sink = ClickHouseSink(clickhouse_url, database)
        event_id = uuid4()
        first = a_line(event_id, new_license="first", precedence=precedence(NOW_MS, 1))
        second = a_line(event_id, new_license="second", precedence=precedence(NOW_MS + 1000, 0))
        sink.write(Rows(activities=[second]))
        sink.write(Rows(activities=[first]))
        sink.write(Rows(activities=[second, second]))
        with connect(clickhouse_url) as client:
            assert client.query(f"SELECT new_license FROM {database}.activity_log FINAL").result_rows == [("first",)]
            client.command(f"OPTIMIZE TABLE {database}.activity_log FINAL")
            assert client.query(f"SELECT new_license FROM {database}.activity_log").result_rows == [("first",)]

    def test_sightings_of_a_name_fold_into_its_first_and_last_in_any_order(
        self, clickhouse_url: str, database: str
    ) -> None:
        sink = ClickHouseSink(clickhouse_url, database)
        for day in (3, 1, 2):
            at = NOW + timedelta(days=day)
            sink.write(Rows(names=[a_name(first_seen=at, last_seen=at)]))
        with connect(clickhouse_url) as client:
            client.command(f"OPTIMIZE TABLE {database}.person_names FINAL")
            rows = client.query(f"SELECT first_seen, last_seen FROM {database}.person_names").result_rows
        assert rows == [(NOW + timedelta(days=1), NOW + timedelta(days=3))]

    def test_a_value_that_a_column_cannot_hold_is_refused_and_nothing_is_stored(
        self, clickhouse_url: str, database: str
    ) -> None:
        sink = ClickHouseSink(clickhouse_url, database)
        with pytest.raises(StoreRefused) as refused:
            sink.write(Rows(activities=[a_line(), a_line(kafka_partition="not a number")]))
        assert "not a number" not in str(refused.value)
        with connect(clickhouse_url) as client:
            assert client.command(f"SELECT count() FROM {database}.activity_log") == 0

    def test_a_store_that_does_not_answer_is_unavailable(self) -> None:
        nobody_listens = "http://127.0.0.1:9"
        with pytest.raises(Unavailable):
            ClickHouseSink(nobody_listens, "audit").write(Rows(activities=[a_line()]))

    def test_a_missing_table_is_an_outage_and_not_a_bad_row(self, clickhouse_url: str) -> None:
        with pytest.raises(Unavailable, match=r"code (60|81)"):
            ClickHouseSink(clickhouse_url, "no_such_database").write(Rows(activities=[a_line()]))

    def test_tables_of_another_version_are_refused(self, clickhouse_url: str, database: str) -> None:
        with connect(clickhouse_url) as client:
            client.command(f"INSERT INTO {database}.schema_migrations SELECT 99, 'later', 'x', now64(6)")
        with pytest.raises(WrongSchema, match="0099 is newer"):
            ClickHouseSink(clickhouse_url, database).check_schema()

    def test_migrating_twice_applies_nothing_twice(self, clickhouse_url: str, database: str) -> None:
        with connect(clickhouse_url) as client:
            assert list(migrate(client, database)) == []

    def test_parts_are_merged_by_tens_and_what_rests_for_a_day_becomes_one(
        self, clickhouse_url: str, database: str
    ) -> None:
        whole = "min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1"
        sql = (
            "SELECT name, position(engine_full, {whole:String}) > 0 FROM system.tables"
            " WHERE database = {d:String} AND engine_full LIKE '%merge_selector_base = 10%' ORDER BY 1"
        )
        with connect(clickhouse_url) as client:
            found = client.query(sql, parameters={"d": database, "whole": whole}).result_rows
        assert found == [("activity_log", 1), ("event_keys", 0), ("person_lines", 1)]

    def test_a_migration_may_take_longer_than_a_client_waits_otherwise(
        self, clickhouse_url: str, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slow = Migration(9999, "slow", "SELECT sleep(2) -- {database}.t", "x")
        for module in ("schemas.migrations", "stream.clients.migrate"):
            monkeypatch.setattr(f"{module}.migrations", lambda: (*migrations(), slow))
        monkeypatch.setitem(connect.__kwdefaults__ or {}, "timeout_seconds", 1)
        # What the command connects with, the settings of the stack's worker aside.
        monkeypatch.setattr(
            "stream.commands.cli.settings_or_exit",
            lambda: SimpleNamespace(clickhouse=(clickhouse_url, database)),
        )
        with pytest.raises(OperationalError), connect(clickhouse_url) as client:
            list(migrate(client, database))
        done = CliRunner().invoke(app, ["migrate"])
        assert done.exit_code == 0, done.output
        assert "applied 9999_slow" in done.output

    def test_migrating_over_another_text_is_refused_and_changes_nothing(
        self, clickhouse_url: str, database: str
    ) -> None:
        with connect(clickhouse_url) as client:
            client.command(f"INSERT INTO {database}.schema_migrations SELECT 2, 'persons', 'edited', now64(6)")
            with pytest.raises(WrongSchema, match="0002_persons was applied from another text"):
                list(migrate(client, database))

    @pytest.fixture
    def database(self, clickhouse_url: str) -> Iterator[str]:
        name = f"sink_{uuid4().hex}"
        with connect(clickhouse_url) as client:
            list(migrate(client, name))
            yield name
            client.command(f"DROP DATABASE {name}")

    def test_a_sink_holds_the_rows_of_no_batch_but_the_last(self, clickhouse_url: str, database: str) -> None:
        sink = ClickHouseSink(clickhouse_url, database)
        event_ids = []
        # The collector would find them, sooner or later; under load it is later.
        gc.disable()
        try:
            for _ in range(3):
                event_id = Text(uuid4())
                event_ids.append(weakref.ref(event_id))
                sink.write(Rows(activities=Lines(Lines.of([a_line()]).columns._replace(event_id=[event_id]))))
                del event_id
            assert [event_id() is None for event_id in event_ids] == [True, True, False]
        finally:
            gc.enable()
