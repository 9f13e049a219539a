"""Events of which the stored log holds several accounts."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clickhouse_connect.driver.client import Client

from schemas.rows import ACTIVITY_LOG, record_offset
from stream.pipeline.conflicts import CONTENT_FIELDS

_ROWS_PER_PASS = 2_000_000
_CONTENT_COLUMNS = ", ".join(CONTENT_FIELDS[3:])


class Conflict(NamedTuple):
    """An event of which the log holds more than one account. *keys*: client space and time of each line it has.

    *places* are partition and offset of the records that the rows came from, first copy first.
    """

    event_id: UUID
    keys: list[tuple[str, datetime]]
    accounts: int
    places: list[tuple[int, int]]

    @property
    def kind(self) -> str:
        """`several_lines` where readers see more than one, `other_content` where the next merge leaves one."""
        return "several_lines" if len(self.keys) > 1 else "other_content"


def stored_conflicts(client: Client, database: str) -> Iterator[Conflict]:
    """Every event in the whole log with more than one account, as far as merges have left both.

    Reads the log's ids once for each two million rows, so that memory stays bounded.
    """
    table = f"{database}.{ACTIVITY_LOG}"
    total = client.query(f"SELECT count() FROM {table}").result_rows[0][0]  # noqa: S608 - a checked name
    passes = 1 + int(total) // _ROWS_PER_PASS
    for number in range(passes):
        rows = client.query(
            "SELECT event_id, groupUniqArray((client_space_id, occurred_at)) AS keys,"  # noqa: S608 - as above
            f" uniqExact((client_space_id, occurred_at, {_CONTENT_COLUMNS})) AS accounts,"
            " arrayMap(c -> (c.2, c.3), arrayReverseSort(groupUniqArray((precedence, kafka_partition, kafka_offset))))"
            f" FROM {table} WHERE event_id IN ("
            f"  SELECT event_id FROM {table}"
            "   WHERE cityHash64(event_id) % {passes:UInt32} = {number:UInt32} GROUP BY event_id HAVING count() > 1)"
            " GROUP BY event_id HAVING accounts > 1 ORDER BY event_id",
            parameters={"passes": passes, "number": number},
        ).result_rows
        for event_id, keys, accounts, places in rows:
            records = [(partition, record_offset(offset)) for partition, offset in places]
            yield Conflict(event_id, sorted(map(tuple, keys)), int(accounts), records)
