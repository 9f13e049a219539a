"""The log in the order `recorded`, over ClickHouse."""

from collections.abc import Mapping
from datetime import datetime

from query_api.access.auth import Caller
from query_api.clickhouse.space import LINE_COLUMNS, SpaceReader
from query_api.log.filters import Selection, conditions
from query_api.log.reader import Line, StoredLine, StoredPage
from schemas.rows import ACTIVITY_LOG, STORED_THROUGH


def _of_partition(offsets: str) -> str:
    """The offset of a row's partition among {*offsets*}, which belong to {partitions}; -1 where it has none."""
    return f"transform(toInt64(kafka_partition), {{partitions:Array(Int64)}}, {{{offsets}:Array(Int64)}}, -1)"


_WHOLE = f"kafka_offset <= {_of_partition('whole')}"
_UNMET = f"kafka_offset > {_of_partition('met')}"


class RecordedReader(SpaceReader):
    """The part of `LogReader` that machines read."""

    async def stored(
        self, caller: Caller, selection: Selection, met: Mapping[int, int], before: datetime
    ) -> StoredPage:
        # Asked before anything else: up to there all were stored, and none that comes meanwhile lies before.
        through = await self._stored_through(caller)
        partitions = sorted({*through, *met})
        bounds = {
            "partitions": partitions,
            "whole": [through.get(partition, -1) for partition in partitions],
            "met": [met.get(partition, -1) for partition in partitions],
        }
        in_time = "recorded_at < {before:DateTime64(6, 'UTC')}"
        held_back = [in_time, f"NOT ({_WHOLE})"]
        # No index knows partitions and offsets: both of these read the client space.
        waiting = await self._select(
            caller, "1", ACTIVITY_LOG, held_back, "LIMIT 1", {**bounds, "before": before}, is_costly=True
        )
        where = conditions(selection)
        rows = await self._select(
            caller,
            f"{LINE_COLUMNS}, kafka_partition, kafka_offset",
            ACTIVITY_LOG,
            [*where.clauses, _WHOLE, _UNMET],
            "ORDER BY kafka_partition, kafka_offset LIMIT {limit:UInt32}",
            {**where.parameters, **bounds, "limit": selection.limit},
            is_costly=True,
        )
        found = [StoredLine(Line(*row[:-2]), *row[-2:]) for row in rows]
        return StoredPage(found, has_more=len(found) == selection.limit, is_complete=not waiting)

    async def _stored_through(self, caller: Caller) -> dict[int, int]:
        """By partition, the offset up to which every row is stored."""
        rows = await self._select(
            caller, "kafka_partition, max(kafka_offset)", STORED_THROUGH, [], "GROUP BY kafka_partition", {}
        )
        return dict(rows)
