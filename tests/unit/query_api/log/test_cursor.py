import base64
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.errors import InvalidCursor
from query_api.log.cursor import IMPORTS, LIFETIME, CursorSealer
from query_api.log.filters import ActivityFilter, Order, Position
from tests.builders import NOW

SEALER = CursorSealer(b"c" * 32)
POSITION = Position(NOW, UUID(int=7))
WALK: dict[str, Any] = {
    "client_space_id": "acme",
    "activity_filter": ActivityFilter(channels=frozenset({"ui", "api"}), admins=frozenset({UUID(int=1), UUID(int=2)})),
    "order": Order.DESC,
    "now": NOW,
}
CURSOR = SEALER.seal(POSITION, **WALK)


def opened(text: str = CURSOR, **changes: Any) -> Position:
    return SEALER.open(text, **{**WALK, **changes})


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - given a zone
    st.uuids(),
    st.text(st.characters(codec="utf-8"), min_size=1),
    st.sampled_from([Order.DESC, Order.ASC]),
)
def test_a_cursor_leads_back_to_its_position(at: datetime, event_id: UUID, space: str, order: Order) -> None:
    position, walk = Position(at, event_id), {**WALK, "client_space_id": space, "order": order}

    assert SEALER.open(SEALER.seal(position, **walk), **walk) == position


@pytest.mark.parametrize("index", range(len(CURSOR)))
def test_no_character_of_a_cursor_can_be_changed(index: int) -> None:
    for other in "A", "Z", "+", "/", "-", "_", "=", " ", "\n", "é":
        if other != CURSOR[index]:
            with pytest.raises(InvalidCursor):
                opened(CURSOR[:index] + other + CURSOR[index + 1 :])


@pytest.mark.parametrize(
    "text", ["", "A", CURSOR[:-1], CURSOR + "A", CURSOR + "====", CURSOR * 2, "é", "\0", " " + CURSOR]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        opened(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_space_id": "acme2"},
        {"client_space_id": ""},
        {"order": Order.ASC},
        {"order": IMPORTS},
        {"activity_filter": ActivityFilter()},
        {
            "activity_filter": ActivityFilter(
                affected_users=WALK["activity_filter"].admins, channels=frozenset({"ui", "api"})
            )
        },
        {"activity_filter": ActivityFilter(channels=frozenset({"ui"}), admins=WALK["activity_filter"].admins)},
        {"activity_filter": replace(WALK["activity_filter"], licenses=frozenset({"Data Reader"}))},
        {"activity_filter": replace(WALK["activity_filter"], admin_rights=frozenset({True}))},
        {"now": NOW + LIFETIME},
    ],
)
def test_a_cursor_serves_no_other_walk(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidCursor):
        opened(**changes)


def test_a_cursor_serves_until_the_end_of_its_time() -> None:
    assert opened(now=NOW + LIFETIME - timedelta(microseconds=1)) == POSITION


def test_the_range_belongs_to_the_walk_as_an_instant_and_not_as_a_spelling() -> None:
    in_utc, elsewhere = NOW, NOW.astimezone(datetime.strptime("+0100", "%z").tzinfo)

    assert ActivityFilter(since=in_utc).digest() == ActivityFilter(since=elsewhere).digest()
    assert ActivityFilter(since=in_utc).digest() != ActivityFilter(until=in_utc).digest()


def test_cursors_outlive_a_version_that_knows_one_more_filter() -> None:
    """A machine's cursor lasts 30 days, and upgrades come between."""

    @dataclass(frozen=True, slots=True)
    class Newer(ActivityFilter):
        countries: frozenset[str] = frozenset()

    asked: dict[str, Any] = {"channels": frozenset({"ui"}), "deleted_admins": True, "since": NOW}
    assert Newer(**asked).digest() == ActivityFilter(**asked).digest()
    assert Newer(**asked, countries=frozenset({"fr"})).digest() != ActivityFilter(**asked).digest()


def test_a_cursor_of_another_key_is_refused() -> None:
    with pytest.raises(InvalidCursor):
        CursorSealer(b"d" * 32).open(CURSOR, **WALK)


MET = {0: 184_467, 3: 901_223}
MACHINE = {name: value for name, value in WALK.items() if name != "order"}


@given(st.dictionaries(st.integers(0, 2**16 - 1), st.integers(0, 2**63 - 1)))
def test_a_machines_cursor_leads_back_to_what_it_met(met: dict[int, int]) -> None:
    assert SEALER.open_met(SEALER.seal_met(met, **MACHINE), **MACHINE) == met


def test_a_cursor_shows_neither_its_client_space_nor_how_much_others_do() -> None:
    """Offsets are counted over all client spaces."""
    sealed = base64.urlsafe_b64decode(SEALER.seal_met(MET, **MACHINE))

    for text in b"acme", *(offset.to_bytes(3, "big") for offset in (184_467, 901_223)):
        assert text not in sealed
    assert b"acme" not in base64.urlsafe_b64decode(CURSOR)
