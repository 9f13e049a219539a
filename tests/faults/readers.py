"""What the oracle reads: the query API page by page, SQL, the committed offsets, and the records themselves."""

import asyncio
import json
import time
from collections.abc import Collection, Generator, Iterable, Sequence
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from deploy.local.stack.stack import LocalStack
from query_api.access.auth import EXPORT_SCOPE, READ_SCOPE, development_token
from query_api.settings import Settings
from schemas.avro_schemas import current_event_schema
from schemas.codec import decode_fields
from schemas.errors import InvalidEvent
from schemas.topics import DEAD_LETTERS_TOPIC
from schemas.wire import unframe
from stream.clients.fetched_records import read_every_header
from tests.faults.oracle import Entry, Place, entry_of_line
from tests.log_client import LogClient

_IDS_PER_QUERY = 2_000
_TOO_OLD_MICROSECONDS = 366 * 24 * 3600 * 10**6


class Sql:
    """Statements to ClickHouse over HTTP, without the product's client."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=180)

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def run(self, statement: str) -> None:
        """Execute *statement*, which answers nothing."""
        response = self._http.post("/", content=statement.encode())
        assert response.is_success, response.text

    def rows(self, statement: str, **parameters: str) -> list[dict[str, Any]]:
        """The rows of *statement*, with *parameters* bound. Raises `httpx.TransportError` where nobody answers."""
        response = self._http.post(
            "/",
            content=f"{statement} FORMAT JSONEachRow".encode(),
            params={f"param_{name}": value for name, value in parameters.items()}
            | {"output_format_json_quote_64bit_integers": "0"},
        )
        assert response.is_success, response.text
        return [json.loads(line) for line in response.text.splitlines()]

    def stored(self, event_ids: Sequence[str]) -> set[str]:
        """Those of *event_ids* that have a row."""
        found: set[str] = set()
        for start in range(0, len(event_ids), _IDS_PER_QUERY):
            some = ", ".join(f"'{event_id}'" for event_id in event_ids[start : start + _IDS_PER_QUERY])
            rows = self.rows(f"SELECT DISTINCT event_id FROM audit.activity_log WHERE event_id IN ({some})")
            found |= {row["event_id"] for row in rows}
        return found

    def count(self, client_space_ids: Iterable[str]) -> int:
        """How many different events of *client_space_ids* have a row."""
        return sum(
            row["events"]
            for space in client_space_ids
            for row in self.rows(
                "SELECT uniqExact(event_id) AS events FROM audit.activity_log WHERE client_space_id = {space:String}",
                space=space,
            )
        )

    def shown(self, client_space_ids: Iterable[str]) -> list[str]:
        """The event ids that analysts see of *client_space_ids*, each as often as they see it."""
        return [
            row["event_id"]
            for space in client_space_ids
            for row in self.rows(
                "SELECT event_id FROM audit.activities WHERE client_space_id = {space:String}", space=space
            )
        ]


class Reader(LogClient):
    """A `LogClient` that makes its token in this process: a trial opens many."""

    def __init__(self, stack: LocalStack, client_space_id: str, *, page_size: int) -> None:
        self._page_size = page_size
        own = {field.alias for field in Settings.model_fields.values()}
        settings: dict[str, Any] = {name: value for name, value in stack.environment().items() if name in own}
        token = development_token(
            Settings(**settings),
            client_space_id=client_space_id,
            subject="faults",
            scope=f"{READ_SCOPE} {EXPORT_SCOPE}",
            now=int(time.time()),
            expires_in_seconds=3600,
        )
        self._http = httpx.Client(
            base_url=stack.layout.endpoints()["query_api"], headers={"Authorization": f"Bearer {token}"}, timeout=60
        )

    def exported(self) -> Generator[str]:
        """The event ids of the whole log, as the export streams it."""
        with self._http.stream("GET", "/v1/activities/export", params={"format": "jsonl"}) as response:
            assert response.status_code == httpx.codes.OK, response.read()
            for line in response.iter_lines():
                yield json.loads(line)["event_id"]


def shown_by_api(stack: LocalStack, client_space_ids: Iterable[str], *, page_size: int) -> list[Entry]:
    """Every line of *client_space_ids*, walked page by page."""
    found: list[Entry] = []
    for space in client_space_ids:
        client = Reader(stack, space, page_size=page_size)
        try:
            found += [entry_of_line(line, space) for line in client.lines()]
        finally:
            client.close()
    return found


class Tail:
    """Reads the records of a topic beside the worker, in no consumer group, and knows which event each one is.

    Records of transactions count once these are committed.
    """

    def __init__(self, servers: str, topic: str) -> None:
        self._servers = servers
        self.topic = topic
        self.contents: dict[Place, str | None] = {}
        self.dead_letters: dict[Place, str] = {}
        self._consumer: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()
        self._positions: dict[TopicPartition, int] = {}

    async def read(self, starts: dict[int, int], ends: dict[int, int]) -> None:
        """Read every record of the topic from *starts* on and below *ends* that was not read before."""
        for number, start in starts.items():
            partition = TopicPartition(self.topic, number)
            self._positions[partition] = max(self._positions.get(partition, 0), start)
        await self._read({TopicPartition(self.topic, p): end for p, end in ends.items()})

    async def read_dead_letters(self) -> None:
        """Read every dead letter that exists now."""
        partition = TopicPartition(DEAD_LETTERS_TOPIC, 0)
        consumer = await self._started()
        ends = await consumer.end_offsets([partition])
        await self._read(ends)

    async def ends(self) -> dict[int, int]:
        """The next offset of each partition of the topic."""
        consumer = await self._started()
        partitions = [p for p in consumer.assignment() if p.topic == self.topic]
        return {p.partition: end for p, end in (await consumer.end_offsets(partitions)).items()}

    async def close(self) -> None:
        """Leave; a later call starts again where this one was."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _read(self, ends: dict[TopicPartition, int]) -> None:
        consumer = await self._started()
        for partition in ends:
            self._positions.setdefault(partition, 0)
            consumer.seek(partition, self._positions[partition])
        while behind := [p for p, end in ends.items() if self._positions[p] < end]:
            for partition, records in (await consumer.getmany(*behind, timeout_ms=200)).items():
                for record in records:
                    self._note(partition, record)
                self._positions[partition] = records[-1].offset + 1
            for partition in behind:
                # Past control records, which nobody is given.
                self._positions[partition] = max(self._positions[partition], await consumer.position(partition))

    def _note(self, partition: TopicPartition, record: ConsumerRecord) -> None:
        if partition.topic == DEAD_LETTERS_TOPIC:
            headers = dict(record.headers)
            if headers.get("topic") == self.topic.encode():
                self.dead_letters[int(headers["partition"]), int(headers["offset"])] = headers["reason"].decode()
            return
        event_id, occurred_at = event_of(record)
        # What was too old for the log when it was recorded leaves no row, by rule.
        if event_id is None or record.timestamp * 1000 - occurred_at < _TOO_OLD_MICROSECONDS:
            self.contents[partition.partition, record.offset] = event_id

    async def _started(self) -> AIOKafkaConsumer:
        # The watch and the test ask at the same time, and a second consumer would be nobody's.
        async with self._starting:
            if self._consumer is None:
                # What a worker is given, this reader is, too.
                read_every_header()
                consumer = AIOKafkaConsumer(
                    bootstrap_servers=self._servers, auto_offset_reset="earliest", isolation_level="read_committed"
                )
                try:
                    await consumer.start()
                    found = consumer.partitions_for_topic(self.topic) or await _partitions(consumer, self.topic)
                    own = [TopicPartition(self.topic, partition) for partition in found]
                    consumer.assign([TopicPartition(DEAD_LETTERS_TOPIC, 0), *own])
                except BaseException:
                    await consumer.stop()
                    raise
                self._consumer = consumer
            return self._consumer


def event_of(record: ConsumerRecord) -> tuple[str | None, int]:
    """The id and the time (microseconds since 1970) of the event in *record*; `None` where it holds none to store."""
    try:
        _, datum = unframe(record.value)
        fields = decode_fields(datum, writer_schema=current_event_schema(), recorded_at=record.timestamp * 1000)
    except InvalidEvent:
        return None, 0
    return fields.event_id, fields.occurred_at


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> Collection[int]:
    await consumer._client.add_topic(topic)
    await consumer._client.force_metadata_update()
    found: set[int] | None = consumer.partitions_for_topic(topic)
    if not found:
        raise UnknownTopicOrPartitionError(topic)
    return found
