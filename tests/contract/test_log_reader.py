"""Every `LogReader` keeps its promises: the in-memory one, and ClickHouse."""

import itertools
import random
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from clickhouse_connect.driver.client import Client

from query_api.access.auth import Caller
from query_api.clickhouse.access_log import ACCESS_LOG, ClickHouseAccessLog
from query_api.clickhouse.connection import ClickHouseConnection
from query_api.clickhouse.reader import ClickHouseLogReader
from query_api.errors import OtherSchema, QueryTimeout, StoreUnavailable
from query_api.log.access_log import Access, Action
from query_api.log.activity_log import ActivityLog
from query_api.log.cursor import CursorSealer
from query_api.log.filters import ActivityFilter, Order, Position, Selection, Span
from query_api.log.persons import KnownName, Lifetime
from query_api.log.reader import Count, Line, LogReader, Mentions, Role
from query_api.settings import Settings
from schemas.clickhouse_client import connect
from schemas.migrations import MIGRATIONS_TABLE
from schemas.rows import (
    ACTIVITY_LOG,
    CREATED,
    ERASED,
    PERSON_LIFETIMES,
    PERSON_NAMES,
    STORED_THROUGH,
    ActivityRow,
    PersonLifetimeRow,
    PersonNameRow,
)
from stream.clients.migrate import migrate
from tests.builders import NOW, a_uuid
from tests.fakes.reader import InMemoryLogReader
from tests.unit.query_api.api import settings_for

BY_TIME = (Order.DESC, Order.ASC)
MICROSECOND = timedelta(microseconds=1)
LONG_AGO = NOW - timedelta(days=360)
ADMIN, OTHER_ADMIN, USER, OTHER_USER = (a_uuid(number) for number in (1, 2, 3, 4))


class Insert(Protocol):
    """Store rows; none replaces another before the test ends."""

    def __call__(
        self,
        activities: Iterable[ActivityRow] = (),
        names: Iterable[PersonNameRow] = (),
        lifetimes: Iterable[PersonLifetimeRow] = (),
    ) -> None: ...


@dataclass(frozen=True)
class Store:
    """A reader, a way to fill what it reads, and a client space that no other test uses."""

    reader: LogReader
    insert: Insert
    caller: Caller
    insert_in_part: Insert


@dataclass(frozen=True)
class ClickHouse:
    """A migrated database in which copies stay apart."""

    client: Client
    settings: Settings

    @property
    def database(self) -> str:
        return self.settings.clickhouse_database

    def insert(
        self,
        activities: Iterable[ActivityRow] = (),
        names: Iterable[PersonNameRow] = (),
        lifetimes: Iterable[PersonLifetimeRow] = (),
    ) -> None:
        for table, rows, columns in (
            (ACTIVITY_LOG, list(activities), ActivityRow._fields),
            (PERSON_NAMES, list(names), PersonNameRow._fields),
            (PERSON_LIFETIMES, list(lifetimes), PersonLifetimeRow._fields),
        ):
            if rows:
                # Block deduplication would swallow the copies that a test is about.
                without = {"insert_deduplicate": 0, "async_insert": 0, "optimize_on_insert": 0}
                self.client.insert(table, rows, column_names=columns, database=self.database, settings=without)

    def insert_whole(
        self,
        activities: Iterable[ActivityRow] = (),
        names: Iterable[PersonNameRow] = (),
        lifetimes: Iterable[PersonLifetimeRow] = (),
    ) -> None:
        """Insert, and say that nothing is missing, as the worker does."""
        activities = list(activities)
        self.insert(activities, names, lifetimes)
        columns = "client_space_id", "kafka_partition", "kafka_offset"
        if places := [[getattr(row, name) for name in columns] for row in activities]:
            self.client.insert(STORED_THROUGH, places, column_names=columns, database=self.database)


class RecordingConnection(ClickHouseConnection):
    """Remembers what it was asked."""

    asked: tuple[str, Mapping[str, Any]] = "", MappingProxyType({})

    async def query(self, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        self.asked = statement, parameters
        return await super().query(statement, parameters)


@pytest.fixture(scope="module")
def clickhouse(request: pytest.FixtureRequest) -> Iterator[ClickHouse]:
    url = request.getfixturevalue("clickhouse_url")
    database = f"reader_{uuid4().hex}"
    with connect(url) as client:
        list(migrate(client, database))
        client.command(f"SYSTEM STOP MERGES {database}.{ACTIVITY_LOG}")
        yield ClickHouse(client, settings_for(CLICKHOUSE_URL=url, AUDIT_CLICKHOUSE_DATABASE=database))
        client.command(f"DROP DATABASE {database}")


@pytest.fixture(params=["in memory", "clickhouse"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    caller = Caller(f"space-{uuid4()}", "tester")
    if request.param == "in memory":
        fake = InMemoryLogReader()

        def insert_in_part(
            activities: Iterable[ActivityRow] = (),
            names: Iterable[PersonNameRow] = (),
            lifetimes: Iterable[PersonLifetimeRow] = (),
        ) -> None:
            fake.is_cut_off = True
            fake.insert(activities, names, lifetimes)
            fake.is_cut_off = False

        yield Store(fake, fake.insert, caller, insert_in_part)
        return
    clickhouse: ClickHouse = request.getfixturevalue("clickhouse")
    reader = ClickHouseLogReader(ClickHouseConnection(clickhouse.settings))
    yield Store(reader, clickhouse.insert_whole, caller, clickhouse.insert)
    await reader.close()


@pytest.fixture
async def connection(clickhouse: ClickHouse) -> AsyncIterator[RecordingConnection]:
    connection = RecordingConnection(clickhouse.settings)
    yield connection
    await connection.close()


@pytest.fixture
async def reader(clickhouse: ClickHouse) -> AsyncIterator[ClickHouseLogReader]:
    reader = ClickHouseLogReader(ClickHouseConnection(clickhouse.settings))
    yield reader
    await reader.close()


def a_row(caller: Caller, **fields: Any) -> ActivityRow:
    row = ActivityRow(
        client_space_id=caller.client_space_id,
        occurred_at=NOW,
        event_id=uuid4(),
        activity_type="user_license_update",
        channel="ui",
        admin_ref=ADMIN,
        affected_user_ref=USER,
        previous_license="Data Reader",
        new_license=None,
        admin_rights_granted=None,
        source_service="user-service",
        request_id=None,
        import_id=None,
        import_file_sha256=None,
        import_row_number=None,
        recorded_at=NOW,
        kafka_partition=0,
        kafka_offset=1,
        schema_id=7,
        precedence=1_000,
    )
    return row._replace(**fields)


def a_name(caller: Caller, ref: UUID, username: str, seen: Sequence[datetime] = (NOW,)) -> PersonNameRow:
    return PersonNameRow(caller.client_space_id, ref, "usr_ada", username, "Ada", min(seen), max(seen))


def a_lifetime(caller: Caller, ref: UUID, change: str, at: datetime) -> PersonLifetimeRow:
    return PersonLifetimeRow(caller.client_space_id, ref, change, at)


def everything(limit: int = 100, **fields: Any) -> Selection:
    return replace(Selection(since=LONG_AGO, limit=limit), **fields)


async def found(store: Store, selection: Selection) -> set[UUID]:
    return {line.event_id for line in await store.reader.lines(store.caller, selection)}


async def walk(store: Store, selection: Selection) -> list[Line]:
    """Every line, page by page, as a caller of the API would meet them."""
    met: list[Line] = []
    while page := await store.reader.lines(store.caller, selection):
        met += page
        selection = replace(selection, after=Position(page[-1].occurred_at, page[-1].event_id))
    return met


@pytest.mark.parametrize("order", BY_TIME)
@pytest.mark.parametrize(("count", "page_size"), [(50, 1), (500, 7), (500, 499)])
async def test_lines_of_one_time_are_met_exactly_once(store: Store, order: Order, count: int, page_size: int) -> None:
    rows = [a_row(store.caller) for _ in range(count)]
    store.insert(rows)

    met = await walk(store, everything(page_size, order=order))

    assert sorted(line.event_id for line in met) == sorted(row.event_id for row in rows)


async def test_the_two_orders_are_each_others_reverse_where_times_are_equal_too(store: Store) -> None:
    store.insert([a_row(store.caller, occurred_at=NOW + timedelta(seconds=number // 10)) for number in range(50)])

    newest_first = await walk(store, everything(7))

    assert newest_first == list(reversed(await walk(store, everything(7, order=Order.ASC))))
    assert [line.occurred_at for line in newest_first] == sorted(
        (line.occurred_at for line in newest_first), reverse=True
    )


@pytest.mark.parametrize("order", BY_TIME)
@pytest.mark.parametrize("filtered", [False, True])
async def test_five_unmerged_copies_of_every_line_are_met_once(store: Store, order: Order, *, filtered: bool) -> None:
    rows = [a_row(store.caller, occurred_at=NOW + timedelta(seconds=number // 30)) for number in range(120)]
    for copy in range(5):
        store.insert(row._replace(precedence=1_000 - copy, kafka_offset=copy) for row in rows)

    selection = everything(7, order=order, channels=frozenset({"ui"}) if filtered else frozenset())
    met = await walk(store, selection)

    assert sorted(line.event_id for line in met) == sorted(row.event_id for row in rows)
    assert {line.precedence for line in met} == {1_000}


async def test_a_page_is_full_however_many_copies_lie_before_its_end(store: Store) -> None:
    often = a_row(store.caller, occurred_at=NOW + timedelta(seconds=1))
    store.insert(often._replace(precedence=precedence) for precedence in range(200))
    store.insert(a_row(store.caller) for _ in range(3))

    assert len(await store.reader.lines(store.caller, everything(4))) == 4


@pytest.mark.parametrize("filtered", [False, True])
async def test_the_first_copy_counts_wherever_it_lies_among_many(store: Store, *, filtered: bool) -> None:
    """More copies than one read brings, and the first one in the middle."""
    event_id = uuid4()
    copies = [a_row(store.caller, event_id=event_id, precedence=number, kafka_offset=number) for number in range(1_200)]
    middle = len(copies) // 2
    for part in copies[middle:], copies[:middle]:
        store.insert(part)
    neighbors = [a_row(store.caller) for _ in range(3)]
    store.insert(neighbors)

    met = await walk(store, everything(2, channels=frozenset({"ui"}) if filtered else frozenset()))

    assert sorted(line.event_id for line in met) == sorted([event_id, *(row.event_id for row in neighbors)])
    assert {line.precedence for line in met} == {1_199, 1_000}


@pytest.mark.parametrize("order", BY_TIME)
@pytest.mark.parametrize("page_size", [1, 3, 50])
async def test_a_walk_crosses_months_with_few_lines_and_with_none(store: Store, order: Order, page_size: int) -> None:
    days = [0, 1, 30, 31, 32, 100, 101, 250, 359]
    rows = [a_row(store.caller, occurred_at=NOW - timedelta(days=number)) for number in days for _ in range(2)]
    store.insert(rows)
    store.insert(rows[::3])

    for fields in ({}, {"until": NOW - timedelta(days=31)}, {"since": NOW - timedelta(days=120)}):
        selection = everything(page_size, order=order, **fields)
        expected = [
            row.event_id
            for row in rows
            if selection.since <= row.occurred_at < (selection.until or datetime.max.replace(tzinfo=UTC))
        ]
        met = await walk(store, selection)

        assert sorted(line.event_id for line in met) == sorted(expected)
        assert [line.occurred_at for line in met] == sorted(
            (line.occurred_at for line in met), reverse=order is Order.DESC
        )


async def test_a_line_is_whole(store: Store) -> None:
    row = a_row(
        store.caller,
        occurred_at=NOW.replace(microsecond=1),
        new_license="Data Steward",
        admin_rights_granted=True,
        request_id="r\t1\n'\\é\U0001f600",
        import_id=uuid4(),
        import_row_number=2**31 - 1,
        precedence=2**64 - 1,
    )
    store.insert([row])

    (line,) = await store.reader.lines(store.caller, everything())

    assert line == Line(*(getattr(row, name) for name in Line._fields))
    assert line.occurred_at.tzinfo is not None
    assert await store.reader.line(store.caller, row.event_id, LONG_AGO) == line


async def test_of_copies_that_differ_only_the_first_is_shown(store: Store) -> None:
    event_id = uuid4()
    first = a_row(store.caller, event_id=event_id, admin_ref=ADMIN, precedence=2)
    later = a_row(store.caller, event_id=event_id, admin_ref=OTHER_ADMIN, channel="api", precedence=1)
    store.insert([later])
    store.insert([first])

    (line,) = await store.reader.lines(store.caller, everything())

    assert line.admin_ref == ADMIN
    assert await store.reader.line(store.caller, event_id, LONG_AGO) == line
    assert await found(store, everything(admins={ADMIN: Span()})) == {event_id}
    assert await found(store, everything(admins={OTHER_ADMIN: Span()})) == set()
    assert await found(store, everything(channels=frozenset({"api"}))) == set()


async def test_lines_that_match_are_found_behind_copies_that_do_not_count(store: Store) -> None:
    losing = [a_row(store.caller, occurred_at=NOW + timedelta(seconds=number)) for number in range(100)]
    store.insert(row._replace(channel="api", precedence=1) for row in losing)
    store.insert(losing)
    wanted = a_row(store.caller, channel="api", occurred_at=NOW - timedelta(seconds=1))
    store.insert([wanted])

    assert await found(store, everything(1, channels=frozenset({"api"}))) == {wanted.event_id}


async def test_another_client_space_sees_nothing(store: Store) -> None:
    row = a_row(store.caller)
    store.insert([row], [a_name(store.caller, USER, "ada")], [a_lifetime(store.caller, USER, ERASED, NOW)])
    other = Caller(f"{store.caller.client_space_id}2", "tester")

    assert await store.reader.lines(other, everything()) == []
    assert await store.reader.lines(other, everything(affected_users={USER: Span()})) == []
    assert await store.reader.line(other, row.event_id, LONG_AGO) is None
    assert await store.reader.deleted(other) == []
    assert await store.reader.lifetimes(other, [USER]) == {}
    assert await store.reader.known_persons(other, [USER]) == {}


@pytest.mark.parametrize(
    "name", ["it's", "tab\tand\nline", "back\\slash", "{x:String}", "%(x)s", "\U0001f600", "nul\0"]
)
async def test_a_client_space_of_any_spelling_is_itself_and_no_other(store: Store, name: str) -> None:
    caller = Caller(f"{store.caller.client_space_id}{name}", "tester")
    store.insert([a_row(caller)])

    assert len(await store.reader.lines(caller, everything())) == 1
    assert await store.reader.lines(store.caller, everything()) == []


async def test_the_range_is_half_open_to_the_microsecond(store: Store) -> None:
    store.insert(a_row(store.caller, occurred_at=NOW + number * MICROSECOND) for number in range(-1, 3))

    lines = await store.reader.lines(store.caller, everything(since=NOW, until=NOW + 2 * MICROSECOND))

    assert [line.occurred_at for line in lines] == [NOW + MICROSECOND, NOW]


async def test_a_single_line_is_found_down_to_the_microsecond_of_its_bound(store: Store) -> None:
    row = a_row(store.caller)
    store.insert([row])

    assert await store.reader.line(store.caller, row.event_id, NOW) is not None
    assert await store.reader.line(store.caller, row.event_id, NOW + MICROSECOND) is None


async def test_bounds_beyond_the_stores_calendar_select_as_they_say(store: Store) -> None:
    store.insert([a_row(store.caller)])
    latest = datetime(9999, 12, 31, tzinfo=UTC)

    assert len(await store.reader.lines(store.caller, everything(until=latest))) == 1
    assert await store.reader.lines(store.caller, everything(since=latest)) == []
    assert await store.reader.lines(store.caller, everything(until=datetime(1, 1, 1, tzinfo=UTC))) == []


async def test_values_of_one_filter_are_alternatives_and_filters_must_all_match(store: Store) -> None:
    rows = {
        (kind, channel, admin, user): a_row(
            store.caller, activity_type=kind, channel=channel, admin_ref=admin, affected_user_ref=user
        )
        for kind, channel, admin, user in itertools.product(
            ("user_creation", "user_deletion", "admin_rights_update"),
            ("ui", "api", "file_import"),
            (ADMIN, OTHER_ADMIN),
            (USER, OTHER_USER),
        )
    }
    store.insert(rows.values())

    chosen = everything(
        activity_types=frozenset({"user_creation", "user_deletion"}),
        channels=frozenset({"api"}),
        admins={ADMIN: Span(), OTHER_ADMIN: Span()},
        affected_users={USER: Span()},
    )

    assert await found(store, chosen) == {
        row.event_id
        for (kind, channel, _, user), row in rows.items()
        if kind != "admin_rights_update" and channel == "api" and user == USER
    }


async def test_an_import_is_its_own_lines_of_the_copies_that_count(store: Store) -> None:
    imports = [uuid4() for _ in range(3)]
    rows = [a_row(store.caller, import_id=import_id) for import_id in (*imports, None)]
    store.insert([*rows, rows[3]._replace(import_id=imports[0], precedence=1)])

    selection = everything(import_ids=frozenset(imports[:2]))

    assert await found(store, selection) == {rows[0].event_id, rows[1].event_id}
    counted = await store.reader.counts(store.caller, selection, [LONG_AGO])
    assert counted == [Count(LONG_AGO, "user_license_update", 2)]


async def test_a_span_cuts_the_lines_of_its_person_and_of_nobody_else(store: Store) -> None:
    rows = {
        (ref, number): a_row(store.caller, affected_user_ref=ref, occurred_at=NOW + number * MICROSECOND)
        for ref in (ADMIN, USER, OTHER_USER)
        for number in (-1, 0)
    }
    store.insert(rows.values())

    spans = {USER: Span(since=NOW), OTHER_USER: Span(until=NOW), ADMIN: Span()}

    expected = {(USER, 0), (OTHER_USER, -1), (ADMIN, -1), (ADMIN, 0)}
    assert await found(store, everything(affected_users=spans)) == {rows[key].event_id for key in expected}


async def test_a_page_asks_for_more_persons_than_a_url_holds(store: Store) -> None:
    refs = [uuid4() for _ in range(1_002)]
    store.insert(names=[a_name(store.caller, ref, "ada") for ref in refs])
    store.insert(lifetimes=[a_lifetime(store.caller, ref, ERASED, NOW) for ref in refs])

    assert set(await store.reader.known_persons(store.caller, refs)) == set(refs)
    assert set(await store.reader.lifetimes(store.caller, refs)) == set(refs)


async def test_a_persons_names_are_folded(store: Store) -> None:
    early, late = NOW - timedelta(days=2), NOW - timedelta(days=1)
    store.insert(names=[a_name(store.caller, USER, "ada", (late,)), a_name(store.caller, USER, "countess", (NOW,))])
    store.insert(names=[a_name(store.caller, USER, "ada", (early,)), a_name(store.caller, OTHER_USER, "grace")])

    known = await store.reader.known_persons(store.caller, [USER])

    assert set(known) == {USER}
    assert known[USER].person_id == "usr_ada"
    assert set(known[USER].names) == {KnownName(early, late, "ada", "Ada"), KnownName(NOW, NOW, "countess", "Ada")}


async def test_a_life_is_the_last_deletion_and_the_first_creation_after_it(store: Store) -> None:
    day = timedelta(days=1)
    changes = [
        (USER, CREATED, NOW - 5 * day),
        (USER, ERASED, NOW - 4 * day),
        (USER, CREATED, NOW - 3 * day),
        (USER, ERASED, NOW - 2 * day),
        (USER, CREATED, NOW),
        (USER, CREATED, NOW - day),
        (OTHER_USER, CREATED, NOW - day),
        (OTHER_USER, ERASED, NOW - day),
        (ADMIN, CREATED, NOW),
    ]
    for change in (*changes, *reversed(changes)):
        store.insert(lifetimes=[a_lifetime(store.caller, *change)])

    expected = {USER: Lifetime(NOW - 2 * day, NOW - day), OTHER_USER: Lifetime(NOW - day, None)}
    assert await store.reader.lifetimes(store.caller, [USER, OTHER_USER, ADMIN]) == expected
    assert await store.reader.lifetimes(store.caller, [USER, ADMIN]) == {USER: expected[USER]}
    assert sorted(await store.reader.deleted(store.caller)) == sorted(expected)


async def test_everybody_deleted_is_found_for_the_lines_of_deleted_lives_only(store: Store) -> None:
    day = timedelta(days=1)
    gone, back, there = USER, OTHER_USER, OTHER_ADMIN
    rows = {
        (ref, number): a_row(store.caller, affected_user_ref=ref, occurred_at=NOW + number * day)
        for ref in (gone, back, there)
        for number in (-1, 0)
    }
    store.insert(
        rows.values(),
        lifetimes=[
            a_lifetime(store.caller, gone, ERASED, NOW - 9 * day),
            a_lifetime(store.caller, back, ERASED, NOW - 9 * day),
            a_lifetime(store.caller, back, CREATED, NOW),
            a_lifetime(store.caller, there, CREATED, NOW - 9 * day),
        ],
    )
    of_deleted = {rows[key].event_id for key in ((gone, -1), (gone, 0), (back, -1))}

    assert await found(store, everything(deleted_affected_users=True)) == of_deleted
    assert await found(store, everything(deleted_affected_users=True, affected_users={there: Span(until=NOW)})) == {
        *of_deleted,
        rows[there, -1].event_id,
    }
    assert await found(store, everything(deleted_admins=True)) == set()


async def test_where_nobody_was_deleted_everybody_deleted_is_nobody(store: Store) -> None:
    store.insert([a_row(store.caller)], lifetimes=[a_lifetime(store.caller, USER, CREATED, NOW)])

    assert await found(store, everything(deleted_affected_users=True, deleted_admins=True)) == set()


@pytest.mark.parametrize("order", BY_TIME)
@pytest.mark.parametrize("page_size", [1, 50])
async def test_a_persons_lines_are_met_once_whatever_copies_lie_between(
    store: Store, order: Order, page_size: int
) -> None:
    """The persons of lines are looked up apart from the lines, by every copy of them."""
    wanted: list[ActivityRow] = []
    others: list[ActivityRow] = []
    for number in range(60):
        row = a_row(store.caller, occurred_at=NOW - timedelta(days=6 * number), admin_ref=OTHER_ADMIN)
        # Of each third event, one copy that does not count is about somebody else, or the copy that counts is.
        losing = row._replace(precedence=1, kafka_offset=2, affected_user_ref=(USER, OTHER_USER, USER)[number % 3])
        winning = row._replace(
            affected_user_ref=(USER, USER, OTHER_USER)[number % 3], channel=("ui", "api")[number % 2]
        )
        others += [losing]
        others += [losing] * (number % 4)
        (wanted if winning.affected_user_ref == USER else others).append(winning)
    store.insert(others)
    store.insert(wanted)
    store.insert(wanted)

    ways: list[dict[str, Any]] = [
        {"affected_users": {USER: Span()}},
        {"affected_users": {USER: Span()}, "admins": {OTHER_ADMIN: Span()}},
        {"affected_users": {USER: Span(), ADMIN: Span()}},
    ]
    for fields in ways:
        met = await walk(store, everything(page_size, order=order, **fields))

        assert [line.event_id for line in met] == [
            row.event_id for row in sorted(wanted, key=lambda row: row.occurred_at, reverse=order is Order.DESC)
        ]
    met = await walk(store, replace(everything(page_size, affected_users={USER: Span()}), channels=frozenset({"api"})))
    assert {line.event_id for line in met} == {row.event_id for row in wanted if row.channel == "api"}


async def test_lines_are_counted_once_by_their_first_copy(store: Store) -> None:
    event_id = uuid4()
    first = a_row(store.caller, event_id=event_id, activity_type="user_creation", precedence=2)
    store.insert([first._replace(activity_type="user_deletion", precedence=1)])
    store.insert([first])
    store.insert([first, a_row(store.caller, occurred_at=NOW + timedelta(days=1), channel="api")])
    starts = [NOW - timedelta(hours=1), NOW + MICROSECOND]

    async def counted(**fields: Any) -> set[Count]:
        return set(await store.reader.counts(store.caller, everything(**fields), starts))

    creation, update = Count(starts[0], "user_creation", 1), Count(starts[1], "user_license_update", 1)
    assert await counted() == {creation, update}
    assert await counted(activity_types=frozenset({"user_deletion"})) == set()
    assert await counted(channels=frozenset({"api"})) == {update}
    assert await counted(until=NOW + MICROSECOND) == {creation}


async def test_persons_are_listed_with_the_lines_of_their_life(store: Store) -> None:
    day = timedelta(days=1)
    rows = [a_row(store.caller, affected_user_ref=USER, occurred_at=NOW - number * day) for number in range(5)]
    store.insert(rows)
    store.insert(rows[:2])
    store.insert(
        [a_row(store.caller, affected_user_ref=OTHER_USER, admin_ref=OTHER_ADMIN, occurred_at=NOW + day)],
        [a_name(store.caller, USER, "former", (NOW - 4 * day,)), a_name(store.caller, USER, "Ada_Ä")],
        [
            a_lifetime(store.caller, USER, ERASED, NOW - 3 * day),
            a_lifetime(store.caller, USER, CREATED, NOW - 2 * day),
        ],
    )

    async def listed(role: Role = Role.AFFECTED_USER, search: str = "", limit: int = 9) -> list[Mentions]:
        return await store.reader.mentions(store.caller, role, search, LONG_AGO, None, limit)

    other, user, gone = (
        Mentions(OTHER_USER, 1, NOW + day),
        Mentions(USER, 3, NOW),
        Mentions(None, 2, NOW - 3 * day),
    )
    assert await listed() == [other, user, gone]
    assert await listed(limit=1) == [other, gone]
    assert await listed(search="ada_ä") == [user, gone]
    assert await listed(search="FORMER") == [gone]
    assert await listed(search="%") == [gone]
    assert await listed(Role.ADMIN) == [Mentions(OTHER_ADMIN, 1, NOW + day), Mentions(ADMIN, 5, NOW)]
    assert await store.reader.mentions(store.caller, Role.ADMIN, "", NOW, NOW + day, 9) == [Mentions(ADMIN, 1, NOW)]
    assert await store.reader.mentions(Caller("nobody", "x"), Role.ADMIN, "", LONG_AGO, None, 9) == []


async def test_licenses_are_those_that_lines_of_the_time_name(store: Store) -> None:
    store.insert(
        [
            a_row(store.caller, previous_license=None, new_license="Data Steward"),
            a_row(store.caller, previous_license="Data Reader", new_license=None),
            a_row(store.caller, previous_license="Old", occurred_at=NOW - MICROSECOND),
        ]
    )

    assert await store.reader.licenses(store.caller, NOW) == ["Data Reader", "Data Steward"]
    assert await store.reader.licenses(Caller("nobody", "x"), NOW) == []


async def test_rows_are_read_by_partition_and_offset_beyond_those_that_were_met(store: Store) -> None:
    rows = {
        (partition, offset): a_row(store.caller, kafka_partition=partition, kafka_offset=offset)
        for partition in (0, 1, 300)
        for offset in (0, 1, 2**40)
    }
    store.insert(rows.values())
    later = NOW + MICROSECOND

    async def places(offsets: dict[int, int], limit: int = 100, **fields: Any) -> list[tuple[int, int]]:
        stored, has_more, is_complete = await store.reader.stored(
            store.caller, everything(limit, **fields), offsets, later
        )
        assert (has_more, is_complete) == (len(stored) == limit, True)
        assert {rows[row.kafka_partition, row.kafka_offset].event_id for row in stored} == {
            row.line.event_id for row in stored
        }
        return [(row.kafka_partition, row.kafka_offset) for row in stored]

    assert await places({}) == sorted(rows)
    assert await places({}, limit=4) == sorted(rows)[:4]
    assert await places({0: 1, 1: 2**40, 7: 9}) == [(0, 2**40), (300, 0), (300, 1), (300, 2**40)]
    assert await places({}, channels=frozenset({"api"})) == []


async def test_no_row_is_given_that_lies_behind_one_that_is_held_back(store: Store) -> None:
    """A broker's clock may step back: the later record then bears the earlier time."""
    times = {0: NOW, 1: NOW + timedelta(minutes=5), 2: NOW + MICROSECOND}
    rows = [
        a_row(store.caller, kafka_offset=offset, recorded_at=at, channel="api" if offset == 1 else "ui")
        for offset, at in times.items()
    ]
    store.insert(rows)

    for channels in (frozenset[str](), frozenset({"ui"})):
        selection = everything(channels=channels)
        stored, has_more, is_complete = await store.reader.stored(
            store.caller, selection, {}, NOW + timedelta(minutes=1)
        )

        assert [row.kafka_offset for row in stored] == [0]
        assert (has_more, is_complete) == (False, False)


async def test_rows_of_an_insert_that_is_not_whole_are_held_back(store: Store) -> None:
    month = timedelta(days=31)
    first, second, third, elsewhere = (
        a_row(store.caller, kafka_offset=offset, kafka_partition=partition, occurred_at=at)
        for offset, partition, at in ((1, 0, NOW), (3, 0, NOW - month), (5, 0, NOW), (9, 1, NOW))
    )

    async def offsets() -> tuple[list[int], bool]:
        page = await store.reader.stored(store.caller, everything(), {}, NOW + timedelta(minutes=1))
        return sorted({row.kafka_offset for row in page.rows}), page.is_complete

    store.insert_in_part([first])
    assert await offsets() == ([], False)
    store.insert([first])
    store.insert_in_part([third])
    store.insert([elsewhere])
    assert await offsets() == ([1, 9], False)
    store.insert([second, third])
    assert await offsets() == ([1, 3, 5, 9], True)


async def test_rows_that_are_held_back_take_no_room_from_those_of_other_partitions(store: Store) -> None:
    """Else a reader would ask for the next page again and again, and be given nothing."""
    under_way = [a_row(store.caller, kafka_offset=offset) for offset in range(3)]
    store.insert_in_part(under_way)
    store.insert([a_row(store.caller, kafka_offset=7, kafka_partition=1)])
    # The broker's clock stepped back.
    late, behind = NOW + timedelta(minutes=5), NOW - timedelta(minutes=5)
    store.insert([a_row(store.caller, kafka_offset=0, kafka_partition=2, recorded_at=late)])
    store.insert([a_row(store.caller, kafka_offset=n, kafka_partition=2, recorded_at=behind) for n in (1, 2, 3)])
    store.insert([a_row(store.caller, kafka_offset=8, kafka_partition=3)])

    async def page(offsets: dict[int, int]) -> tuple[list[tuple[int, int]], bool, bool]:
        stored = await store.reader.stored(store.caller, everything(2), offsets, NOW + timedelta(minutes=1))
        return [(row.kafka_partition, row.kafka_offset) for row in stored.rows], stored.has_more, stored.is_complete

    assert await page({}) == ([(1, 7), (3, 8)], True, False)
    assert await page({1: 7, 3: 8}) == ([], False, False)


async def test_both_readers_agree_on_random_logs(clickhouse: ClickHouse, reader: ClickHouseLogReader) -> None:
    """Whatever copies, lives and names there are, and whatever is asked for."""
    seed = secrets.randbelow(2**32)
    chance = random.Random(seed)  # noqa: S311 - test data
    caller, fake = Caller(f"agree-{uuid4()}", "tester"), InMemoryLogReader()
    refs = [a_uuid(number) for number in range(1, 9)]
    lives = [a_life(chance, caller, ref, NOW) for ref in refs]
    rows = [row for life in lives for row in life[0]]
    copies = [
        row._replace(
            precedence=chance.randrange(1_000), channel=chance.choice(("ui", "api")), kafka_offset=number + 100
        )
        for number, row in enumerate(chance.choices(rows, k=20))
    ]
    names = [name for life in lives for name in life[1]]
    lifetimes = [change for life in lives for change in life[2]]
    for insert in clickhouse.insert_whole, fake.insert:
        insert([row._replace(kafka_offset=number) for number, row in enumerate(rows)], names, lifetimes)
        insert(copies)

    for _ in range(40):
        selection = everything(
            chance.choice((3, 100)),
            order=chance.choice((Order.ASC, Order.DESC)),
            since=NOW + timedelta(seconds=chance.randrange(4)),
            until=chance.choice((None, NOW + timedelta(seconds=5))),
            channels=chance.choice((frozenset(), frozenset({"ui"}))),
            affected_users=chance.choice((None, {ref: Span(until=NOW + timedelta(seconds=4)) for ref in refs[:2]})),
            deleted_affected_users=chance.choice((False, True)),
            deleted_admins=chance.choice((False, True)),
        )
        role, search = chance.choice(list(Role)), chance.choice(("", "ADA", "love", "usr", "x"))
        mentions = (caller, role, search, selection.since, selection.until, chance.choice((2, 20)))
        starts = [NOW, NOW + timedelta(seconds=3)]
        seen = [
            (
                await part.lines(caller, selection),
                sorted(await part.counts(caller, selection, starts)),
                {(entry.ref, entry.lines) for entry in await part.mentions(*mentions)} if mentions[-1] > 2 else None,
                await part.stored(caller, selection, {0: 5}, NOW + timedelta(days=1)),
            )
            for part in (reader, fake)
        ]

        assert seen[0] == seen[1], f"seed {seed}"


async def test_an_access_is_stored_once_however_often_it_is_inserted(
    clickhouse: ClickHouse, connection: RecordingConnection
) -> None:
    access = Access("acme", NOW, uuid4(), USER, Action.LIST, '{"channel": ["ui"]}', "r-1")
    log = ClickHouseAccessLog(connection)

    for _ in range(2):
        await log.record([access])

    table = f"{clickhouse.database}.{ACCESS_LOG}"
    assert clickhouse.client.query(f"SELECT {', '.join(Access._fields)} FROM {table} FINAL").result_rows == [access]


async def test_an_access_that_cannot_be_stored_is_an_error(connection: RecordingConnection) -> None:
    settings = settings_for(CLICKHOUSE_URL="http://127.0.0.1:9")
    access = Access("acme", NOW, uuid4(), USER, Action.LIST, "{}", "r-1")

    with pytest.raises(StoreUnavailable):
        await ClickHouseAccessLog(ClickHouseConnection(settings)).record([access])
    with pytest.raises(StoreUnavailable):
        await connection.insert("no_such_table", [access], Access._fields)


async def test_a_database_of_this_version_has_no_difference(store: Store) -> None:
    assert await store.reader.schema_difference() is None


@pytest.mark.parametrize(("order", "read"), [(Order.DESC, "InReverseOrder"), (Order.ASC, "InOrder")])
async def test_a_page_is_read_in_key_order_and_not_sorted(
    clickhouse: ClickHouse, connection: RecordingConnection, order: Order, read: str
) -> None:
    caller = Caller(f"plan-{uuid4()}", "tester")
    clickhouse.insert(a_row(caller) for _ in range(10))
    selection = everything(order=order, after=Position(NOW, USER))

    await ClickHouseLogReader(connection).lines(caller, selection)

    statement, parameters = connection.asked
    plan = await connection.query(f"EXPLAIN PLAN actions = 1 {statement}", parameters)
    text = "\n".join(row[0] for row in plan)
    assert f"Read type: {read}" in text
    # A longer order than the key's would make every part give whole blocks: five times the time.
    assert re.findall(r"Prefix sort description: (.*)", text) == re.findall(r"Result sort description: (.*)", text)


async def test_another_version_of_the_schema_is_refused_until_it_is_this_one(
    clickhouse: ClickHouse, reader: ClickHouseLogReader
) -> None:
    client, table = clickhouse.client, f"{clickhouse.database}.{MIGRATIONS_TABLE}"
    caller = Caller("acme", "tester")
    assert await reader.schema_difference() is None

    client.command(f"INSERT INTO {table} VALUES (9999, 'newer', 'x', now64(6))")
    assert await reader.schema_difference() == "migration 9999 is newer than this version"
    with pytest.raises(OtherSchema):
        await reader.lines(caller, everything())

    client.command(f"DELETE FROM {table} WHERE number = 9999")
    assert await reader.schema_difference() is None
    assert await reader.lines(caller, everything()) == []


async def test_a_database_without_tables_asks_for_the_migration(clickhouse: ClickHouse) -> None:
    settings = clickhouse.settings.model_copy(update={"clickhouse_database": "nowhere"})
    reader = ClickHouseLogReader(ClickHouseConnection(settings))

    difference = await reader.schema_difference()

    assert difference is not None
    assert "audit-stream migrate" in difference
    await reader.close()


async def test_an_unreachable_store_is_unavailable_and_names_no_secret() -> None:
    reader = ClickHouseLogReader(ClickHouseConnection(settings_for(CLICKHOUSE_URL="http://me:hush@127.0.0.1:9")))

    with pytest.raises(StoreUnavailable) as caught:
        await reader.lines(Caller("acme", "tester"), everything())

    assert "hush" not in repr(caught.value)
    assert caught.value.__cause__ is None
    await reader.close()


async def test_a_query_that_takes_too_long_is_a_timeout(connection: RecordingConnection) -> None:
    with pytest.raises(QueryTimeout):
        await connection.query(
            "SELECT sleepEachRow(0.1) FROM numbers(100) SETTINGS max_execution_time = 0.3, max_block_size = 1", {}
        )


async def test_the_reader_can_change_nothing(connection: RecordingConnection) -> None:
    for statement in (f"DROP TABLE {{database}}.{ACTIVITY_LOG}", f"TRUNCATE TABLE {{database}}.{ACTIVITY_LOG}"):
        with pytest.raises(StoreUnavailable) as caught:
            await connection.query(statement, {})
        assert caught.value.code == 164  # READONLY


async def test_view_and_api_agree_on_random_lives(clickhouse: ClickHouse, reader: ClickHouseLogReader) -> None:
    """Analysts and the panel read the same names, whatever happened to a person and in whatever order it arrived."""
    seed = secrets.randbelow(2**32)
    now = datetime.now(UTC).replace(microsecond=0)
    caller = Caller(f"lives-{uuid4()}", "tester")
    histories = random.Random(seed)  # noqa: S311 - test data
    lives = [a_life(histories, caller, a_uuid(number), now - timedelta(days=1)) for number in range(1, 101)]
    clickhouse.insert(*(list(itertools.chain.from_iterable(kind)) for kind in zip(*lives, strict=True)))
    log = ActivityLog(reader, CursorSealer(b"c" * 32), b"k" * 32, lambda: now)

    page = await log.page(caller, ActivityFilter(), order=Order.ASC, limit=500, cursor=None)

    view = clickhouse.client.query(
        "SELECT event_id, affected_user, affected_user_id, affected_user_username, affected_user_deleted,"
        " admin, admin_id, admin_username, admin_deleted"
        f" FROM {clickhouse.database}.activities WHERE client_space_id = {{space:String}}",
        parameters={"space": caller.client_space_id},
    ).result_rows
    shown = {
        (
            line.line.event_id,
            *(
                value
                for person in (line.affected_user, line.admin)
                for value in (
                    person.display_name or person.username or person.id or "",
                    person.id,
                    person.username,
                    person.deleted,
                )
            ),
        )
        for line in page.lines
    }
    assert shown == {tuple(row) for row in view}, f"seed {seed}"
    assert len(shown) == 500


Life = tuple[list[ActivityRow], list[PersonNameRow], list[PersonLifetimeRow]]


def a_life(histories: random.Random, caller: Caller, ref: UUID, start: datetime) -> Life:
    """A person with few moments and few names, so that every kind of tie is met."""

    def moment() -> datetime:
        return start + timedelta(seconds=histories.randrange(8))

    names = [
        PersonNameRow(caller.client_space_id, ref, "usr", username, display_name, *sorted((moment(), moment())))
        for username, display_name in histories.sample(
            list(itertools.product(("", "ada", "countess"), ("", "Ada", "Lovelace"))), histories.randrange(4)
        )
    ]
    lifetimes = [
        a_lifetime(caller, ref, histories.choice((CREATED, ERASED)), moment()) for _ in range(histories.randrange(5))
    ]
    rows = [
        a_row(caller, occurred_at=moment(), affected_user_ref=ref, admin_ref=histories.choice((ref, UUID(int=1))))
        for _ in range(5)
    ]
    return rows, names, lifetimes
