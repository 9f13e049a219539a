"""Looks for a person everywhere: the proof of an erasure.

Where it looks, it looks at what is there and not at what should be: every text column of every table, every record of
every topic, the files of given directories and what is compressed in them. It takes the id and the names in clear, and
prints none of them.
"""

import asyncio
import mmap
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from clickhouse_connect.driver.client import Client

from schemas.rows import PERSON_LIFETIMES
from schemas.topics import TOPICS, Topic
from stream.clients.topic_reader import TopicReader, open_reader
from stream.clients.topics import duration, topic_config
from stream.erasure.eraser import SWEEP_INTERVAL, compacted_within
from stream.erasure.packed_files import Sealed, inside
from stream.erasure.rules import PersonKey, erasure_of
from stream.errors import Unavailable
from stream.pipeline.sink import connect

CLICKHOUSE_BOUND = timedelta(minutes=5)
"""An eraser's interval, the mutation, `old_parts_lifetime`, and the pause between two clean-ups."""

_READ_WHOLE_BYTES = 64 << 20
"""Larger files are read in pieces, and mapped to look into their blocks. A mapped file that shrinks ends the process:
parts and segments never do, Kafka's indexes (10 MB each) and logs do."""

RETENTION_SLACK = timedelta(minutes=6)
"""Kafka looks for expired segments every five minutes, and deletes their files a minute later."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom to look for: *person* by ref, and *texts* (the id, the names) that must be found nowhere."""

    person: PersonKey
    texts: tuple[str, ...]

    def needles(self) -> tuple[bytes, ...]:
        """*texts* as they lie in files and records."""
        return tuple(text.encode() for text in self.texts)


@dataclass(frozen=True, slots=True)
class Trace:
    """A place that still holds the person's id or a name of theirs. *until* is the latest time of its end, if known."""

    place: str
    count: int
    until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, and what was found. *erased_at* is `None` for a person who was never deleted."""

    client_space_id: str
    person_ref: str
    erased_at: datetime | None
    recreated_at: datetime | None
    looked_at: tuple[str, ...]
    traces: tuple[Trace, ...]

    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.traces

    def as_dict(self) -> dict[str, object]:
        """The report for JSON: times in RFC 3339."""
        found = asdict(self)
        found["traces"] = [{**asdict(trace), "until": _time(trace.until)} for trace in self.traces]
        found["looked_at"] = list(self.looked_at)
        found["is_clean"] = self.is_clean()
        return {**found, "erased_at": _time(self.erased_at), "recreated_at": _time(self.recreated_at)}


def verify_clickhouse(url: str, database: str, wanted: Wanted) -> Report:
    """Look at every text column of every table, a rebuild's and a backup's too, and at what system tables keep. Blocks.

    *database* is the one that knows when the person was erased.
    """
    try:
        with connect(url, timeout_seconds=600) as client:
            facts = client.query(
                f"SELECT change, occurred_at FROM {database}.{PERSON_LIFETIMES}"  # noqa: S608 - a checked name
                " WHERE client_space_id = {space:String} AND person_ref = {ref:UUID}",
                parameters={"space": wanted.person.client_space_id, "ref": wanted.person.person_ref},
            ).result_rows
            erasure = erasure_of((str(change), at) for change, at in facts)
            looked_at, traces = [], []
            for place, sql in _searches(client):
                looked_at.append(place)
                count = int(client.query(sql, parameters={"texts": list(wanted.texts)}).result_rows[0][0])
                if count:
                    reason = "rows; removed at the eraser's next run, parts are deleted soon after"
                    traces.append(Trace(place, count, datetime.now(UTC) + CLICKHOUSE_BOUND, reason))
    except Exception as error:  # noqa: BLE001 - what a driver raises is no closed list
        # Not chained: ClickHouse's texts quote values.
        raise Unavailable(f"ClickHouse: {type(error).__name__} (code {getattr(error, 'code', None)})") from None
    return Report(
        wanted.person.client_space_id,
        str(wanted.person.person_ref),
        None if erasure is None else erasure.erased_at,
        None if erasure is None else erasure.recreated_at,
        tuple(looked_at),
        tuple(traces),
    )


def _searches(client: Client) -> Iterator[tuple[str, str]]:
    """For each table that has texts, its name and the statement that counts the rows with one of `texts`."""
    columns = client.query(
        "SELECT database, table, groupArray(name) FROM system.columns"
        " WHERE position(type, 'String') > 0 AND (database, table) IN"
        " (SELECT database, name FROM system.tables WHERE engine LIKE '%MergeTree' AND database != 'system')"
        " GROUP BY database, table ORDER BY database, table",
    ).result_rows
    for database, table, names in columns:
        yield f"clickhouse:{database}.{table}", _counting(f"`{database}`.`{table}`", names)
    yield "clickhouse:system.mutations", _counting("system.mutations", ["command", "latest_fail_reason"])
    exists = client.query("SELECT count() FROM system.tables WHERE database = 'system' AND name = 'query_log'")
    if exists.result_rows[0][0]:
        yield "clickhouse:system.query_log", _counting("system.query_log", ["query", "exception"])


def _counting(table: str, columns: Sequence[str]) -> str:
    found = " OR ".join(f"multiSearchAny(toString(ifNull(`{name}`, '')), {{texts:Array(String)}})" for name in columns)
    return f"SELECT count() FROM {table} WHERE {found}"  # noqa: S608 - names of the database's own tables


async def verify_topics(bootstrap_servers: str, wanted: Wanted, topics: Sequence[Topic] = TOPICS) -> list[Trace]:
    """Look at every record of *topics* that a consumer can read."""
    async with open_reader(bootstrap_servers) as reader:
        found = [await _verify_topic(reader, topic, wanted) for topic in topics]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        return [
            _until(trace, await topic_config(admin, topic.name), newest)
            for topic, (trace, newest) in zip(topics, found, strict=True)
            if trace is not None
        ]
    finally:
        await admin.close()


async def _verify_topic(reader: TopicReader, topic: Topic, wanted: Wanted) -> tuple[Trace | None, int]:
    needles, count, newest = wanted.needles(), 0, 0
    extents = await reader.extents(topic.name)
    async for records, _ in reader.records(topic.name, extents):
        for record in records:
            content = (record.key or b"") + b"\0" + (record.value or b"")
            if any(needle in content for needle in needles):
                count += 1
                newest = max(newest, record.timestamp)
    return (Trace(f"kafka:{topic.name}", count, None, "") if count else None), newest


def _until(trace: Trace, config: dict[str, str], newest_ms: int) -> Trace:
    """*trace* with the time at which the last of its records is gone by the topic's own configuration."""
    if "compact" in config["cleanup.policy"]:
        within = compacted_within(config)
        until = None if within is None else datetime.now(UTC) + SWEEP_INTERVAL + within
        return Trace(trace.place, trace.count, until, "records; overwritten by the next sweep, then compacted")
    kept = duration(config, "retention.ms")
    if kept is None:
        return Trace(trace.place, trace.count, None, "records; the topic keeps everything for ever")
    # A segment goes as a whole, once its newest record is old enough.
    segment = duration(config, "segment.ms") or timedelta(0)
    until = datetime.fromtimestamp(newest_ms / 1000, UTC) + segment + kept + RETENTION_SLACK
    reason = "records; deleted by the topic's retention, which begins anew for one that is refused or replayed"
    return Trace(trace.place, trace.count, until, reason)


def verify_directory(directory: Path, wanted: Wanted) -> list[Trace]:
    """Look at every file below *directory*: its bytes, and the blocks of ClickHouse's parts and Kafka's segments.

    Blocks. Files and directories that vanish meanwhile are skipped: they are gone. What cannot be looked into is a
    trace of its own, without a count: nobody knows that it is clean. Links to directories are not followed.
    """
    traces: list[Trace] = []

    def not_opened(error: OSError) -> None:
        # Where the directory itself is gone, nothing was looked at.
        if not isinstance(error, FileNotFoundError) or Path(error.filename) == directory:
            traces.append(_not_looked_into(Path(error.filename).relative_to(directory), error.strerror))

    for folder, _, names in os.walk(directory, onerror=not_opened):
        for path in (Path(folder, name) for name in names):
            place = path.relative_to(directory)
            try:
                count = _verify_file(path, wanted)
            except FileNotFoundError:
                continue
            except (OSError, Sealed) as error:
                traces.append(_not_looked_into(place, error.strerror if isinstance(error, OSError) else str(error)))
                continue
            if count:
                reason = "bytes of a file; a part that was replaced is deleted soon after, a segment by its topic"
                traces.append(Trace(f"file:{place}", count, None, reason))
    return sorted(traces, key=lambda trace: trace.place)


def _not_looked_into(place: Path, why: str | None) -> Trace:
    return Trace(f"file:{place}", 0, None, f"not looked into: {why}")


def _verify_file(path: Path, wanted: Wanted) -> int:
    """How often one of the texts is in the file; 0 where *path* is none. Raises `OSError` or `Sealed`."""
    if not stat.S_ISREG(path.stat().st_mode):
        return 0
    with path.open("rb") as file:
        content = file.read(_READ_WHOLE_BYTES)
        more = iter(partial(file.read, _READ_WHOLE_BYTES), b"")
        if count := _count(chain([content], more), wanted):
            return count
        if file.tell() <= _READ_WHOLE_BYTES:
            return _count(inside(path.name, content), wanted)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return _count(inside(path.name, mapped), wanted)


def _count(pieces: Iterable[bytes | mmap.mmap], wanted: Wanted) -> int:
    """How often one of the texts is in *pieces*, which lie one behind the other: a text may lie across two of them."""
    needles = wanted.needles()
    overlap = max(map(len, needles), default=1) - 1
    count, tail = 0, b""
    for piece in pieces:
        seam = tail + piece[:overlap]
        count += sum(_occurrences(piece, needle) + _across(seam, needle, len(tail)) for needle in needles)
        tail = (tail + piece[-overlap:])[-overlap:] if overlap else b""
    return count


def _across(seam: bytes, needle: bytes, border: int) -> int:
    """How often *needle* lies in *seam* on both sides of *border*."""
    return sum(seam.startswith(needle, at) for at in range(max(0, border - len(needle) + 1), border))


def _occurrences(piece: bytes | mmap.mmap, needle: bytes) -> int:
    count, at = 0, piece.find(needle)
    while at >= 0:
        count += 1
        at = piece.find(needle, at + 1)
    return count


async def verify(
    *, clickhouse: tuple[str, str], bootstrap_servers: str, directories: Sequence[Path], wanted: Wanted
) -> Report:
    """Look everywhere. *clickhouse* is its URL and database. Raises `Unavailable` where a part cannot be looked at."""
    report = await asyncio.to_thread(verify_clickhouse, *clickhouse, wanted)
    traces = list(report.traces) + await verify_topics(bootstrap_servers, wanted)
    for directory in directories:
        traces += await asyncio.to_thread(verify_directory, directory, wanted)
    looked_at = (
        *report.looked_at,
        *(f"kafka:{topic.name}" for topic in TOPICS),
        *(f"directory:{directory.name}" for directory in directories),
    )
    return Report(
        report.client_space_id,
        report.person_ref,
        report.erased_at,
        report.recreated_at,
        looked_at,
        tuple(traces),
    )


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(timespec="microseconds").replace("+00:00", "Z")
