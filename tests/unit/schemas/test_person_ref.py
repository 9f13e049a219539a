"""The pseudonym of a person."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.person_ref import canonical_id, person_ref
from tests.builders import KEY

ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


def test_the_ref_never_changes_since_rows_of_twelve_months_hold_it() -> None:
    assert person_ref(KEY, "acme", "usr_ada") == UUID("a27fd930-96e0-8fd9-569a-d9f44149dc51")


@given(ids, ids, ids, ids)
def test_two_persons_never_share_a_ref(space: str, person: str, other_space: str, other_person: str) -> None:
    same = (space, canonical_id(person)) == (other_space, canonical_id(other_person))
    assert (person_ref(KEY, space, person) == person_ref(KEY, other_space, other_person)) is same


def test_moving_the_border_between_space_and_id_gives_another_ref() -> None:
    assert person_ref(KEY, "acme", "x1") != person_ref(KEY, "acmex", "1")


def test_another_key_gives_another_ref() -> None:
    assert person_ref(KEY, "acme", "usr_ada") != person_ref(b"K" * 32, "acme", "usr_ada")


@pytest.mark.parametrize(
    "spelling", ["zoë@x.de", "zoe\u0308@x.de", "ZOë@X.de", " zoë@x.de ", "zoë@x.de\u00a0", "zoë@x.de\n"]
)
def test_an_e_mail_is_one_person_in_every_ascii_case_white_space_and_unicode_form(spelling: str) -> None:
    assert canonical_id(spelling) == "zoë@x.de"
    assert person_ref(KEY, "acme", spelling) == person_ref(KEY, "acme", "zoë@x.de")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße@example.com", "strasse@example.com"),
        ("É@example.com", "é@example.com"),
        ("ﬁ@example.com", "fi@example.com"),
        ("a@example.com", "a\u200b@example.com"),
        ("a@example.com", "a @example.com"),
        ("U1", "u1"),
        ("u1", "u1 "),
    ],
)
def test_ids_that_differ_in_more_are_two_persons(one: str, other: str) -> None:
    assert canonical_id(one) != canonical_id(other)
    assert person_ref(KEY, "acme", one) != person_ref(KEY, "acme", other)


@given(ids)
def test_the_canonical_id_is_canonical(person: str) -> None:
    assert canonical_id(canonical_id(person)) == canonical_id(person)
