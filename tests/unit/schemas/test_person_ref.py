"""The pseudonym of a person."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from schemas.person_ref import person_ref
from tests.builders import KEY

ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


def test_the_ref_never_changes_since_rows_of_twelve_months_hold_it() -> None:
    assert person_ref(KEY, "acme", "usr_ada") == UUID("a27fd930-96e0-8fd9-569a-d9f44149dc51")


@given(ids, ids, ids, ids)
def test_two_persons_never_share_a_ref(space: str, person: str, other_space: str, other_person: str) -> None:
    same = (space, person) == (other_space, other_person)
    assert (person_ref(KEY, space, person) == person_ref(KEY, other_space, other_person)) is same


def test_moving_the_border_between_space_and_id_gives_another_ref() -> None:
    assert person_ref(KEY, "acme", "x1") != person_ref(KEY, "acmex", "1")


def test_another_key_gives_another_ref() -> None:
    assert person_ref(KEY, "acme", "usr_ada") != person_ref(b"K" * 32, "acme", "usr_ada")
