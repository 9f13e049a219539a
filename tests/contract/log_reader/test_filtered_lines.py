"""`LogReader.lines` with filters: by value, by import, by person, by range."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from query_api.log.filters import Order, Span
from query_api.log.reader import Count
from schemas.rows import (
    CREATED,
    ERASED,
    ActivityRow,
)
from tests.builders import NOW
from tests.contract.log_reader.stores import (
    ADMIN,
    BY_TIME,
    LONG_AGO,
    MICROSECOND,
    OTHER_ADMIN,
    OTHER_USER,
    USER,
    Store,
    a_lifetime,
    a_row,
    everything,
    found,
    walk,
)


async def test_lines_that_match_are_found_behind_copies_that_do_not_count(store: Store) -> None:
    losing = [a_row(store.caller, occurred_at=NOW + timedelta(seconds=number)) for number in range(100)]
    store.insert(row._replace(channel="api", precedence=1) for row in losing)
    store.insert(losing)
    wanted = a_row(store.caller, channel="api", occurred_at=NOW - timedelta(seconds=1))
    store.insert([wanted])

    assert await found(store, everything(1, channels=frozenset({"api"}))) == {wanted.event_id}


async def test_the_range_is_half_open_to_the_microsecond(store: Store) -> None:
    store.insert(a_row(store.caller, occurred_at=NOW + number * MICROSECOND) for number in range(-1, 3))

    lines = await store.reader.lines(store.caller, everything(since=NOW, until=NOW + 2 * MICROSECOND))

    assert [line.occurred_at for line in lines] == [NOW + MICROSECOND, NOW]


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


async def test_a_license_is_the_previous_or_the_new_one_of_the_copy_that_counts(store: Store) -> None:
    changes = [("Reader", None), (None, "Reader"), ("Steward", "Explorer"), ("Explorer", "Steward"), (None, None)]
    rows = [a_row(store.caller, previous_license=before, new_license=after) for before, after in changes]
    store.insert([*rows, rows[3]._replace(new_license="Reader", precedence=1)])

    async def matching(*licenses: str, **others: Any) -> set[int]:
        events = await found(store, everything(licenses=frozenset(licenses), **others))
        return {number for number, row in enumerate(rows) if row.event_id in events}

    assert await matching("Reader") == {0, 1}
    assert await matching("Reader", "Explorer") == {0, 1, 2, 3}
    assert await matching("reader") == set()
    assert await matching("Reader", channels=frozenset({"api"})) == set()
    assert await matching("Reader", affected_users={USER: Span()}) == {0, 1}
    counted = await store.reader.counts(store.caller, everything(licenses=frozenset({"Reader"})), [LONG_AGO])
    assert counted == [Count(LONG_AGO, "user_license_update", 2)]


async def test_admin_rights_are_granted_or_removed_by_the_copy_that_counts(store: Store) -> None:
    rows = [a_row(store.caller, admin_rights_granted=granted) for granted in (True, False, None)]
    store.insert([*rows, rows[1]._replace(admin_rights_granted=True, precedence=1)])

    for wanted, expected in (({True}, rows[:1]), ({False}, rows[1:2]), ({True, False}, rows[:2])):
        assert await found(store, everything(admin_rights=frozenset(wanted))) == {row.event_id for row in expected}


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
