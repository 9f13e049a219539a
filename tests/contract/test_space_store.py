"""Every `SpaceStore` keeps its promises: the in-memory one, and ClickHouse."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from schemas.clickhouse_client import connect
from schemas.rows import ERASED, PersonNameRow
from stream.clients.migrate import migrate
from stream.erasure.persons import ClickHousePersonStore
from stream.erasure.spaces import ClickHouseSpaceStore, SpaceStore
from stream.errors import Unavailable
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import ClickHouseSink, LogSink
from tests.builders import NOW, a_lifetime, a_uuid
from tests.contract.test_log_sink import a_line
from tests.fakes.erasure import InMemoryPersonStore, InMemorySpaceStore
from tests.fakes.stream import InMemorySink

GONE, STAYS = "gone'\\", "gone"


@dataclass
class Subject:
    """A store, what fills it, and the client spaces that are marked in it."""

    store: SpaceStore
    sink: LogSink
    marked: Callable[[], dict[str, datetime]]


@pytest.fixture(params=["in memory", "clickhouse"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "in memory":
        sink = InMemorySink()
        yield Subject(InMemorySpaceStore(sink), sink, InMemoryPersonStore(sink).off_boarded)
        return
    url = request.getfixturevalue("clickhouse_url")
    database = f"spaces_{uuid4().hex}"
    with connect(url) as client:
        list(migrate(client, database))
        persons = ClickHousePersonStore(url, database)
        yield Subject(ClickHouseSpaceStore(url, database), ClickHouseSink(url, database), persons.off_boarded)
        client.command(f"DROP DATABASE {database}")


def fill(subject: Subject) -> None:
    for number, space in enumerate((GONE, STAYS)):
        name = PersonNameRow(space, a_uuid(1), "usr_ada", "ada@example.com", "Ada", NOW, NOW)
        line = a_line(a_uuid(number + 7), client_space_id=space)
        subject.sink.write(Rows([a_lifetime(space, a_uuid(1), ERASED, NOW)], [name], [line, line]))


def test_a_marked_client_space_leaves_no_row_and_no_other_loses_one(subject: Subject) -> None:
    fill(subject)
    before = subject.store.held(STAYS)
    assert {"activity_log", "person_names", "person_lifetimes"} <= {held.table for held in subject.store.held(GONE)}
    assert subject.store.lines(GONE) == 1
    subject.store.mark({GONE: NOW})
    subject.store.remove()
    assert subject.store.held(GONE) == []
    assert subject.store.held(STAYS) == before
    assert (subject.store.lines(GONE), subject.store.lines(STAYS)) == (0, 1)


def test_a_removal_may_be_repeated_and_takes_what_came_since(subject: Subject) -> None:
    subject.store.mark({GONE: NOW})
    subject.store.remove()
    fill(subject)
    subject.store.remove()
    subject.store.remove()
    assert subject.store.held(GONE) == []


def test_nothing_is_removed_of_a_client_space_that_is_not_marked(subject: Subject) -> None:
    fill(subject)
    subject.store.remove()
    assert subject.store.lines(GONE) == 1


def test_the_time_of_a_mark_stays_when_it_is_marked_again_with_it(subject: Subject) -> None:
    later = NOW + timedelta(days=1)
    subject.store.mark({GONE: NOW})
    subject.store.mark({GONE: NOW, STAYS: later})
    assert subject.marked() == {GONE: NOW, STAYS: later}


def test_every_table_with_client_spaces_is_emptied_in_the_log_s_database_alone(clickhouse_url: str) -> None:
    """What is derived from lines too; rows in another database are found, and left to whoever made it."""
    database, other = f"spaces_{uuid4().hex}", f"kept_{uuid4().hex}"
    with connect(clickhouse_url) as client:
        for name in (database, other):
            list(migrate(client, name))
        store = ClickHouseSpaceStore(clickhouse_url, database)
        for name in (database, other):
            fill(Subject(store, ClickHouseSink(clickhouse_url, name), dict))
        row = {"space": GONE}
        sql = f"INSERT INTO {database}.access_log (client_space_id, at) SELECT {{space:String}}, now64(6)"
        client.command(sql, parameters=row)
        derived = {"event_keys", "person_lines", "stored_through", "access_log"}
        assert derived < {held.table for held in store.held(GONE) if held.database == database}
        store.mark({GONE: NOW})
        store.remove()
        left = store.held(GONE)
        assert {held.database for held in left} == {other}
        for name in (database, other):
            client.command(f"DROP DATABASE {name}")


def test_a_store_that_is_down_is_unavailable() -> None:
    store = ClickHouseSpaceStore("http://127.0.0.1:9", "audit")
    for use in (lambda: store.mark({}), lambda: store.lines("acme"), lambda: store.held("acme"), store.remove):
        with pytest.raises(Unavailable):
            use()
