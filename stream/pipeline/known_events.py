"""What the store already says of a batch's events: the port, and ClickHouse behind it."""

import json
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from schemas.clickhouse_client import in_words
from schemas.rows import ACTIVITY_LOG, ActivityRow
from stream.clients.clickhouse import LastingClient
from stream.errors import Unavailable
from stream.pipeline.rows.lines import Lines

KEYS_TABLE = "event_keys"
_MAX_QUERY_BYTES = 16 * 1024 * 1024
"""An id is 32 bytes, and a batch has some 20,000. ClickHouse parses 256 KiB, unless it is told beside the statement: a
setting within comes too late."""
_KEYS_PER_QUERY = 200
"""ClickHouse takes 128 KiB a parameter by default; a client space's name may be 512 bytes long."""

T = TypeVar("T")


class KnownEvents(Protocol):
    """What the log already says of events. One caller at a time."""

    def accounts(self, rows: Sequence[ActivityRow]) -> list[ActivityRow]:
        """The stored rows of the events of *rows*, as far back as this port remembers.

        A row stored from the very same record may be answered with the given one. Blocks. Raises `Unavailable`.
        """
        ...


class ClickHouseKnownEvents:
    """`KnownEvents` in ClickHouse. It remembers events recorded in the last 8 days, and imports for 12 months."""

    def __init__(self, url: str, database: str) -> None:
        self._client = LastingClient(url)
        self._database = database

    def accounts(self, rows: Sequence[ActivityRow]) -> list[ActivityRow]:
        try:
            return self._accounts(rows)
        except Exception as error:  # noqa: BLE001 - what a driver raises is no closed list
            self.close()
            # Not chained: the driver's text may quote what was bound.
            raise Unavailable(in_words(error)) from None

    def close(self) -> None:
        """Drop the connection; the next call makes a new one."""
        self._client.close()

    def _accounts(self, rows: Sequence[ActivityRow]) -> list[ActivityRow]:
        lines = Lines.of(rows)
        column = lines.columns
        # Not bound: the driver escapes a parameter character by character. They are canonical UUIDs, every one of them.
        digits = "".join(set(column.event_id)).replace("-", "")
        # Asked raw: else the driver searches the statement for its clauses, which takes longer than to write it.
        keys = self._client.connected().raw_query(
            "SELECT client_space_id, toUnixTimestamp64Micro(occurred_at), event_id, kafka_partition, kafka_offset"  # noqa: S608 - as above
            f" FROM {self._database}.{KEYS_TABLE}"
            " WHERE UUIDToNum(event_id) IN (SELECT toFixedString(unhex(arrayJoin("
            f"arrayMap(i -> substring('{digits}', i, 32), range(1, {len(digits)}, 32)))), 16))"
            " SETTINGS output_format_json_quote_64bit_integers = 0 FORMAT JSONCompactEachRow",
            settings={"max_query_size": _MAX_QUERY_BYTES},
        )
        if not keys:
            return []
        records = zip(column.event_id, column.kafka_partition, column.kafka_offset, strict=True)
        given = {record: place for place, record in enumerate(records)}
        found: list[ActivityRow] = []
        elsewhere: set[tuple[str, int, str]] = set()
        for client_space_id, occurred_at, event_id, partition, offset in map(json.loads, keys.splitlines()):
            same_record = given.get((event_id, partition, offset))
            if same_record is None:
                elsewhere.add((client_space_id, occurred_at, event_id))
            else:
                found.append(lines[same_record])
        return found + self._stored(elsewhere)

    def _stored(self, keys: set[tuple[str, int, str]]) -> list[ActivityRow]:
        found: list[ActivityRow] = []
        for some in _parts(sorted(keys), _KEYS_PER_QUERY):
            # FINAL: of several copies that no merge has reached, the first is what the log says.
            answer = self._client.connected().query(
                f"SELECT {', '.join(ActivityRow._fields)} FROM {self._database}.{ACTIVITY_LOG} FINAL"  # noqa: S608 - as above
                " WHERE client_space_id IN {spaces:Array(String)} AND event_id IN {event_ids:Array(UUID)}"
                " AND occurred_at IN arrayMap(m -> fromUnixTimestamp64Micro(m, 'UTC'), {times:Array(Int64)})",
                {
                    "spaces": list({space for space, _, _ in some}),
                    "times": list({at for _, at, _ in some}),
                    "event_ids": list({event_id for _, _, event_id in some}),
                },
            )
            found += [ActivityRow(*row) for row in answer.result_rows]
        return found


def _parts(whole: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
