"""`LogReader.lifetimes` and `LogReader.known_persons`: who a person was, and when."""

import itertools
import random
import secrets
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from query_api.access.auth import Caller
from query_api.clickhouse import reader
from query_api.clickhouse.reader import ClickHouseLogReader
from query_api.log.activity_log import ActivityLog
from query_api.log.cursor import CursorSealer
from query_api.log.filters import ActivityFilter, Order
from query_api.log.persons import KnownName
from schemas.lifetimes import Erasure
from schemas.rows import (
    CREATED,
    ERASED,
)
from tests.builders import NOW, a_uuid
from tests.contract.log_reader.stores import ADMIN, OTHER_USER, USER, ClickHouse, Store, a_life, a_lifetime, a_name


async def test_a_page_asks_for_more_persons_than_a_url_holds(store: Store) -> None:
    refs = [uuid4() for _ in range(1_002)]
    store.insert(names=[a_name(store.caller, ref, "ada") for ref in refs])
    store.insert(lifetimes=[a_lifetime(store.caller, ref, ERASED, NOW) for ref in refs])

    assert set(await store.reader.known_persons(store.caller, refs)) == set(refs)
    assert set(await store.reader.lifetimes(store.caller, refs)) == set(refs)


async def test_lives_of_many_facts_are_those_of_few(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, back, never = uuid4(), uuid4(), uuid4()
    later = [NOW + timedelta(seconds=second) for second in range(4)]
    facts = [(never, CREATED, at) for at in later] + [(gone, CREATED, NOW), (gone, ERASED, later[1])]
    facts += [(back, ERASED, later[1]), (back, CREATED, later[2]), (back, CREATED, later[3])]
    store.insert(lifetimes=[a_lifetime(store.caller, ref, change, at) for ref, change, at in facts])
    expected = {gone: Erasure(later[1]), back: Erasure(later[1], later[2])}
    for most in (len(facts) + 1, len(facts), 1):
        monkeypatch.setattr(reader, "_MAX_FACTS", most)
        assert await store.reader.lifetimes(store.caller, [gone, back, never]) == expected


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

    expected = {USER: Erasure(NOW - 2 * day, NOW - day), OTHER_USER: Erasure(NOW - day, None)}
    assert await store.reader.lifetimes(store.caller, [USER, OTHER_USER, ADMIN]) == expected
    assert await store.reader.lifetimes(store.caller, [USER, ADMIN]) == {USER: expected[USER]}
    assert sorted(await store.reader.deleted(store.caller)) == sorted(expected)


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
