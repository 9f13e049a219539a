"""`LogReader.imports`: what lines say of the file imports that they came from."""

from typing import Any
from uuid import UUID, uuid4

from query_api.log.filters import Position, Span
from query_api.log.reader import FileImport
from schemas.rows import ERASED
from tests.builders import NOW, a_uuid
from tests.contract.log_reader.stores import (
    ADMIN,
    MICROSECOND,
    OTHER_ADMIN,
    OTHER_USER,
    USER,
    Store,
    a_lifetime,
    a_row,
    everything,
)

FIRST, SECOND = a_uuid(11), a_uuid(12)


async def test_an_import_is_its_lines_counted_once_by_their_first_copy(store: Store) -> None:
    event_id = uuid4()
    first = a_row(store.caller, event_id=event_id, import_id=FIRST, activity_type="user_creation", precedence=9)
    last = a_row(store.caller, occurred_at=NOW + MICROSECOND, import_id=FIRST, admin_ref=OTHER_ADMIN, precedence=5)
    store.insert([first._replace(import_id=SECOND, activity_type="user_deletion", precedence=1)])
    store.insert([first, last, a_row(store.caller)])
    store.insert([first, last, last._replace(precedence=4, admin_ref=ADMIN)])

    (found,) = await store.reader.imports(store.caller, everything(), None)

    lines = {"user_creation": 1, "user_license_update": 1}
    assert found == FileImport(FIRST, NOW, NOW + MICROSECOND, OTHER_ADMIN, 5, lines)


async def test_only_lines_of_the_selection_count(store: Store) -> None:
    store.insert(
        [
            a_row(store.caller, import_id=FIRST, occurred_at=NOW - MICROSECOND, channel="api", admin_ref=OTHER_ADMIN),
            a_row(store.caller, import_id=FIRST, affected_user_ref=OTHER_USER),
            a_row(store.caller, import_id=SECOND, occurred_at=NOW + MICROSECOND),
        ],
        lifetimes=[a_lifetime(store.caller, OTHER_USER, ERASED, NOW)],
    )

    async def counted(**fields: Any) -> dict[UUID, int]:
        found = await store.reader.imports(store.caller, everything(**fields), None)
        return {one.import_id: sum(one.lines.values()) for one in found}

    assert await counted() == {SECOND: 1, FIRST: 2}
    assert await counted(since=NOW) == {SECOND: 1, FIRST: 1}
    assert await counted(since=NOW + MICROSECOND) == {SECOND: 1}
    assert await counted(until=NOW) == {FIRST: 1}
    assert await counted(import_ids=frozenset({FIRST})) == {FIRST: 2}
    assert await counted(channels=frozenset({"api"})) == {FIRST: 1}
    assert await counted(affected_users={USER: Span()}) == {SECOND: 1, FIRST: 1}
    assert await counted(deleted_affected_users=True) == {FIRST: 1}


async def test_a_walk_meets_each_import_once_in_the_order_of_last_lines(store: Store) -> None:
    imports = [uuid4() for _ in range(7)]
    times = dict(zip(imports, (NOW, NOW, NOW, NOW + MICROSECOND, NOW + MICROSECOND, NOW, NOW), strict=True))
    store.insert([a_row(store.caller, import_id=import_id, occurred_at=at) for import_id, at in times.items()])
    store.insert([a_row(store.caller, import_id=import_id, occurred_at=NOW - MICROSECOND) for import_id in imports])

    met: list[FileImport] = []
    behind = None
    while page := await store.reader.imports(store.caller, everything(3), behind):
        met += page
        behind = Position(page[-1].last_at, page[-1].import_id)

    assert {one.import_id: one.last_at for one in met} == times
    assert len(met) == len(imports)
    assert [one.last_at for one in met] == sorted((one.last_at for one in met), reverse=True)
