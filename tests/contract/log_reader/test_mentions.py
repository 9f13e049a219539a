"""`LogReader.mentions`: the persons on lines, and how often."""

from datetime import timedelta

from query_api.access.auth import Caller
from query_api.log.reader import Mentions, Role
from schemas.rows import (
    CREATED,
    ERASED,
)
from tests.builders import NOW
from tests.contract.log_reader.stores import (
    ADMIN,
    LONG_AGO,
    OTHER_ADMIN,
    OTHER_USER,
    USER,
    Store,
    a_lifetime,
    a_name,
    a_row,
)


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
