"""In-memory ports of the worker, and the faults that they can be told to have."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from schemas.avro_schemas import AvroSchema, current_event_schema
from schemas.errors import ContractError, UnknownSchemaId
from schemas.rows import ActivityRow, PersonLifetimeRow, PersonNameRow
from stream.errors import StoreRefused, StreamError, Unavailable
from stream.fetch.records import Chunk, Partition
from stream.pipeline.accept import Refused
from stream.pipeline.rows.rows import Rows
from tests.builders import SCHEMA_ID


@dataclass
class Faults:
    """What the next calls do instead of working: raise before the effect ("lost") or after it ("done")."""

    lost: list[StreamError | ContractError] = field(default_factory=list)
    done: list[StreamError | ContractError] = field(default_factory=list)

    def before(self) -> None:
        if self.lost:
            raise self.lost.pop(0)

    def after(self) -> None:
        if self.done:
            raise self.done.pop(0)


class InMemorySink:
    """`LogSink` in lists. *refuses* says which lines it never takes; an insert with one of them stores nothing.

    While *opened* is not set, a write does not go on.
    """

    def __init__(self, refuses: Callable[[ActivityRow], bool] = lambda _: False) -> None:
        self.lifetimes: list[PersonLifetimeRow] = []
        self.names: list[PersonNameRow] = []
        self.activities: list[ActivityRow] = []
        self.off_boarded: dict[str, datetime] = {}
        self.schema_problem: StreamError | None = None
        self.faults = Faults()
        self.opened = threading.Event()
        self.opened.set()
        self._refuses = refuses

    def check_schema(self) -> None:
        if self.schema_problem is not None:
            raise self.schema_problem

    def write(self, rows: Rows) -> None:
        self.opened.wait()
        self.faults.before()
        if any(self._refuses(row) for row in rows.activities):
            raise StoreRefused(53)
        self.lifetimes += rows.lifetimes
        self.names += rows.names
        self.activities += rows.activities
        self.faults.after()

    def shown(self) -> set[UUID]:
        """The events of which a reader sees a line."""
        return {row.event_id for row in self.activities}


class InMemoryKnownEvents:
    """`KnownEvents` over the lines of a sink; it remembers all of them, and counts its answers.

    While *opened* is not set, none comes.
    """

    def __init__(self, sink: InMemorySink) -> None:
        self._sink = sink
        self.faults = Faults()
        self.answers = 0
        self.opened = threading.Event()
        self.opened.set()
        self._caller = threading.Lock()

    def accounts(self, rows: Sequence[ActivityRow]) -> list[ActivityRow]:
        assert self._caller.acquire(blocking=False), "one caller at a time"
        try:
            self.opened.wait()
            self.faults.before()
            event_ids = {row.event_id for row in rows}
            return [row for row in self._sink.activities if row.event_id in event_ids]
        finally:
            self.answers += 1
            self._caller.release()


class InMemoryTopicEpochs:
    """`TopicEpochs` in a list."""

    def __init__(self) -> None:
        self._topics: list[UUID] = []
        self.faults = Faults()

    def epoch(self, topic_id: UUID) -> int:
        self.faults.before()
        if topic_id not in self._topics:
            self._topics.append(topic_id)
        return self._topics.index(topic_id)


class InMemoryDeadLetters:
    """`DeadLetters` in a list."""

    def __init__(self) -> None:
        self.kept: list[tuple[Chunk, Refused]] = []
        self.faults = Faults()

    async def keep(self, refusals: Sequence[tuple[Chunk, Refused]]) -> None:
        self.faults.before()
        self.kept += refusals
        self.faults.after()

    def places(self) -> set[tuple[int, int]]:
        """Partition and offset of each record that is kept at least once."""
        return {(chunk.partition, refused.record.offset) for chunk, refused in self.kept}


class InMemoryHistory:
    """`History` in lists."""

    def __init__(self) -> None:
        self.lifetimes: list[PersonLifetimeRow] = []
        self.names: list[PersonNameRow] = []
        self.activities: list[ActivityRow] = []
        self.faults = Faults()

    async def publish(self, rows: Rows) -> None:
        self.faults.before()
        self.lifetimes += rows.lifetimes
        self.names += rows.names
        self.activities += rows.activities
        self.faults.after()


class InMemoryRegistry:
    """`SchemaRegistry` in a dict."""

    def __init__(self) -> None:
        self.schemas: dict[int, AvroSchema] = {SCHEMA_ID: current_event_schema()}
        self.faults = Faults()

    async def register(self, subject: str, schema_text: str) -> int:  # noqa: ARG002 - it knows one schema
        return SCHEMA_ID

    async def event_schema(self, schema_id: int) -> AvroSchema:
        self.faults.before()
        try:
            return self.schemas[schema_id]
        except KeyError:
            raise UnknownSchemaId(schema_id) from None


class InMemoryGroup:
    """`Membership` of a group in memory: its generation, this worker's partitions, and what was committed."""

    def __init__(self, partitions: Iterable[int] = range(4), topic: str = "user-management.events") -> None:
        self.generation = 1
        self.partitions = {(topic, partition) for partition in partitions}
        self.committed: dict[Partition, int] = {}
        self.starts: dict[Partition, int] = {}
        """Where the present generation began to read; in other partitions any chunk may be the first."""
        self.refuses_commits = False

    def current_generation(self) -> int:
        return self.generation

    def assigned(self) -> set[Partition]:
        return self.partitions

    def started_at(self, chunk: Chunk) -> int | None:
        return self.starts.get(chunk.place)

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        if self.refuses_commits:
            return False
        self.committed.update(offsets)
        return True


UNAVAILABLE = Unavailable("a fault of the test")
