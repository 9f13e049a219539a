"""Asks Kafka, ClickHouse and the registry whether they answer, beside the clients that the pipeline uses.

A client that hangs says nothing; that another one gets its answer tells the hang from an outage.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

import aiohttp
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas import kafka
from schemas.kafka_address import KafkaAddress
from schemas.kafka_rights import Role, rights
from schemas.topics import EVENTS_TOPIC
from stream.clients.kafka import group_members, kafka_answers, open_consumer
from stream.clients.kafka_rights import require_rights
from stream.clients.topic_id import topic_id
from stream.clients.topics import topic_config
from stream.errors import Unavailable, WrongTopic
from stream.health.group import GroupState

PROBE_SECONDS = 5.0
APPEND_TIME = "LogAppendTime"
_SERVER_ERROR = 500

T = TypeVar("T")


class GroupProbe:
    """Where a consumer group stands, asked of Kafka without joining it."""

    def __init__(self, address: KafkaAddress, group: str) -> None:
        self._address = address
        self._group = group
        self._clients: tuple[kafka.Consumer, kafka.Admin] | None = None
        self._open: dict[int, tuple[int, int]] = {}
        """Per partition, the offsets from the commit to the end, at the last answer."""

    async def look(self) -> GroupState:
        """Where the group stands. Raises `Unavailable`.

        The lag is a number of offsets, up to the first open transaction. It counts a few too many where transactions
        have left markers or aborted records. Where nothing else follows a commit, it is 0 from the second look on.
        """
        return await self._answered(self._look)

    async def require_usable_topic(self) -> None:
        """Raise `WrongTopic` where the events topic has a setting with which no worker must read it; or `Unavailable`.

        Raises `AccessRefused` where the worker lacks a right. Where there is no topic, nothing is known to be wrong.
        """
        await self._answered(self._require_usable_topic)

    async def require_topic(self) -> None:
        """As `require_usable_topic`, and raises `Unavailable` where there is no events topic."""
        await self._answered(self._require_topic)

    async def _answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            with kafka_answers():
                async with asyncio.timeout(PROBE_SECONDS):
                    return await ask()
        except Unavailable:
            await self.close()
            raise
        except (TimeoutError, OSError) as error:
            await self.close()
            raise Unavailable(f"Kafka: {type(error).__name__}") from error

    async def close(self) -> None:
        """End the client; the next call starts another."""
        clients, self._clients = self._clients, None
        if clients is not None:
            # What does not end is of no more use either way.
            with contextlib.suppress(KafkaError, TimeoutError, OSError):
                async with asyncio.timeout(PROBE_SECONDS):
                    await asyncio.gather(*map(kafka.close, clients))

    async def _opened(self) -> tuple[kafka.Consumer, kafka.Admin]:
        if self._clients is None:
            timeout_ms = int(PROBE_SECONDS * 1000)
            consumer = kafka.consumer(
                self._address, group_id=self._group, request_timeout_ms=timeout_ms, isolation_level="read_committed"
            )
            admin = kafka.admin(self._address, request_timeout_ms=timeout_ms)
            self._clients = consumer, admin
            await kafka.started(consumer, self._address)
            await kafka.started(admin, self._address)
        return self._clients

    async def _look(self) -> GroupState:
        consumer, admin = await self._opened()
        partitions = [TopicPartition(EVENTS_TOPIC, n) for n in await partition_numbers(admin, EVENTS_TOPIC)]
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
        committed = {p.partition: await consumer.committed(p) or 0 for p in partitions}
        lag = {p.partition: await self._records(p, max(committed[p.partition], starts[p]), ends[p]) for p in partitions}
        members = await group_members(admin, self._group)
        return GroupState(lag, committed, await topic_id(admin._client, EVENTS_TOPIC), members)  # noqa: SLF001 - see `Connection`

    async def _records(self, partition: TopicPartition, start: int, end: int) -> int:
        """The offsets from *start* and below *end*; 0 where nothing has moved and none of them is a record's."""
        records, before = max(0, end - start), self._open.get(partition.partition)
        self._open[partition.partition] = start, end
        # Looked at only where nothing has moved since: a worker that gets on is not slowed down by it.
        if records and before == (start, end):
            return records * await holds_records(self._address, partition, start, end)
        return records

    async def _require_usable_topic(self) -> None:
        _, admin = await self._opened()
        await require_rights(admin, rights(Role.WORKER, self._group))
        await group_members(admin, self._group)
        option = "message.timestamp.type"
        value = (await topic_config(admin, EVENTS_TOPIC)).get(option, APPEND_TIME)
        if value != APPEND_TIME:
            raise WrongTopic(EVENTS_TOPIC, option, value, APPEND_TIME)

    async def _require_topic(self) -> None:
        await self._require_usable_topic()
        _, admin = await self._opened()
        if not await partition_numbers(admin, EVENTS_TOPIC):
            raise Unavailable(f"the topic {EVENTS_TOPIC} does not exist: see `audit-stream topics`")


async def holds_records(address: KafkaAddress, partition: TopicPartition, start: int, end: int) -> bool:
    """Whether any offset of *partition* from *start* and below *end* is that of a record that a worker is given.

    Transactions' markers and aborted records are not. Raises `Unavailable` where Kafka does not answer. It reads no
    further than the first record, in one small fetch.
    """
    async with open_consumer(address, max_partition_fetch_bytes=1, isolation_level="read_committed") as consumer:
        consumer.assign([partition])
        consumer.seek(partition, start)
        while await consumer.position(partition) < end:
            if await consumer.getmany(partition, timeout_ms=100):
                return True
        return False


async def partition_numbers(admin: kafka.Admin, topic: str) -> list[int]:
    """The partitions of *topic*; none where it does not exist."""
    (described,) = await admin.describe_topics([topic])
    return sorted(partition["partition"] for partition in described["partitions"])


class HttpProbe:
    """Whether an HTTP service answers at all; what it answers is the pipeline's business."""

    def __init__(self, base_url: str, path: str) -> None:
        address = urlsplit(base_url)
        self._url = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path.rstrip('/')}{path}"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PROBE_SECONDS))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def check(self) -> None:
        """Raises `Unavailable` where it does not answer, or with a server's error."""
        if self._session is None:
            raise RuntimeError("the probe was not opened")
        try:
            async with self._session.get(self._url, allow_redirects=False) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"no answer: {type(error).__name__}") from error
        if status >= _SERVER_ERROR:
            raise Unavailable(f"status {status}")
