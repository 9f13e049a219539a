"""How many lines a filter selects, over time and by the values of other filters."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from query_api.access.auth import Caller
from query_api.errors import InvalidParameters, ParameterError
from query_api.log.activity_log import ActivityLog
from query_api.log.buckets import MAX_BUCKETS, Interval, TooManyBuckets, bucket_starts
from query_api.log.facets import Facet, Facets, facet_counts, without_facets
from query_api.log.filters import ActivityFilter, Selection
from query_api.log.reader import LogReader
from schemas.limits import MAX_CLOCK_AHEAD


@dataclass(frozen=True, slots=True)
class Bucket:
    """Lines by activity type, possibly none. *start* is in UTC."""

    start: datetime
    by_activity_type: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Chart:
    """Buckets without a gap, from the range's first to its last, or to the present one; and the facets asked for."""

    interval: Interval
    zone: ZoneInfo
    buckets: list[Bucket]
    facets: Facets = field(default_factory=dict)


class Statistics:
    """Counts the lines that `ActivityLog` shows: same retention, same persons."""

    def __init__(self, log: ActivityLog, reader: LogReader) -> None:
        self._log = log
        self._reader = reader

    async def chart(
        self,
        caller: Caller,
        activity_filter: ActivityFilter,
        interval: Interval,
        zone: ZoneInfo,
        facets: Collection[Facet] = (),
    ) -> Chart:
        """No bucket where the range begins later than any line can. Raises `InvalidParameters` or `StoreError`."""
        now = self._log.now()
        selection = await self._log.selection(caller, activity_filter, limit=1, now=now)
        # Lines are accepted a little ahead of the clock.
        end = now + MAX_CLOCK_AHEAD if selection.until is None else min(selection.until, now + MAX_CLOCK_AHEAD)
        if selection.since >= end:
            return Chart(interval, zone, [], facet_counts([], selection, facets))
        try:
            starts = bucket_starts(selection.since, end, interval, zone)
        except TooManyBuckets:
            message = f"must be longer: the range has more than {MAX_BUCKETS} buckets of this interval"
            raise InvalidParameters([ParameterError("interval", "out_of_range", message)]) from None
        counts, found = await asyncio.gather(
            self._reader.counts(caller, selection, starts), self._facets(caller, selection, facets)
        )
        counted: dict[datetime, dict[str, int]] = {start: {} for start in starts}
        for start, activity_type, lines in counts:
            counted[start][activity_type] = lines
        buckets = [Bucket(start, counted[start]) for start in starts]
        while len(buckets) > 1 and buckets[-1].start > now and not buckets[-1].by_activity_type:
            buckets.pop()
        return Chart(interval, zone, buckets, found)

    async def _facets(self, caller: Caller, selection: Selection, facets: Collection[Facet]) -> Facets:
        if not facets:
            return {}
        return facet_counts(await self._reader.value_counts(caller, without_facets(selection)), selection, facets)
