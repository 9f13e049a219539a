"""`LogReader.mentions`: the persons on lines, and how often."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import pytest

from query_api.access.auth import Caller
from query_api.clickhouse import counts
from query_api.clickhouse.reader import ClickHouseLogReader
from query_api.log.activity_log import ActivityLog
from query_api.log.cursor import CursorSealer
from query_api.log.mentions import Directory
from query_api.log.reader import Mentions, Role
from schemas.rows import (
    CREATED,
    ERASED,
)
from tests.builders import NOW, a_uuid
from tests.contract.log_reader.stores import (
    ADMIN,
    LONG_AGO,
    OTHER_ADMIN,
    OTHER_USER,
    USER,
    ClickHouse,
    RecordingConnection,
    Store,
    a_lifetime,
    a_name,
    a_row,
)


async def test_persons_are_listed_with_the_lines_of_their_life(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
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

    async def listed(
        role: Role = Role.AFFECTED_USER,
        among: Collection[UUID] | None = None,
        limit: int = 9,
        *,
        with_deleted: bool = True,
    ) -> list[Mentions]:
        return await store.reader.mentions(store.caller, role, among, LONG_AGO, None, limit, with_deleted=with_deleted)

    other, user, gone = (
        Mentions(OTHER_USER, 1, NOW + day),
        Mentions(USER, 3, NOW),
        Mentions(None, 2, NOW - 3 * day),
    )
    assert await listed() == [other, user, gone]
    assert await listed(limit=1) == [other, gone]
    assert await listed(among=[USER]) == [user, gone]
    assert await listed(among=[]) == [gone]
    more_than_can_be_bound = [USER, OTHER_USER, *map(a_uuid, range(100, 4_000))]
    assert await listed(among=more_than_can_be_bound, limit=1) == [other, gone]
    assert await listed(among=more_than_can_be_bound[2:]) == [gone]
    monkeypatch.setattr(counts, "_MANY_PERSONS", 1)
    assert await listed(among=more_than_can_be_bound, limit=2) == [other, user, gone]
    assert await listed(Role.ADMIN) == [Mentions(OTHER_ADMIN, 1, NOW + day), Mentions(ADMIN, 5, NOW)]
    for among in (None, [USER, OTHER_USER], more_than_can_be_bound):
        assert await listed(among=among, with_deleted=False) == [other, user]
    assert await listed(among=[USER], with_deleted=False) == [user]
    assert await listed(among=[], with_deleted=False) == []
    today = store.caller, Role.ADMIN, None, NOW, NOW + day, 9
    assert await store.reader.mentions(*today, with_deleted=True) == [Mentions(ADMIN, 1, NOW)]
    assert await store.reader.mentions(Caller("nobody", "x"), *today[1:], with_deleted=True) == []


async def test_persons_are_named_by_what_was_seen_in_their_current_life(store: Store) -> None:
    day = timedelta(days=1)
    store.insert(
        names=[
            a_name(store.caller, USER, "former", (NOW - 4 * day,)),
            a_name(store.caller, USER, "ada"),
            a_name(store.caller, OTHER_USER, "grace", (NOW - 9 * day,)),
        ],
        lifetimes=[
            a_lifetime(store.caller, USER, ERASED, NOW - 3 * day),
            a_lifetime(store.caller, USER, CREATED, NOW - 2 * day),
        ],
    )

    assert set(await store.reader.named_persons(store.caller)) == {
        f"{USER}\0usr_ada\0ada\0Ada",
        f"{OTHER_USER}\0usr_ada\0grace\0Ada",
    }
    assert await store.reader.named_persons(Caller("nobody", "x")) == []


async def test_no_statement_holds_a_text_that_was_searched_for(
    clickhouse: ClickHouse, connection: RecordingConnection
) -> None:
    caller, reader = Caller(f"search-{a_uuid(1)}", "tester"), ClickHouseLogReader(connection)
    clickhouse.insert([a_row(caller)], [a_name(caller, USER, "ada@example.com")])
    directory = Directory(ActivityLog(reader, CursorSealer(b"c" * 32), b"k" * 32, lambda: NOW), reader)

    (found,) = await directory.mentioned(caller, Role.AFFECTED_USER, "ADA@example", None, None, 9)

    assert found.person is not None
    assert found.person.username == "ada@example.com"
    assert connection.all_asked
    assert not [asked for asked in connection.all_asked if "ada@example" in repr(asked).lower()]
