"""Two accounts of one event: the first is kept, and every later one that says something else is refused.

An event is its `event_id`. A copy says the same under the same key (client space, `occurred_at`); the tables fold it.
A record with a known id and another key would be a second line, and one with the same key and other content would
vanish in a merge: both become dead letters, `conflicting_event`.

What the check cannot see: a first account that left `event_keys` (recorded more than 8 days before, and no import),
and two accounts that two workers store within the same moment. `audit-stream conflicts` finds those in the whole log.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar, cast
from uuid import UUID

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.httpclient import HttpClient

from schemas.errors import Reason
from schemas.events import UserDeletion
from schemas.fields import to_micros
from schemas.person_ref import PersonRefs
from schemas.rows import ACTIVITY_LOG, ActivityRow
from stream.errors import Unavailable
from stream.fetch.records import Chunk
from stream.pipeline.accept import Accepted, Refused
from stream.pipeline.batches import Batch, is_line, rows_of
from stream.pipeline.rows.lines import Lines
from stream.pipeline.sink import connect

KEYS_TABLE = "event_keys"
_MAX_QUERY_BYTES = 16 * 1024 * 1024
"""An id and its comma are 37 bytes, and a batch has some 20,000; ClickHouse parses 256 KiB unless it is told."""
_KEYS_PER_QUERY = 200
"""ClickHouse takes 128 KiB a parameter by default; a client space's name may be 512 bytes long."""
_PLACE_FIELDS = frozenset({"recorded_at", "kafka_partition", "kafka_offset", "schema_id", "precedence"})
_SAID = [place for place, name in enumerate(ActivityRow._fields) if name not in _PLACE_FIELDS]
_CONTENT_COLUMNS = ", ".join(ActivityRow._fields[place] for place in _SAID[3:])

T = TypeVar("T")
Account = tuple[object, ...]
"""Everything that a row says about its event: all of it but how it came here."""


def account(row: ActivityRow) -> Account:
    """What *row* says."""
    return tuple(row[place] for place in _SAID)


class KnownEvents(Protocol):
    """What the log already says of events. One caller at a time."""

    def accounts(self, rows: Sequence[ActivityRow]) -> list[ActivityRow]:
        """The stored rows of the events of *rows*, as far back as this port remembers.

        A row stored from the very same record may be answered with the given one. Blocks. Raises `Unavailable`.
        """
        ...


def without_conflicts(batch: Batch, known: Sequence[ActivityRow], refs: PersonRefs) -> Batch:
    """*batch*, in which each record that contradicts an earlier account of its event is a refusal. Pure.

    Earlier is what is *known*, then what the broker recorded first. An event that is known under several accounts was
    in conflict before this check: a copy of either is no news.
    """
    event_ids = Lines.of(batch.rows.activities).columns.event_id
    if not known and len(set(event_ids)) == len(event_ids):
        return batch
    first = _first_accounts(batch, known)
    rows = iter(batch.rows.activities)
    kept: list[Accepted] = []
    refusals: list[tuple[Chunk, Refused]] = []
    for one in batch.accepted:
        # Rows are in the order of what they were made of.
        row = next(rows) if is_line(one) else None
        if row is None or account(row) in first[row.event_id]:
            kept.append(one)
            continue
        refusals.append((one.chunk, Refused(one.record, Reason.CONFLICTING_EVENT, "event_id")))
        if one.fields.activity == UserDeletion.__name__:
            # Whose line this is can be disputed; that somebody asked for a person's erasure cannot.
            kept.append(one._replace(is_contested=True))
    if not refusals:
        return batch
    return replace(batch, accepted=kept, refusals=[*batch.refusals, *refusals], rows=rows_of(kept, refs))


def _first_accounts(batch: Batch, known: Iterable[ActivityRow]) -> dict[UUID, set[Account]]:
    accounts: dict[UUID, set[Account]] = {}
    for row in known:
        accounts.setdefault(row.event_id, set()).add(account(row))
    first: dict[UUID, ActivityRow] = {}
    for row in batch.rows.activities:
        earlier = first.get(row.event_id)
        if earlier is None or row.precedence > earlier.precedence:
            first[row.event_id] = row
    for event_id, row in first.items():
        accounts.setdefault(event_id, {account(row)})
    return accounts


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
            raise Unavailable(f"ClickHouse: {type(error).__name__}") from None

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
            f" WHERE event_id IN (SELECT toUUID(arrayJoin(splitByChar(',', '{event_ids}'))))"
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


_ROWS_PER_PASS = 2_000_000


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
            yield Conflict(event_id, sorted(map(tuple, keys)), int(accounts), [tuple(place) for place in places])
