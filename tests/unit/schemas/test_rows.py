"""Rows as tuples."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.rows import precedence
from tests.builders import NOW

MILLISECOND = timedelta(milliseconds=1)
offsets = st.integers(0, 2**22 - 1)


@given(offsets, offsets, st.integers(1, 10**9))
def test_the_copy_that_the_broker_appended_first_takes_precedence(first: int, second: int, later_ms: int) -> None:
    assert precedence(NOW, first) > precedence(NOW + later_ms * MILLISECOND, second)


@given(offsets, offsets)
def test_within_a_millisecond_the_lower_offset_takes_precedence(one: int, other: int) -> None:
    assert (precedence(NOW, one) > precedence(NOW, other)) is (one < other)


@given(st.integers(0, 2**62))
def test_precedence_fits_into_64_bits(offset: int) -> None:
    assert 0 <= precedence(NOW, offset) < 2**64
