"""Rows as tuples."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import to_micros
from schemas.rows import precedence
from tests.builders import NOW

NOW_MS = to_micros(NOW) // 1000
offsets = st.integers(0, 2**22 - 1)


@given(offsets, offsets, st.integers(1, 10**9))
def test_the_copy_that_the_broker_appended_first_takes_precedence(first: int, second: int, later_ms: int) -> None:
    assert precedence(NOW_MS, first) > precedence(NOW_MS + later_ms, second)


@given(offsets, offsets)
def test_within_a_millisecond_the_lower_offset_takes_precedence(one: int, other: int) -> None:
    assert (precedence(NOW_MS, one) > precedence(NOW_MS, other)) is (one < other)


@given(st.integers(0, 2**62))
def test_precedence_fits_into_64_bits(offset: int) -> None:
    assert 0 <= precedence(NOW_MS, offset) < 2**64
