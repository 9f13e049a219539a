"""What the store already says of a batch's events: the port, and ClickHouse behind it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.httpclient import HttpClient

from schemas.clickhouse_client import connect, in_words
from schemas.fields import to_micros
from schemas.rows import ACTIVITY_LOG, ActivityRow
from stream.errors import Unavailable
from stream.pipeline.rows.lines import Lines

KEYS_TABLE = "event_keys"
_MAX_QUERY_BYTES = 16 * 1024 * 1024
"""An id and its comma are 37 bytes, and a batch has some 20,000; ClickHouse parses 256 KiB unless it is told."""
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

    def __init__(self, url: str, database: str, *, timeout_seconds: float = 30.0) -> None:
        self._url = url
        self._database = database
        self._timeout_seconds = timeout_seconds
        self._client: Client | None = None

    def accounts(self, rows: Sequence[ActivityRow]) -> list[ActivityRow]:
        try:
            return self._accounts(rows)
        except Exception as error:  # noqa: BLE001 - what a driver raises is no closed list
            self.close()
            # Not chained: the driver's text may quote what was bound.
            raise Unavailable(in_words(error)) from None

    def close(self) -> None:
        """Drop the connection; the next call makes a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _accounts(self, rows: Sequence[ActivityRow]) -> list[ActivityRow]:
        lines = Lines.of(rows)
        # Not bound: the driver escapes a parameter character by character. They are canonical UUIDs, every one of them.
        event_ids = ",".join(set(lines.columns.event_id))
        keys = self._query(
            "SELECT client_space_id, occurred_at, event_id, kafka_partition, kafka_offset"  # noqa: S608 - as above
            f" FROM {self._database}.{KEYS_TABLE}"
            f" WHERE UUIDToNum(event_id) IN (SELECT UUIDStringToNum(arrayJoin(splitByChar(',', '{event_ids}'))))"
            f" SETTINGS max_query_size = {_MAX_QUERY_BYTES}"
        )
        if not keys:
            return []
        given = {(row.event_id, row.kafka_partition, row.kafka_offset): row for row in lines}
        found: list[ActivityRow] = []
        elsewhere: set[tuple[str, datetime, UUID]] = set()
        for client_space_id, occurred_at, event_id, partition, offset in keys:
            same_record = given.get((event_id, partition, offset))
            if same_record is None:
                elsewhere.add((client_space_id, occurred_at, event_id))
            else:
                found.append(same_record)
        return found + self._stored(elsewhere)

    def _stored(self, keys: set[tuple[str, datetime, UUID]]) -> list[ActivityRow]:
        found: list[ActivityRow] = []
        for some in _parts(sorted(keys), _KEYS_PER_QUERY):
            found += [
                ActivityRow(*row)
                for row in self._query(
                    # FINAL: of several copies that no merge has reached, the first is what the log says.
                    f"SELECT {', '.join(ActivityRow._fields)} FROM {self._database}.{ACTIVITY_LOG} FINAL"  # noqa: S608 - as above
                    " WHERE client_space_id IN {spaces:Array(String)} AND event_id IN {event_ids:Array(UUID)}"
                    " AND occurred_at IN arrayMap(m -> fromUnixTimestamp64Micro(m, 'UTC'), {times:Array(Int64)})",
                    {
                        "spaces": list({space for space, _, _ in some}),
                        "times": list({to_micros(at) for _, at, _ in some}),
                        "event_ids": list({event_id for _, _, event_id in some}),
                    },
                )
            ]
        return found

    def _query(self, sql: str, parameters: dict[str, object] | None = None) -> Sequence[Sequence[Any]]:
        if self._client is None:
            self._client = connect(self._url, timeout_seconds=self._timeout_seconds)
        # In the body, beside the statement: keys are longer than any URL.
        cast("HttpClient", self._client).form_encode_query_params = parameters is not None
        return self._client.query(sql, parameters=parameters).result_rows


def _parts(whole: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
