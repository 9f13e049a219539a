"""The order `recorded`: lines as the broker took them, for machines that want each line once. Pure.

A topic that is deleted and made anew begins at offset 0 again, so partition and offset alone do not name a record. Its
append time goes with them.
"""

from collections.abc import Iterable, Mapping

from query_api.log.reader import Line, Met, StoredLine


def advanced(met: Mapping[int, Met], rows: Iterable[StoredLine]) -> dict[int, Met]:
    """*met* after *rows*, which are in the order of the walk."""
    now = dict(met)
    for row in rows:
        before = now.get(row.kafka_partition)
        place = row.line.recorded_at, row.kafka_offset
        last_offset = row.kafka_offset
        if before is not None:
            place = max(place, (before.recorded_at, before.kafka_offset))
            last_offset = max(last_offset, before.last_offset)
        now[row.kafka_partition] = Met(*place, last_offset)
    return now


def distinct(rows: Iterable[StoredLine]) -> list[Line]:
    """The lines of *rows*, each record once: copies of one record lie side by side."""
    return list({(row.kafka_partition, row.kafka_offset, row.line.recorded_at): row.line for row in rows}.values())
