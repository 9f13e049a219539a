"""The log in the order `recorded`, over ClickHouse."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from query_api.access.auth import Caller
from query_api.clickhouse.space import LINE_COLUMNS, SpaceReader
from query_api.log.filters import Selection, conditions
from query_api.log.reader import Line, Met, StoredLine, StoredPage
from schemas.fields import EPOCH, MICROSECOND, to_micros
from schemas.rows import ACTIVITY_LOG, STORED_THROUGH

_BEFORE_ALL = EPOCH - MICROSECOND


def _of_partition(values: str, otherwise: int) -> str:
    """The value of a row's partition among {*values*}, which belong to {partitions}."""
    return f"transform(toInt64(kafka_partition), {{partitions:Array(Int64)}}, {{{values}:Array(Int64)}}, {otherwise})"


_TIME = "toUnixTimestamp64Micro(recorded_at)"
_AHEAD = f"({_TIME}, toInt64(kafka_offset)) > ({_of_partition('times', -1)}, {_of_partition('offsets', -1)})"
_UNMET = f"({_AHEAD} OR kafka_offset > {_of_partition('last_offsets', -1)})"
_WHOLE = f"kafka_offset <= {_of_partition('whole_offsets', -1)} AND {_TIME} <= {_of_partition('whole_times', -1)}"
_IN_TIME = "recorded_at < {before:DateTime64(6, 'UTC')}"
_ORDER = f"kafka_partition, {_AHEAD}, if({_AHEAD}, {_TIME}, 0), kafka_offset, recorded_at"


class RecordedReader(SpaceReader):
    """The part of `LogReader` that machines read."""

    async def stored(
        self, caller: Caller, selection: Selection, met: Mapping[int, Met], before: datetime
    ) -> StoredPage:
        """See `LogReader.stored`."""
        # Asked before anything else: up to there all were stored, and none that comes meanwhile lies before.
        through = await self._stored_through(caller)
        bounds = {**_bounds(through, met), "before": before}
        waiting = await self._select(caller, "1", ACTIVITY_LOG, [_IN_TIME, f"NOT ({_WHOLE})"], "LIMIT 1", bounds)
        where = conditions(selection)
        rows = await self._select(
            caller,
            f"{LINE_COLUMNS}, kafka_partition, kafka_offset",
            ACTIVITY_LOG,
            [*where.clauses, _IN_TIME, _WHOLE, *([_UNMET] if met else [])],
            f"ORDER BY {_ORDER} LIMIT {{limit:UInt32}}",
            {**where.parameters, **bounds, "limit": selection.limit},
        )
        found = [StoredLine(Line(*row[:-2]), *row[-2:]) for row in rows]
        return StoredPage(found, has_more=len(found) == selection.limit, is_complete=not waiting)

    async def _stored_through(self, caller: Caller) -> dict[int, tuple[int, datetime]]:
        """By partition, the offset and the time up to which every row is stored."""
        columns = "kafka_partition, max(kafka_offset), max(recorded_at)"
        rows = await self._select(caller, columns, STORED_THROUGH, [], "GROUP BY kafka_partition", {})
        return {partition: (offset, recorded_at) for partition, offset, recorded_at in rows}


def _bounds(through: Mapping[int, tuple[int, datetime]], met: Mapping[int, Met]) -> dict[str, Any]:
    partitions = sorted({*through, *met})
    nothing = Met(_BEFORE_ALL, -1, -1)
    places = [met.get(partition, nothing) for partition in partitions]
    whole = [through.get(partition, (-1, _BEFORE_ALL)) for partition in partitions]
    return {
        "partitions": partitions,
        "times": [to_micros(place.recorded_at) for place in places],
        "offsets": [place.kafka_offset for place in places],
        "last_offsets": [place.last_offset for place in places],
        "whole_offsets": [offset for offset, _ in whole],
        "whole_times": [to_micros(at) for _, at in whole],
    }
