"""The order `recorded`: lines by partition and offset, for machines that want each line once. Pure.

Offsets of a partition only ever grow, also where the topic was made anew: see `schemas.rows.row_offset`.
"""

from collections.abc import Iterable, Mapping

from query_api.log.reader import Line, StoredLine


def advanced(met: Mapping[int, int], rows: Iterable[StoredLine]) -> dict[int, int]:
    """The greatest offset of each partition that was met, after *rows*, which are in the order of the walk."""
    return {**met, **{row.kafka_partition: row.kafka_offset for row in rows}}


def distinct(rows: Iterable[StoredLine]) -> list[Line]:
    """The lines of *rows*, each record once: copies of one record lie side by side."""
    return list({(row.kafka_partition, row.kafka_offset): row.line for row in rows}.values())
