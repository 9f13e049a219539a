"""A trial: a load, a fault, and the oracle's judgment of what is left."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition

from deploy.local.stack.stack import LocalStack
from producers import KafkaPublisher, ProducerSettings
from producers.kafka import link
from schemas.avro_schemas import current_event_schema_text
from schemas.events import Event
from schemas.kafka_address import KafkaAddress
from schemas.registry import HttpSchemaRegistry
from schemas.topics import EVENTS_SUBJECT, EVENTS_TOPIC
from stream.clients.kafka import open_admin
from stream.clients.topics import heard_by_every_broker
from tests.faults.background import Background
from tests.faults.headers import HEADER, unreadable
from tests.faults.ledger import EventSource, Ledger, publish, publish_steadily
from tests.faults.oracle import Entry, Place, Verdict, compare, with_ahead
from tests.faults.readers import Sql, Tail, shown_by_api
from tests.faults.watch import CommitWatch, attempt
from tests.faults.workers import FAILPOINTS, Worker, wait_until
from tests.warm_processes import WarmProcesses

SETTLE_SECONDS = 150.0
PUBLISH_TIMEOUT_SECONDS = 60.0


@dataclass
class Tally:
    """What all trials of a session come to."""

    kills: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    samples: int = 0

    def __str__(self) -> str:
        def total(kind: str) -> int:
            return sum(len(getattr(verdict, kind)) for verdict in self.verdicts)

        acknowledged = sum(verdict.acknowledged for verdict in self.verdicts)
        counts = ", ".join(f"{kind} {total(kind)}" for kind in ("lost", "doubled", "phantom", "altered"))
        return (
            f"kills {self.kills}, acknowledged {acknowledged}, {counts}, "
            f"committed ahead {total('ahead')} in {self.samples} samples"
        )


@dataclass(frozen=True)
class Setting:
    """What a trial runs on. *partitions* is `None` for the stack's own topic and group, else a topic of its own.

    With a *clickhouse_url* the rows go there instead of the stack's, and no API shows them: SQL alone is read.
    """

    stack: LocalStack
    folder: Path
    processes: WarmProcesses
    tally: Tally
    rng: random.Random
    partitions: int | None = 2
    client_spaces: int = 1
    page_size: int = 97
    topic_options: Mapping[str, str] = field(default_factory=dict)
    clickhouse_url: str | None = None


class Trial:
    """One run over client spaces of its own, and by default over a topic and a consumer group of its own.

    Everything that may be broken is used from another thread, so the test itself is plain code: publish, break, mend,
    `check`. The committed offsets are sampled from the beginning to the end.
    """

    def __init__(self, setting: Setting) -> None:
        name = uuid4().hex[:10]
        self.stack, self.tally, self.rng = setting.stack, setting.tally, setting.rng
        self.environment = setting.stack.environment()
        self._has_api = setting.clickhouse_url is None
        if setting.clickhouse_url is not None:
            self.environment["CLICKHOUSE_URL"] = setting.clickhouse_url
        self.servers = self.environment["KAFKA_BOOTSTRAP_SERVERS"]
        self.topic = EVENTS_TOPIC if setting.partitions is None else f"faults.{name}"
        self.group = "user-management-audit-log" if setting.partitions is None else f"faults-{name}"
        self.client_space_ids = [f"faults-{name}-{number}" for number in range(setting.client_spaces)]
        self.source = EventSource(self.client_space_ids, self.rng)
        self.sql = Sql(self.environment["CLICKHOUSE_URL"])
        self._partitions = setting.partitions
        self._page_size = setting.page_size
        self._topic_options = setting.topic_options
        self._processes = setting.processes
        self.ledger = Ledger(setting.folder / f"ledger-{name}.jsonl")
        self._resources = ExitStack()
        self._is_over = False

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.callback(self.ledger.close)
            opened.callback(self.sql.close)
            self.background = opened.enter_context(Background())
            if self._partitions is not None:
                self.background.run(create_topic(self.servers, self.topic, self._partitions, self._topic_options))
                opened.enter_context(publishing_to(self.topic))
            self._publisher = self.background.run(self._start_publisher())
            opened.callback(lambda: self.background.run(self._publisher.close()))
            self.tail = Tail(self.servers, self.topic)
            opened.callback(lambda: self.background.run(self.tail.close()))
            self.first = self.background.run(self.tail.ends())
            watch_sql = Sql(self.environment["CLICKHOUSE_URL"])
            opened.callback(watch_sql.close)
            self.watch = CommitWatch(self.servers, self.group, self.tail, watch_sql, self.first)
            self._watching = self.background.spawn(self.watch.run(lambda: self._is_over))
            opened.callback(self._stop_watching)
            self._resources = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._resources.close()

    def worker(self, *options: str, script: str = FAILPOINTS, **environment: str) -> Worker:
        """A worker on this trial's topic and group, not started; it is killed at the end of the trial."""
        arguments = ["--topic", self.topic, "--seed", str(self.rng.randrange(2**31)), *options]
        settings = {
            **self.environment,
            "AUDIT_CONSUMER_GROUP": self.group,
            "AUDIT_WORKER_INSTANCE": "worker",
            "AUDIT_SESSION_TIMEOUT_SECONDS": "6",
            **environment,
        }
        worker = Worker(self._processes, script, arguments, settings)
        self._resources.callback(worker.kill)
        return worker

    def kill(self, victim: Worker | str) -> None:
        """SIGKILL a worker, or a service of the stack by its name, and count it."""
        if isinstance(victim, Worker):
            victim.kill()
        else:
            self.stack.kill(victim)
        self.tally.kills += 1

    def publish(self, events: int | Sequence[Event]) -> None:
        """Publish so many events, or these, and return when each has its answer."""
        given = [self.source.next() for _ in range(events)] if isinstance(events, int) else events
        self._publish(given, self.ledger)

    def publish_unseen(self, events: Sequence[Event]) -> None:
        """Publish *events* behind the ledger's back: a line that comes of one is a phantom, or alters another's."""
        with TemporaryDirectory() as folder:
            ledger = Ledger(Path(folder) / "unseen")
            self._publish(events, ledger)
            ledger.close()

    def _publish(self, events: Sequence[Event], ledger: Ledger) -> None:
        """Publish *events* in their order per person, each under one task."""

        async def publish_all() -> None:
            await asyncio.gather(*(publish(self._publisher, ledger, event) for event in events))

        self.background.run(publish_all(), seconds=PUBLISH_TIMEOUT_SECONDS * 2)

    def publish_raw(self, values: Sequence[bytes | None], *, partition: int = 0, **options: object) -> list[int]:
        """Write *values* as they are, as a faulty producer would; the answer is their offsets."""
        return self.background.run(send_raw(self.servers, self.topic, partition, values, options))

    def publish_with_unreadable_header(self, value: bytes) -> None:
        """Write *value* with a header key that is no UTF-8, as clients in C and Go can."""
        self.background.run(send_unreadable_header(self.servers, self.topic, value))

    def delete_records(self, before: Mapping[int, int]) -> None:
        """Delete what lies before these offsets, as the topic's retention would."""
        self.background.run(delete_records(self.servers, self.topic, before))

    @contextmanager
    def load(self, *, per_second: float) -> Iterator[None]:
        """Publish steadily meanwhile."""
        is_over = False
        running: Future[None] = self.background.spawn(
            publish_steadily(self._publisher, self.ledger, self.source, per_second=per_second, is_over=lambda: is_over)
        )
        try:
            yield
        finally:
            is_over = True
            running.result(PUBLISH_TIMEOUT_SECONDS * 2)

    def committed(self) -> dict[int, int]:
        """The offsets of the group at the last sample."""
        return dict(self.watch.samples.committed)

    def fresh_committed(self) -> dict[int, int]:
        """The offsets of the group, from a sample that began after this call."""
        count = self.watch.samples.count
        wait_until(lambda: self.watch.samples.count >= count + 2, what="a sample")
        return self.committed()

    def settle(self, *, seconds: float = SETTLE_SECONDS) -> None:
        """Return when the group has committed every record of the topic; fail where it does not in time."""
        deadline = time.monotonic() + seconds
        while not self.is_settled():
            assert time.monotonic() < deadline, f"not settled: committed {self.committed()} of {self.ends()}"
            time.sleep(0.1)

    def verdict(self) -> Verdict:
        """What the oracle says now, by the API's pages, by SQL and by the samples. Settle first."""
        before = Counter(self.sql.shown(self.client_space_ids))
        if self._has_api:
            shown = shown_by_api(self.stack, self.client_space_ids, page_size=self._page_size)
            by_api = Counter(entry.event_id for entry in shown)
            # What nobody waited for, such as the last words of a producer that was killed, may come between two reads.
            assert before <= by_api <= Counter(self.sql.shown(self.client_space_ids)), "SQL and API differ"
        else:
            known = self.ledger.acknowledged
            shown = [known.get(event_id, Entry(event_id, "", "")) for event_id in before.elements()]
        verdict = compare(self.ledger.acknowledged, self.ledger.maybe, shown)
        return with_ahead(verdict, self.watch.samples.ahead)

    def check(self, *, seconds: float = SETTLE_SECONDS) -> Verdict:
        """Settle, judge, and fail unless nothing is wrong."""
        self.settle(seconds=seconds)
        verdict = self.verdict()
        self.tally.verdicts.append(verdict)
        self.tally.samples += self.watch.samples.count
        assert verdict.is_clean, str(verdict)
        assert self.watch.samples.count > 0, "the committed offsets were never sampled"
        return verdict

    def dead_letters(self) -> dict[Place, str]:
        """The reason of each dead letter of this trial, by partition and offset."""
        # The topic of dead letters is everybody's, and other tests put invented places into it.
        ends: dict[int, int] = {}

        def has_ends() -> bool:
            # The watch may be opening the tail's connection anew.
            ends.update(self.ends())
            return bool(ends)

        wait_until(has_ends, what="the topic's ends")
        return {
            place: why
            for place, why in self.tail.dead_letters.items()
            if self.first[place[0]] <= place[1] < ends[place[0]]
        }

    def schema_id(self) -> int:
        """The id under which the event's schema is registered."""
        return self.background.run(self.find_schema_id())

    async def find_schema_id(self) -> int:
        """The same, for the background's loop."""
        async with HttpSchemaRegistry(self.environment["SCHEMA_REGISTRY_URL"]) as registry:
            return await registry.register(EVENTS_SUBJECT, current_event_schema_text())

    def delete_topic(self) -> None:
        """Delete the trial's own topic, and the group's offsets in it."""
        self.background.run(delete_topic(self.servers, self.topic))

    def create_topic(self) -> None:
        """Create the trial's own topic as it was."""
        assert self._partitions is not None
        self.background.run(create_topic(self.servers, self.topic, self._partitions, self._topic_options))

    def use_new_group(self) -> None:
        """From now on, workers read the whole topic again, in a group that has committed nothing."""
        self.group = f"{self.topic}-{uuid4().hex[:6]}"
        self.watch.use_group(self.group)

    def stored(self) -> int:
        """How many events of this trial have a row."""
        return self.sql.count(self.client_space_ids)

    def wait_until_stored(self, count: int) -> None:
        """Return when at least *count* events have a row."""
        wait_until(lambda: self.stored() >= count, what=f"{count} rows")

    def is_settled(self) -> bool:
        """Whether the group has committed every record of the topic."""
        ends, committed = self.ends(), self.committed()
        return bool(ends) and all(
            committed.get(partition, 0) >= end for partition, end in ends.items() if end > self.first[partition]
        )

    def ends(self) -> dict[int, int]:
        """The next offset of each partition of the topic; empty while there is no broker to ask."""
        found: dict[int, int] = {}

        async def ask() -> None:
            found.update(await self.tail.ends())

        self.background.run(attempt(ask))
        return found

    async def _start_publisher(self) -> KafkaPublisher:
        settings = ProducerSettings(
            kafka_bootstrap_servers=self.servers,
            schema_registry_url=self.environment["SCHEMA_REGISTRY_URL"],
            publish_timeout_seconds=PUBLISH_TIMEOUT_SECONDS,
        )
        return await KafkaPublisher(settings).__aenter__()

    def _stop_watching(self) -> None:
        self._is_over = True
        self._watching.result(60)


@contextmanager
def publishing_to(topic: str) -> Iterator[None]:
    """Let the publisher write to *topic* instead of the events topic."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link, "EVENTS_TOPIC", topic)
        yield


async def create_topic(
    servers: str, topic: str, partitions: int, options: Mapping[str, str], *, replicas: int = 1
) -> None:
    """Create a topic that dates its records as the events topic does; on return every broker has heard of it."""
    async with open_admin(KafkaAddress(servers)) as admin:
        settings = {"message.timestamp.type": "LogAppendTime", **options}
        answer = await admin.create_topics([NewTopic(topic, partitions, replicas, topic_configs=settings)])
        assert all(error[1] == 0 for error in answer.topic_errors), answer
        await heard_by_every_broker(admin, {topic})


async def delete_topic(servers: str, topic: str) -> None:
    """Delete *topic*; on return the broker knows it no more, and who makes it anew writes into the new one."""
    async with open_admin(KafkaAddress(servers)) as admin:
        answer = await admin.delete_topics([topic])
        assert all(code == 0 for _, code in answer.topic_error_codes), answer
        async with asyncio.timeout(SETTLE_SECONDS):
            while topic in await admin.list_topics():  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.05)


async def delete_records(servers: str, topic: str, before: Mapping[int, int]) -> None:
    """Let each partition begin with the offset that *before* has for it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        wanted = {TopicPartition(topic, partition): offset for partition, offset in before.items()}
        first = await admin.delete_records({place: RecordsToDelete(offset) for place, offset in wanted.items()})
        assert first == wanted
    finally:
        await admin.close()


async def send_unreadable_header(servers: str, topic: str, value: bytes) -> None:
    """Send *value* to partition 0, alone in its batch."""
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        batch = producer.create_batch()
        batch.append(timestamp=None, key=b"key", value=value, headers=[(HEADER, b"")])
        batch.close()
        batch._buffer = unreadable(batch._build())
        await (await producer.send_batch(batch, topic, partition=0))


async def send_raw(
    servers: str, topic: str, partition: int, values: Sequence[bytes | None], options: dict[str, object]
) -> list[int]:
    """Send *values* to one partition, in their order."""
    async with AIOKafkaProducer(bootstrap_servers=servers, **options) as producer:
        sent = [await producer.send(topic, value, key=b"key", partition=partition) for value in values]
        return [(await acknowledged).offset for acknowledged in sent]
