"""A rebuild's database at ClickHouse itself: whose it is, how it is compared, exchanged, kept and dropped."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.httpclient import HttpClient

from schemas.clickhouse_client import connect
from schemas.rows import (
    CREATED,
    ERASED,
    PERSON_LIFETIMES,
    PERSON_NAMES,
    TOPIC_EPOCHS,
    PersonLifetimeRow,
    PersonNameRow,
    row_offset,
)
from stream.clients.migrate import migrate
from stream.erasure.spaces import ClickHouseSpaceStore
from stream.errors import RebuildRefused
from stream.pipeline.rows.rows import Rows
from stream.pipeline.sink import ClickHouseSink
from stream.rebuild.compare import SHOWN_LINES, Commit, Comparison, compare
from stream.rebuild.exchange import exchange
from stream.rebuild.store import Databases, RebuildStore, drop, is_exchanged
from tests.builders import NOW, a_lifetime, a_uuid
from tests.contract.test_log_sink import a_line

SINCE, UNTIL = NOW - timedelta(days=365), NOW + timedelta(days=99)
EXCHANGED_AT = datetime(2026, 11, 28, 8, 15, 1, tzinfo=UTC)


@dataclass
class Subject:
    """A served database, and a rebuild of it that has begun."""

    databases: Databases

    def serve(self, rows: Rows) -> None:
        ClickHouseSink(self.databases.url, self.databases.served).write(rows)

    def rebuild(self, rows: Rows) -> None:
        ClickHouseSink(self.databases.url, self.databases.rebuilt).write(rows)

    def topic(self, epoch: int) -> str:
        """The id of a topic of events that the served database knows under *epoch*."""
        topic_id = a_uuid(5_000 + epoch)
        with connect(self.databases.url) as client:
            row = [topic_id, epoch]
            client.insert(TOPIC_EPOCHS, [row], column_names=["topic_id", "epoch"], database=self.databases.served)
        return str(topic_id)

    def compared(self, commits: dict[int, Commit] | None = None) -> Comparison:
        return compare(self.databases, commits or {}, since=SINCE, until=UNTIL)

    def query(self, sql: str) -> list[Any]:
        with connect(self.databases.url) as client:
            text = sql.replace("SERVED", self.databases.served).replace("REBUILT", self.databases.rebuilt)
            return list(client.query(text).result_rows)

    def served_offsets(self) -> list[int]:
        return [offset for (offset,) in self.query("SELECT kafka_offset FROM SERVED.activity_log FINAL ORDER BY 1")]


def all_databases(client: Client) -> set[str]:
    return {name for (name,) in client.query("SELECT name FROM system.databases").result_rows}


@pytest.fixture
def subject(clickhouse_url: str) -> Iterator[Subject]:
    name = uuid4().hex
    databases = Databases(clickhouse_url, f"served_{name}", f"rebuilt_{name}")
    with connect(clickhouse_url) as client:
        list(migrate(client, databases.served))
        RebuildStore(databases).prepare()
        yield Subject(databases)
        for database in all_databases(client):
            if name in database:
                client.command(f"DROP DATABASE {database} SYNC")


def lines(*offsets: int, partition: int = 0, **fields: Any) -> Rows:
    """A line for each offset. The same offset is the same line."""
    return Rows(
        activities=[
            a_line(
                a_uuid(1000 * partition + offset),
                kafka_partition=partition,
                kafka_offset=offset,
                **{"import_id": None, "recorded_at": NOW + timedelta(seconds=offset), **fields},
            )
            for offset in offsets
        ]
    )


def a_name(username: str, first: float, last: float, person: int = 1) -> PersonNameRow:
    days = (NOW + timedelta(days=day) for day in (first, last))
    return PersonNameRow("space-1", a_uuid(person), f"usr_{person}", username, username.title(), *days)


def a_change(change: str, day: int, person: int = 1) -> PersonLifetimeRow:
    return a_lifetime("space-1", a_uuid(person), change, NOW + timedelta(days=day))


@pytest.mark.parametrize("rebuilt", [(), range(5), (0, 1, 2, 3, 5, 6, 7, 8, 9), range(1, 10)])
def test_served_lines_that_the_topic_lacks_are_missing_wherever_they_are(
    subject: Subject, rebuilt: tuple[int, ...]
) -> None:
    """All of them, its end, a hole, its beginning."""
    subject.serve(lines(*range(10)))
    subject.rebuild(lines(*rebuilt))
    found = subject.compared()
    lost = sorted(set(range(10)) - set(rebuilt))
    assert found.lost_lines == len(lost)
    assert sorted(line.kafka_offset for line in found.lines) == lost[:SHOWN_LINES] or len(lost) > SHOWN_LINES
    assert {line.is_missing for line in found.lines} == {True}


def test_a_partition_that_came_out_empty_is_missing_although_nothing_of_it_is_committed(subject: Subject) -> None:
    subject.serve(lines(0, 1, 2))
    subject.serve(lines(7, 8, partition=3))
    subject.rebuild(lines(0, 1, 2))
    from_the_beginning = {partition: Commit(0, subject.topic(0)) for partition in (0, 3)}
    assert subject.compared(from_the_beginning).lost_lines == 2


def test_lines_behind_the_commit_are_no_difference_since_the_next_worker_stores_them(subject: Subject) -> None:
    subject.serve(lines(*range(10)))
    subject.rebuild(lines(*range(7)))
    topic = subject.topic(0)
    found = subject.compared({0: Commit(7, topic)})
    assert (found.differences, found.uncommitted) == ([], 3)
    assert subject.compared({0: Commit(8, topic)}).lost_lines == 1
    assert subject.compared({1: Commit(7, topic)}).lost_lines == 3


def test_a_commit_that_no_worker_made_excuses_no_line(subject: Subject) -> None:
    """Kafka's tools name no topic, and another group's offset says nothing of what workers stored."""
    subject.topic(0)
    subject.serve(lines(*range(10)))
    subject.rebuild(lines(*range(7)))
    for topic in ("", str(a_uuid(99))):
        assert subject.compared({0: Commit(7, topic)}).lost_lines == 3


def test_lines_of_an_earlier_topic_of_events_are_missing_although_their_offsets_are_behind_the_commit(
    subject: Subject,
) -> None:
    subject.serve(lines(*range(10)))
    subject.rebuild(lines(*range(3)))
    assert subject.compared({0: Commit(3, subject.topic(1))}).lost_lines == 7


def test_lines_of_a_topic_that_was_made_anew_are_compared_by_their_own_offsets(subject: Subject) -> None:
    def anew(*offsets: int) -> Rows:
        made = lines(*offsets).activities
        return Rows(activities=[row._replace(kafka_offset=row_offset(1, row.kafka_offset)) for row in made])

    subject.serve(anew(*range(10)))
    subject.rebuild(anew(*range(6)))
    found = subject.compared({0: Commit(7, subject.topic(1))})
    assert (found.lost_lines, found.uncommitted) == (1, 3)
    assert [line.kafka_offset for line in found.lines] == [6]


def test_a_line_with_other_content_is_changed_and_one_that_is_only_rebuilt_is_none(subject: Subject) -> None:
    subject.serve(lines(0, 1))
    subject.rebuild(lines(0, 2))
    subject.rebuild(lines(1, new_license="Another"))
    found = subject.compared()
    assert [(one.missing, one.changed) for one in found.differences] == [(0, 1)]
    assert [(line.kafka_offset, line.is_missing) for line in found.lines] == [(1, False)]


def test_differences_are_told_by_client_space_and_month_and_expired_lines_are_none(subject: Subject) -> None:
    subject.serve(lines(0, client_space_id="acme"))
    subject.serve(lines(1, client_space_id="acme", occurred_at=NOW - timedelta(days=40)))
    subject.serve(lines(2, client_space_id="globex"))
    subject.serve(lines(3, occurred_at=SINCE - timedelta(days=1)))
    assert [(one.client_space_id, one.missing) for one in subject.compared().differences] == [
        ("acme", 1),
        ("acme", 1),
        ("globex", 1),
    ]


def test_facts_of_lives_that_were_not_rebuilt_are_differences(subject: Subject) -> None:
    facts = [a_change(CREATED, 1), a_change(ERASED, 2)]
    subject.serve(Rows(lifetimes=facts))
    subject.rebuild(Rows(lifetimes=facts[:1]))
    (found,) = subject.compared().differences
    assert (found.table, found.missing, found.changed) == (PERSON_LIFETIMES, 1, 0)


def test_a_name_of_a_later_life_that_was_not_rebuilt_is_a_difference_and_none_of_the_deleted_is(
    subject: Subject,
) -> None:
    lifetimes = [a_change(ERASED, 2), a_change(CREATED, 4), a_change(ERASED, 2, 2)]
    on_their_way_out = [a_name("former", 1, 1), a_name("gone", 1, 3, 2)]
    subject.serve(Rows(lifetimes, [a_name("back", 4, 5), *on_their_way_out]))
    subject.rebuild(Rows(lifetimes))
    (found,) = subject.compared().differences
    assert (found.table, found.missing, found.changed) == (PERSON_NAMES, 1, 0)
    subject.rebuild(Rows(names=[a_name("back", 4, 5)]))
    assert subject.compared().differences == []


@pytest.mark.parametrize(
    ("served", "rebuilt", "is_changed"),
    [
        # A, B and A again: without A's last sighting, every line from B's on shows B.
        ((0, 20), (0, 1), True),
        ((0, 8.1), (0, 1), True),
        # The worker publishes the last sighting of a name up to a week late.
        ((0, 8), (0, 1), False),
        ((0, 1), (0, 20), False),
        ((0, 20), (0, 20), False),
        ((0, 9), (1, 9), True),
        ((2, 9), (1, 9), False),
    ],
)
def test_a_name_whose_first_or_last_sighting_was_not_rebuilt_is_changed(
    subject: Subject, served: tuple[float, float], rebuilt: tuple[float, float], is_changed: bool
) -> None:
    between = a_name("b", 3, 5)
    subject.serve(Rows(names=[a_name("a", *served), between]))
    subject.rebuild(Rows(names=[a_name("a", *rebuilt), between]))
    found = subject.compared().differences
    assert [(one.table, one.missing, one.changed) for one in found] == [(PERSON_NAMES, 0, 1)] * is_changed


def test_an_exchange_serves_the_rebuilt_lines_and_keeps_those_before_under_a_dated_name(subject: Subject) -> None:
    subject.serve(lines(0, 1))
    subject.rebuild(lines(1, 2, 3))
    kept = exchange(subject.databases, EXCHANGED_AT)
    assert kept == f"{subject.databases.served}_replaced_20261128_081501"
    assert subject.served_offsets() == [1, 2, 3]
    assert subject.query(f"SELECT kafka_offset FROM {kept}.activity_log FINAL ORDER BY 1") == [(0,), (1,)]
    # A name in it would escape every erasure.
    tables = subject.query(f"SELECT name FROM system.tables WHERE database = '{kept}' ORDER BY name")
    assert tables == [("activity_log",), ("rebuild_marker",)]


def test_an_exchange_keeps_every_name_and_fact_of_a_life_that_either_database_holds(subject: Subject) -> None:
    subject.serve(Rows([a_change(ERASED, 2, 7)], [a_name("served", 1, 2), a_name("both", 1, 5)]))
    subject.rebuild(Rows([a_change(CREATED, 1, 8)], [a_name("rebuilt", 3, 4), a_name("both", 0, 4)]))
    exchange(subject.databases, EXCHANGED_AT)
    assert subject.query("SELECT change FROM SERVED.person_lifetimes FINAL ORDER BY 1") == [(CREATED,), (ERASED,)]
    names = subject.query("SELECT username, first_seen, last_seen FROM SERVED.person_names FINAL ORDER BY 1")
    assert names == [
        tuple(a_name(*name)[k] for k in (3, 5, 6)) for name in (("both", 0, 5), ("rebuilt", 3, 4), ("served", 1, 2))
    ]


def test_lines_that_come_after_an_exchange_are_found_by_person_and_by_event(subject: Subject) -> None:
    at = datetime.now(UTC)
    subject.rebuild(lines(0, 1, occurred_at=at, recorded_at=at))
    exchange(subject.databases, EXCHANGED_AT)
    subject.serve(lines(2, occurred_at=at, recorded_at=at))
    assert subject.query("SELECT uniqExact(event_id) FROM SERVED.person_lines") == [(3,)]
    assert subject.query("SELECT uniqExact(kafka_offset) FROM SERVED.event_keys") == [(3,)]


@pytest.mark.parametrize("left", ["before the exchange", "during it"])
def test_an_exchange_brings_no_client_space_back_that_left_since_the_rebuild_was_loaded(
    subject: Subject, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = Rows([a_change(ERASED, 2)], [a_name("a", 1, 2)], lines(0, 1, client_space_id="space-1").activities)
    subject.rebuild(loaded)
    subject.rebuild(lines(2, client_space_id="stays"))
    spaces = ClickHouseSpaceStore(subject.databases.url, subject.databases.served)
    if left == "during it":
        cut_off("EXCHANGE TABLES", monkeypatch, is_done=False)
        with pytest.raises(KilledError):
            exchange(subject.databases, EXCHANGED_AT)
        monkeypatch.undo()
        monkeypatch.setattr(Databases, "take_marks", lambda *_: None)
    spaces.mark({"space-1": NOW})
    spaces.remove()
    exchange(subject.databases, EXCHANGED_AT)
    assert subject.served_offsets() == [2]
    assert [held for held in spaces.held("space-1") if held.database == subject.databases.served] == []


def test_after_an_exchange_the_log_is_whole_as_far_as_either_database_was(subject: Subject) -> None:
    columns = "client_space_id", "kafka_partition", "kafka_offset"
    with connect(subject.databases.url) as client:
        for database, places in (
            (subject.databases.served, [("acme", 0, 9), ("acme", 1, 1)]),
            (subject.databases.rebuilt, [("acme", 0, 7), ("acme", 1, 2), ("globex", 0, 3)]),
        ):
            client.insert("stored_through", places, column_names=columns, database=database)
    exchange(subject.databases, EXCHANGED_AT)
    found = subject.query(f"SELECT {', '.join(columns)} FROM SERVED.stored_through FINAL")
    assert sorted(map(tuple, found)) == [("acme", 0, 9), ("acme", 1, 2), ("globex", 0, 3)]


STEPS = ["INSERT INTO", "EXCHANGE TABLES", "DROP TABLE", "RENAME DATABASE"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_an_exchange_that_was_cut_off_anywhere_is_finished_by_its_repetition(
    subject: Subject, step: str, is_done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject.serve(lines(0, 1))
    subject.rebuild(lines(1, 2))
    cut_off(step, monkeypatch, is_done=is_done)
    with pytest.raises(KilledError):
        exchange(subject.databases, EXCHANGED_AT)
    monkeypatch.undo()
    if (step, is_done) != ("RENAME DATABASE", True):
        assert is_exchanged(subject.databases) == (subject.served_offsets() == [1, 2])
        if is_exchanged(subject.databases):
            with pytest.raises(RebuildRefused, match=r"was cut off: finish it with `audit-stream rebuild --into"):
                drop(subject.databases)
        exchange(subject.databases, EXCHANGED_AT + timedelta(minutes=1))
    assert subject.served_offsets() == [1, 2]


class KilledError(BaseException):
    """The process has ended here."""


def cut_off(step: str, monkeypatch: pytest.MonkeyPatch, *, is_done: bool) -> None:
    """End every process at its first statement that begins with *step*, before or after ClickHouse has run it."""
    command = HttpClient.command

    def killed(self: HttpClient, cmd: str, *arguments: Any, **keywords: Any) -> Any:
        if not cmd.startswith(step):
            return command(self, cmd, *arguments, **keywords)
        if is_done:
            command(self, cmd, *arguments, **keywords)
        raise KilledError

    monkeypatch.setattr(HttpClient, "command", killed)


def test_a_rebuild_goes_on_in_its_own_database_and_nowhere_else(subject: Subject) -> None:
    subject.rebuild(lines(0))
    RebuildStore(subject.databases).prepare()
    assert subject.query("SELECT count() FROM REBUILT.activity_log") == [(1,)]
    other = replace(subject.databases, served="default")
    with pytest.raises(RebuildRefused, match="is no rebuild of default"):
        RebuildStore(other).prepare()


@pytest.mark.parametrize("content", ["nothing", "a table of others", "our tables", "a table beside a rebuild's"])
def test_a_database_that_is_not_a_rebuild_is_neither_filled_nor_exchanged_nor_dropped(
    subject: Subject, clickhouse_url: str, content: str
) -> None:
    foreign = f"foreign_{subject.databases.served}"
    databases = replace(subject.databases, rebuilt=foreign)
    with connect(clickhouse_url) as client:
        if content == "our tables":
            list(migrate(client, foreign))
        elif content == "a table beside a rebuild's":
            RebuildStore(databases).prepare()
        else:
            client.command(f"CREATE DATABASE {foreign}")
        if content.startswith("a table"):
            client.command(f"CREATE TABLE {foreign}.theirs (x UInt8) ENGINE = MergeTree ORDER BY x")
        before = client.query(f"SELECT name FROM system.tables WHERE database = '{foreign}' ORDER BY 1").result_rows
        for use in (RebuildStore(databases).prepare, lambda: exchange(databases, NOW), lambda: drop(databases)):
            with pytest.raises(RebuildRefused):
                use()
        after = client.query(f"SELECT name FROM system.tables WHERE database = '{foreign}' ORDER BY 1").result_rows
    assert after == before


@pytest.mark.parametrize("name", ["audit; DROP TABLE x", "", "a-b", "1a", "`x`"])
def test_a_name_that_would_need_quotes_is_refused_before_anything_is_made(subject: Subject, name: str) -> None:
    databases = replace(subject.databases, rebuilt=name)
    for use in (RebuildStore(databases).prepare, lambda: exchange(databases, NOW), lambda: drop(databases)):
        with pytest.raises(RebuildRefused, match="letters, digits and underscores"):
            use()


def test_the_served_database_is_no_rebuild_of_itself(subject: Subject) -> None:
    databases = replace(subject.databases, rebuilt=subject.databases.served)
    for use in (RebuildStore(databases).prepare, lambda: drop(databases)):
        with pytest.raises(RebuildRefused):
            use()


def test_what_was_kept_is_filled_by_no_rebuild_and_goes_when_it_is_dropped(subject: Subject) -> None:
    kept = replace(subject.databases, rebuilt=exchange(subject.databases, EXCHANGED_AT))
    for use in (RebuildStore(kept).prepare, lambda: exchange(kept, NOW)):
        with pytest.raises(RebuildRefused):
            use()
    drop(kept)
    with connect(kept.url) as client:
        assert kept.rebuilt not in all_databases(client)
        assert kept.served in all_databases(client)
    with pytest.raises(RebuildRefused, match="there is no database"):
        drop(kept)


def test_a_rebuild_that_is_given_up_is_dropped(subject: Subject) -> None:
    drop(subject.databases)
    with connect(subject.databases.url) as client:
        assert subject.databases.rebuilt not in all_databases(client)
