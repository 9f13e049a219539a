"""The 12-month edge."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.retention import SHORTEST_RETENTION, retention_start


@pytest.mark.parametrize(
    ("now", "start"),
    [
        ("2026-11-24T09:31:07.412345", "2025-11-24T09:31:07.412345"),
        ("2025-02-28T23:59:59.999999", "2024-02-28T23:59:59.999999"),  # keeps all of 29 February 2024
        ("2025-03-01T00:00:00", "2024-03-01T00:00:00"),  # and from here none of it
        ("2028-02-28T23:59:59.999999", "2027-02-28T23:59:59.999999"),
        ("2028-02-29T00:00:00", "2027-03-01T00:00:00"),  # a leap day has no counterpart: the edge waits at 1 March
        ("2028-02-29T23:59:59.999999", "2027-03-01T00:00:00"),
        ("2028-03-01T00:00:00", "2027-03-01T00:00:00"),
    ],
)
def test_the_log_starts_twelve_calendar_months_ago(now: str, start: str) -> None:
    assert retention_start(utc(now)) == utc(start)


instants = st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - zoned by Hypothesis


@given(instants, st.timedeltas(timedelta(0), timedelta(days=800)))
def test_the_start_never_moves_backwards_so_nothing_hidden_comes_back(now: datetime, later: timedelta) -> None:
    assert retention_start(now) <= retention_start(now + later)


@given(instants)
def test_the_shortest_retention_is_never_too_long(now: datetime) -> None:
    assert now - retention_start(now) >= SHORTEST_RETENTION


def test_the_zone_in_which_now_is_given_does_not_matter() -> None:
    in_sydney = datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=11)))
    assert retention_start(in_sydney) == utc("2025-02-28T22:00:00")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
