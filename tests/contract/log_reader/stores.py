"""What the contract of `LogReader` is tested on: the stores, and rows to fill them with."""

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID, uuid4

from clickhouse_connect.driver.client import Client

from query_api.access.auth import Caller
from query_api.clickhouse.connection import ClickHouseConnection
from query_api.log.filters import Order, Position, Selection
from query_api.log.reader import Line, LogReader
from query_api.settings import Settings
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
from tests import builders
from tests.builders import NOW, a_uuid

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
    """Remembers what it was asked: the last, and all."""

    asked: tuple[str, Mapping[str, Any]] = "", MappingProxyType({})

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.all_asked: list[tuple[str, Mapping[str, Any]]] = []

    async def query(
        self, statement: str, parameters: Mapping[str, Any], *, is_costly: bool = False
    ) -> list[tuple[Any, ...]]:
        self.asked = statement, parameters
        self.all_asked.append(self.asked)
        return await super().query(statement, parameters, is_costly=is_costly)


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
    return builders.a_lifetime(caller.client_space_id, ref, change, at)


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
