"""The buckets of a chart: the hours, days, weeks and months of a time zone. Pure.

Python decides where buckets start; ClickHouse only counts lines between the starts. A day has 23 or 25 hours where the
clocks change, and starts after midnight where the change skips midnight.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

MAX_BUCKETS = 1_000

_HOUR = timedelta(hours=1)


class Interval(StrEnum):
    """The length of a bucket. Weeks start on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class TooManyBuckets(ValueError):
    """The range holds more than `MAX_BUCKETS` of the interval."""


def bucket_starts(since: datetime, until: datetime, interval: Interval, zone: ZoneInfo) -> list[datetime]:
    """The start of each bucket that *since* to *until* (exclusive) touches, in order and in UTC.

    UTC, because Python compares two times of one zone by their clocks, which repeat an hour in autumn.
    Raises `TooManyBuckets`.
    """
    start = _first(since.astimezone(UTC), interval, zone)
    starts = [start]
    while (start := _next(start, interval, zone)) < until:
        starts.append(start)
        if len(starts) > MAX_BUCKETS:
            raise TooManyBuckets
    return starts


def _first(since: datetime, interval: Interval, zone: ZoneInfo) -> datetime:
    if interval is Interval.HOUR:
        return _hour_of(since, zone)
    return _midnight(_first_date(since.astimezone(zone).date(), interval), zone)


def _next(start: datetime, interval: Interval, zone: ZoneInfo) -> datetime:
    if interval is Interval.HOUR:
        # Zones that shift by half an hour have one shorter or longer one, and whole hours again behind it.
        return max(_hour_of(start + _HOUR, zone), start + _HOUR / 2)
    found, day = start, start.astimezone(zone).date()
    while found <= start:
        day = _DATE_AFTER[interval](day)
        found = _midnight(day, zone)
    return found


def _hour_of(instant: datetime, zone: ZoneInfo) -> datetime:
    local = instant.astimezone(zone)
    return instant - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of *day*: the first of two midnights, or the end of a gap that swallowed it."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _first_date(day: date, interval: Interval) -> date:
    if interval is Interval.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval is Interval.MONTH else day


def _month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


_DATE_AFTER: Mapping[Interval, Callable[[date], date]] = {
    Interval.DAY: lambda day: day + timedelta(days=1),
    Interval.WEEK: lambda day: day + timedelta(days=7),
    Interval.MONTH: _month_after,
}
