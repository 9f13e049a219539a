from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.log.persons import KnownName, KnownPerson, Persons, ShownPerson, deleted_ref, name_at
from schemas.lifetimes import Erasure
from tests.builders import KEY, NOW

REF = UUID(int=1)
DAY = timedelta(days=1)
LONG_AGO = NOW - 1_000 * DAY
ADA = KnownName(NOW, NOW + 9 * DAY, "ada", "Ada")
COUNTESS = KnownName(NOW + 2 * DAY, NOW + 3 * DAY, "countess", "")
NAMELESS = KnownName(NOW + 1 * DAY, NOW + 9 * DAY, "", "")


@pytest.mark.parametrize(
    ("days", "expected"),
    [(-5, "ada"), (0, "ada"), (1, "ada"), (1.9, "ada"), (2, "countess"), (3, "countess"), (100, "ada")],
)
def test_the_name_of_that_time_is_shown(days: float, expected: str) -> None:
    name = name_at([COUNTESS, NAMELESS, ADA], LONG_AGO, NOW + days * DAY)

    assert name is not None
    assert name.username == expected


def test_names_of_a_former_life_are_nobodys_business() -> None:
    life_start = NOW + 4 * DAY

    name = name_at([ADA, COUNTESS], life_start, NOW + 5 * DAY)

    assert name == KnownName(life_start, ADA.last_seen, "ada", "Ada")
    assert name_at([COUNTESS], life_start, NOW + 5 * DAY) is None


def test_a_person_without_a_name_has_none() -> None:
    assert name_at([NAMELESS], LONG_AGO, NOW) is None


@pytest.mark.parametrize("known", [None, {}, {REF: KnownPerson("usr_ada", (ADA,))}])
def test_nothing_shows_who_a_deleted_person_was(known: dict[UUID, KnownPerson] | None) -> None:
    shown = Persons(KEY, "acme", {REF: Erasure(NOW)}, known).show(REF, NOW - DAY)

    assert shown == ShownPerson(deleted_ref(KEY, "acme", REF), None, None, "Deleted User", deleted=True)
    assert shown.ref != REF


def test_a_life_after_a_deletion_starts_at_its_creation() -> None:
    persons = Persons(KEY, "acme", {REF: Erasure(NOW, NOW + DAY)}, {REF: KnownPerson("usr_ada", (ADA,))})

    assert persons.show(REF, NOW + DAY - timedelta(microseconds=1)).deleted
    assert persons.show(REF, NOW + DAY) == ShownPerson(REF, "usr_ada", "ada", "Ada", deleted=False)


def test_unreadable_names_are_not_a_deletion() -> None:
    shown = Persons(KEY, "acme", {}, None).show(REF, NOW)

    assert shown == ShownPerson(REF, None, None, "Name unavailable", deleted=False)


def test_a_person_of_whom_nothing_is_known_has_only_a_ref() -> None:
    assert Persons(KEY, "acme", {}, {}).show(REF, NOW) == ShownPerson(REF, None, None, None, deleted=False)


def test_a_deleted_ref_differs_by_key_client_space_and_person() -> None:
    refs = {
        deleted_ref(KEY, "acme", REF),
        deleted_ref(b"x" * 32, "acme", REF),
        deleted_ref(KEY, "acme2", REF),
        deleted_ref(KEY, "acme", UUID(int=2)),
    }

    assert len(refs) == 4


A, B = "a", "b"


@pytest.mark.parametrize(
    ("days", "expected"), [(0, A), (1, A), (3, A), (4, B), (5, B), (6, B), (7, A), (9, A), (10, A), (1_000, A)]
)
def test_a_name_in_whose_time_another_came_and_went_is_back_afterwards(days: int, expected: str) -> None:
    outer = KnownName(NOW + DAY, NOW + 9 * DAY, A, "")
    inner = KnownName(NOW + 4 * DAY, NOW + 6 * DAY, B, "")

    for names in ([outer, inner], [inner, outer]):
        name = name_at(names, LONG_AGO, NOW + days * DAY)
        assert name is not None
        assert name.username == expected


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abc")), min_size=1, unique_by=lambda seen: seen[0]))
def test_a_line_shows_its_own_name_unless_a_later_one_was_seen_on_both_sides_of_it(seen: list[tuple[int, str]]) -> None:
    spans = {name: [day for day, other in seen if other == name] for _, name in seen}
    names = [KnownName(NOW + min(days) * DAY, NOW + max(days) * DAY, name, "") for name, days in spans.items()]

    for day, own in seen:
        shown = name_at(names, LONG_AGO, NOW + day * DAY)
        assert shown is not None
        alternates = any(min(spans[own]) < min(days) < day < max(days) for days in spans.values())
        assert shown.username == own or alternates
