"""Every `PersonStore` keeps its promises: the in-memory one, and ClickHouse."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from schemas.clickhouse_client import connect
from schemas.lifetimes import Erasure
from schemas.rows import PersonLifetimeRow, PersonNameRow
from stream.clients.migrate import migrate
from stream.erasure import persons
from stream.erasure.guard import sorted_halves
from stream.erasure.persons import ClickHousePersonStore, PersonStore
from stream.erasure.rules import PersonKey
from stream.errors import Unavailable
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import ClickHouseSink, LogSink
from tests.builders import NOW, a_lifetime, a_uuid
from tests.fakes.erasure import InMemoryPersonStore
from tests.fakes.stream import InMemorySink


@dataclass
class Subject:
    """A store, what fills it, and the names that are in it."""

    store: PersonStore
    sink: LogSink
    names: Callable[[], set[PersonNameRow]]


@pytest.fixture(params=["in memory", "clickhouse"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "in memory":
        sink = InMemorySink()
        yield Subject(InMemoryPersonStore(sink), sink, lambda: set(sink.names))
        return
    url = request.getfixturevalue("clickhouse_url")
    database = f"persons_{uuid4().hex}"
    with connect(url) as client:
        list(migrate(client, database))

        def names() -> set[PersonNameRow]:
            columns = ", ".join(PersonNameRow._fields)
            rows = client.query(f"SELECT {columns} FROM {database}.person_names FINAL").result_rows
            return {PersonNameRow(*row) for row in rows}

        yield Subject(ClickHousePersonStore(url, database), ClickHouseSink(url, database), names)
        client.command(f"DROP DATABASE {database}")


def day(number: int) -> datetime:
    return NOW + timedelta(days=number)


def a_name(person: int, first: int, last: int, username: str = "u'\\\t{x}") -> PersonNameRow:
    return PersonNameRow("acme'\\", a_uuid(person), f"usr_{person}", username, "", day(first), day(last))


def a_change(person: int, change: str, at: int) -> PersonLifetimeRow:
    return a_lifetime("acme'\\", a_uuid(person), change, day(at))


def person(number: int) -> PersonKey:
    return PersonKey("acme'\\", a_uuid(number))


def test_facts_of_the_erased_are_all_their_facts_and_nobody_else_s(subject: Subject) -> None:
    facts = [a_change(1, "created", 1), a_change(1, "erased", 2), a_change(2, "created", 1)]
    subject.sink.write(Rows(lifetimes=facts))
    assert subject.store.erased() == sorted_halves([a_uuid(1)])
    assert sorted(subject.store.of([person(1)])) == sorted(facts[:2])
    assert subject.store.erasures_in("acme'\\") == {person(1): Erasure(day(2))}
    assert subject.store.erasures_in("other") == {}
    assert subject.store.of([person(2)]) == [facts[2]]
    assert subject.store.of([]) == []


def test_who_is_due_is_removed_and_nobody_else(subject: Subject) -> None:
    names = [
        a_name(1, 1, 1),
        a_name(2, 1, 1, "former"),
        a_name(2, 1, 5, "both"),
        a_name(2, 4, 5, "present"),
        a_name(3, 1, 9),
    ]
    facts = [a_change(1, "erased", 2), a_change(2, "erased", 2), a_change(2, "created", 4), a_change(3, "created", 0)]
    subject.sink.write(Rows(lifetimes=facts, names=names))
    due = subject.store.due()
    assert due == {person(1): Erasure(day(2)), person(2): Erasure(day(2), day(4))}
    assert (subject.store.due("acme'\\"), subject.store.due("other")) == (due, {})
    subject.store.remove(due)
    assert subject.store.due() == {}
    assert subject.names() == {a_name(2, 4, 5, "both"), names[3], names[4]}


def test_many_persons_are_removed_at_once(subject: Subject) -> None:
    numbers = range(1, 450)
    subject.sink.write(
        Rows(lifetimes=[a_change(n, "erased", 2) for n in numbers], names=[a_name(n, 1, 1) for n in numbers])
    )
    subject.store.remove(subject.store.due())
    assert subject.names() == set()


def test_everybody_due_of_a_client_space_is_found_among_more_than_one_run_removes(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persons, "MAX_DUE", 1)
    subject.sink.write(
        Rows(lifetimes=[a_change(n, "erased", 2) for n in (1, 2)], names=[a_name(n, 1, 1) for n in (1, 2)])
    )
    assert subject.store.due("acme'\\").keys() == {person(1), person(2)}


def test_nobody_due_is_no_error(subject: Subject) -> None:
    assert subject.store.due() == {}
    subject.store.remove({})


def test_a_store_that_does_not_answer_is_unavailable() -> None:
    store = ClickHousePersonStore("http://127.0.0.1:9", "audit")
    for call in (store.erased, store.due, lambda: store.of([person(1)])):
        with pytest.raises(Unavailable):
            call()
