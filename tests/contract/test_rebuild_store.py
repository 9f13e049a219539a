"""The exchange of tables at ClickHouse itself: what an insert at that very moment does."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from schemas.clickhouse_client import connect
from schemas.rows import CREATED, ERASED, PERSON_LIFETIMES, PERSON_NAMES, PersonLifetimeRow, PersonNameRow
from stream.clients.migrate import migrate
from stream.errors import Unavailable
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import ClickHouseSink
from stream.rebuild.store import Difference, RebuildStore
from tests.builders import NOW, a_lifetime, a_uuid

SLOW_ROWS = 10
SLOW_INSERT = (
    f"INSERT INTO {{database}}.{PERSON_LIFETIMES}"
    f" SELECT 'space-1', generateUUIDv4(), '{CREATED}', now64(6), generateUUIDv4(), 1"
    f" FROM numbers({SLOW_ROWS}) WHERE sleepEachRow(0.25) = 0"
)
ENDLESS_INSERT = (
    f"INSERT INTO {{database}}.{PERSON_LIFETIMES}"
    f" SELECT 'space-1', generateUUIDv4(), '{CREATED}', now64(6), generateUUIDv4(), 1"
    " FROM numbers(3600) WHERE sleepEachRow(1) = 0 SETTINGS max_block_size = 1"
)
_INTO_DATABASE = "query_kind = 'Insert' AND query LIKE concat('%', {database:String}, '%')"
"""The stack's own worker inserts too."""
ONE_ROW = Rows(lifetimes=[a_lifetime("space-1", a_uuid(1), CREATED, NOW)])


def _an_insert_runs(client: Client, database: str) -> bool:
    sql = f"SELECT 1 FROM system.processes WHERE {_INTO_DATABASE}"
    return bool(client.query(sql, parameters={"database": database}).result_rows)


@dataclass
class Subject:
    """Two databases with the same tables, and views that write to both."""

    url: str
    served: str
    rebuilt: str

    @property
    def store(self) -> RebuildStore:
        return RebuildStore(self.url, served=self.served, rebuilt=self.rebuilt)

    @property
    def sink(self) -> ClickHouseSink:
        return ClickHouseSink(self.url, self.served)

    def insert_slowly(self, database: str | None = None) -> None:
        with connect(self.url) as client:
            client.command(SLOW_INSERT.format(database=database or self.served))

    def insert_until_killed(self, database: str | None = None) -> None:
        with connect(self.url) as client, pytest.raises(Error, match="QUERY_WAS_CANCELLED"):
            client.command(ENDLESS_INSERT.format(database=database or self.served))

    def kill_inserts(self, database: str | None = None) -> None:
        with connect(self.url) as client:
            client.command(f"KILL QUERY WHERE {_INTO_DATABASE} SYNC", parameters={"database": database or self.served})

    def an_insert_runs(self) -> bool:
        with connect(self.url) as client:
            return _an_insert_runs(client, self.served)

    def wait_for_an_insert(self, inserting: Future[None], database: str | None = None) -> None:
        """Return once *inserting* runs at the server; fail the test where it ended before that was seen."""
        # One connection for all looks: to make one takes as long as a short insert.
        with connect(self.url) as client:
            while not _an_insert_runs(client, database or self.served):
                assert not inserting.done(), "the insert was over before anybody saw it"
                time.sleep(0.01)

    def count(self) -> int:
        with connect(self.url) as client:
            return int(client.query(f"SELECT count() FROM {self.served}.{PERSON_LIFETIMES} FINAL").result_rows[0][0])


@pytest.fixture
def subject(clickhouse_url: str) -> Iterator[Subject]:
    served, rebuilt = f"served_{uuid4().hex}", f"rebuilt_{uuid4().hex}"
    with connect(clickhouse_url) as client:
        list(migrate(client, served))
        found = Subject(clickhouse_url, served, rebuilt)
        found.store.prepare()
        found.store.mirror()
        yield found
        for database in (rebuilt, served):
            client.command(f"DROP DATABASE IF EXISTS {database} SYNC")


def a_name(username: str, first: float, last: float, person: int = 1) -> PersonNameRow:
    days = (NOW + timedelta(days=day) for day in (first, last))
    return PersonNameRow("space-1", a_uuid(person), f"usr_{person}", username, username.title(), *days)


def a_change(change: str, day: int, person: int = 1) -> PersonLifetimeRow:
    return a_lifetime("space-1", a_uuid(person), change, NOW + timedelta(days=day))


def differences(subject: Subject, served: Rows, rebuilt: Rows) -> list[Difference]:
    """Where the two databases differ once they hold these rows, and the same lifetimes."""
    subject.store.end_mirror()
    subject.sink.write(served)
    ClickHouseSink(subject.url, subject.rebuilt).write(replace(rebuilt, lifetimes=served.lifetimes))
    return subject.store.differences(since=NOW - timedelta(days=365), until=NOW + timedelta(days=99))


def test_a_name_of_a_later_life_that_was_not_rebuilt_is_a_difference_and_none_of_the_deleted_is(
    subject: Subject,
) -> None:
    lifetimes = [a_change(ERASED, 2), a_change(CREATED, 4), a_change(ERASED, 2, 2)]
    on_their_way_out = [a_name("former", 1, 1), a_name("gone", 1, 3, 2)]
    served, rebuilt = Rows(lifetimes, [a_name("back", 4, 5), *on_their_way_out]), Rows(names=[])
    (found,) = differences(subject, served, rebuilt)
    assert (found.part.table, found.served.rows, found.rebuilt.rows, found.loses()) == (PERSON_NAMES, 1, 0, True)
    assert differences(subject, served, Rows(names=[a_name("back", 4, 5)])) == []


def only_served(subject: Subject) -> list[PersonNameRow]:
    parts = subject.store.only_served("space-1", NOW - timedelta(days=365))
    return [PersonNameRow(*row) for rows in parts for row in rows.names]


@pytest.mark.parametrize(
    ("served", "rebuilt", "is_lost"),
    [
        # A, B and A again: without A's last sighting, every line from B's on shows B.
        ((0, 20), (0, 1), True),
        ((0, 8.1), (0, 1), True),
        # The worker publishes the last sighting of a name up to a week late.
        ((0, 8), (0, 1), False),
        ((0, 1), (0, 20), False),
        ((0, 20), (0, 20), False),
    ],
)
def test_a_name_whose_last_sights_were_not_rebuilt_is_only_served_and_a_difference(
    subject: Subject, served: tuple[float, float], rebuilt: tuple[float, float], is_lost: bool
) -> None:
    between = a_name("b", 3, 5)
    names, rebuilt_names = ([a_name("a", *span), between] for span in (served, rebuilt))
    found = differences(subject, Rows(names=names), Rows(names=rebuilt_names))
    assert [(difference.part.table, difference.loses()) for difference in found] == [(PERSON_NAMES, True)] * is_lost
    assert only_served(subject) == [names[0]] * is_lost
    # Published and read, as a backfill does.
    ClickHouseSink(subject.url, subject.rebuilt).write(Rows(names=only_served(subject)))
    assert differences(subject, Rows(), Rows()) == []
    assert only_served(subject) == []


def test_a_name_that_was_seen_earlier_than_is_rebuilt_or_is_not_rebuilt_at_all_is_only_served(subject: Subject) -> None:
    served = [a_name("a", 0, 9), a_name("b", 3, 9), a_name("c", 5, 5)]
    differences(subject, Rows(names=served), Rows(names=[a_name("a", 1, 9), a_name("b", 2, 9)]))
    assert sorted(row.username for row in only_served(subject)) == ["a", "c"]


def test_after_the_exchange_the_log_is_whole_as_far_as_either_database_was(subject: Subject) -> None:
    columns = "client_space_id", "kafka_partition", "kafka_offset"
    with connect(subject.url) as client:
        for database, places in (
            (subject.served, [("acme", 0, 9), ("acme", 1, 1)]),
            (subject.rebuilt, [("acme", 0, 7), ("acme", 1, 2), ("globex", 0, 3)]),
        ):
            client.insert("stored_through", places, column_names=columns, database=database)
        subject.store.exchange()
        found = client.query(f"SELECT {', '.join(columns)} FROM {subject.served}.stored_through FINAL").result_rows

    assert sorted(map(tuple, found)) == [("acme", 0, 9), ("acme", 1, 2), ("globex", 0, 3)]


def test_an_insert_that_runs_at_the_exchange_is_waited_for_and_shown_after_it(subject: Subject) -> None:
    with ThreadPoolExecutor() as threads:
        inserting = threads.submit(subject.insert_slowly)
        subject.wait_for_an_insert(inserting)
        subject.store.exchange()
        assert not subject.an_insert_runs()
        inserting.result()
    assert subject.count() == SLOW_ROWS


def test_the_exchange_itself_waits_for_an_insert_and_not_the_end_of_the_views_alone(subject: Subject) -> None:
    subject.store.end_mirror()
    with ThreadPoolExecutor() as threads:
        inserting = threads.submit(subject.insert_slowly)
        subject.wait_for_an_insert(inserting)
        subject.store.exchange()
        assert not subject.an_insert_runs()
        inserting.result()


def test_an_insert_that_does_not_end_is_not_waited_for_for_ever(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.rebuild.store._PATIENCE_SECONDS", 0.2)
    with ThreadPoolExecutor() as threads:
        inserting = threads.submit(subject.insert_until_killed)
        subject.wait_for_an_insert(inserting)
        with pytest.raises(Unavailable):
            subject.store.exchange()
        assert not inserting.done()
        # Others are let in again, or this raises.
        subject.sink.write(ONE_ROW)
        subject.kill_inserts()
        inserting.result()


def test_what_is_inserted_into_another_database_is_not_waited_for(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.rebuild.store._PATIENCE_SECONDS", 0.2)
    other = f"other_{uuid4().hex}"
    with connect(subject.url) as client, ThreadPoolExecutor() as threads:
        list(migrate(client, other))
        inserting = threads.submit(subject.insert_until_killed, other)
        subject.wait_for_an_insert(inserting, other)
        subject.store.exchange()
        assert not inserting.done()
        subject.kill_inserts(other)
        inserting.result()
        client.command(f"DROP DATABASE {other} SYNC")


def test_an_insert_that_comes_while_the_exchange_waits_is_put_off(subject: Subject) -> None:
    sink = subject.sink
    sink.write(ONE_ROW)
    with ThreadPoolExecutor() as threads:
        inserting = threads.submit(subject.insert_slowly)
        subject.wait_for_an_insert(inserting)
        exchanging = threads.submit(subject.store.exchange)
        refusals = 0
        while not exchanging.done():
            try:
                sink.write(ONE_ROW)
            except Unavailable:
                refusals += 1
        exchanging.result()
        inserting.result()
    assert refusals > 0
    sink.write(ONE_ROW)
    assert subject.count() == SLOW_ROWS + 1


def test_a_rebuild_that_begins_again_lets_go_of_what_a_killed_one_held_back(subject: Subject) -> None:
    with connect(subject.url) as client:
        client.command(f"ALTER TABLE {subject.served}.{PERSON_LIFETIMES} MODIFY SETTING max_parts_in_total = 0")
    with pytest.raises(Unavailable):
        subject.sink.write(ONE_ROW)
    subject.store.prepare()
    subject.sink.write(ONE_ROW)
    assert subject.count() == 1
