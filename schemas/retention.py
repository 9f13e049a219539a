"""The 12-month retention, in one place for every read path."""

from datetime import UTC, datetime, timedelta

SHORTEST_RETENTION = timedelta(days=365)
"""Twelve calendar months are never shorter, so what is younger needs no calendar."""

_LEAP_DAY = (2, 29)


def retention_start(now: datetime) -> datetime:
    """The oldest `occurred_at` that is still shown at *now* (both UTC): 12 calendar months back, to the microsecond.

    A leap day has no counterpart a year earlier, so at any time of 29 February the log starts at 1 March of the year
    before: the start never moves backwards, and no line that was hidden comes back.
    """
    now = now.astimezone(UTC)
    if (now.month, now.day) == _LEAP_DAY:
        return datetime(now.year - 1, 3, 1, tzinfo=UTC)
    return now.replace(year=now.year - 1)
