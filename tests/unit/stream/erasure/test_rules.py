"""Which names must go."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.lifetimes import Erasure
from schemas.rows import CREATED, ERASED, PersonNameRow
from stream.erasure.rules import PersonKey, living_name
from tests.builders import NOW, a_lifetime, a_uuid
from tests.fakes.erasure import erasures_of

ADA = PersonKey("acme", a_uuid(1))


def day(number: int) -> datetime:
    return NOW + timedelta(days=number)


def a_name(first: int, last: int) -> PersonNameRow:
    return PersonNameRow(*ADA, "usr_ada", "ada@example.com", "Ada", day(first), day(last))


@pytest.mark.parametrize(
    ("seen", "erasure", "left"),
    [
        ((1, 5), None, (1, 5)),
        ((1, 1), Erasure(day(2)), None),
        ((1, 9), Erasure(day(2)), None),
        ((9, 9), Erasure(day(2)), None),
        ((1, 3), Erasure(day(2), day(4)), None),
        ((4, 5), Erasure(day(2), day(4)), (4, 5)),
        ((1, 5), Erasure(day(2), day(4)), (4, 5)),
        ((1, 4), Erasure(day(2), day(4)), (4, 4)),
    ],
)
def test_a_name_is_of_the_present_life_or_it_goes(
    seen: tuple[int, int], erasure: Erasure | None, left: tuple[int, int] | None
) -> None:
    erasures = {} if erasure is None else {ADA: erasure}
    assert living_name(a_name(*seen), erasures) == (None if left is None else a_name(*left))


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([CREATED, ERASED]), st.integers(0, 9))))
def test_what_is_left_is_left_for_good(facts: list[tuple[int, str, int]]) -> None:
    rows = [a_lifetime("acme", a_uuid(ref), change, day(at)) for ref, change, at in facts]
    erasures = erasures_of(rows)
    for first in range(10):
        for last in range(first, 10):
            kept = living_name(a_name(first, last), erasures)
            assert kept is None or living_name(kept, erasures) == kept
