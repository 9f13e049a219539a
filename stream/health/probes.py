"""Asks Kafka, ClickHouse and the registry whether they answer, beside the clients that the pipeline uses.

A client that hangs says nothing; that another one gets its answer tells the hang from an outage.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas import kafka
from schemas.kafka_address import KafkaAddress
from schemas.topics import EVENTS_TOPIC
from stream.clients.kafka import kafka_answers, open_consumer
from stream.errors import Unavailable

PROBE_SECONDS = 5.0
_SERVER_ERROR = 500


class GroupProbe:
    """Where a consumer group stands, asked of Kafka without joining it."""

    def __init__(self, address: KafkaAddress, group: str) -> None:
        self._address = address
        self._group = group
        self._clients: tuple[kafka.Consumer, kafka.Admin] | None = None
        self._open: dict[int, tuple[int, int]] = {}
        """Per partition, the offsets from the commit to the end, at the last answer."""

    async def lag(self) -> Mapping[int, int]:
        """Per partition of the events topic, the records that are not committed. Raises `Unavailable`.

        It is the number of offsets, a few too many where transactions have left their markers among them; where nothing
        but markers follows a commit, it is 0 from the second time on that it is asked for.
        """
        try:
            with kafka_answers():
                async with asyncio.timeout(PROBE_SECONDS):
                    return await self._ask()
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

    async def _ask(self) -> Mapping[int, int]:
        if self._clients is None:
            timeout_ms = int(PROBE_SECONDS * 1000)
            consumer = kafka.consumer(self._address, group_id=self._group, request_timeout_ms=timeout_ms)
            admin = kafka.admin(self._address, request_timeout_ms=timeout_ms)
            self._clients = consumer, admin
            await consumer.start()
            await admin.start()
        consumer, admin = self._clients
        partitions = [TopicPartition(EVENTS_TOPIC, n) for n in await partition_numbers(admin, EVENTS_TOPIC)]
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
        lag = {}
        for partition in partitions:
            committed = await consumer.committed(partition)
            open_ = max(committed or 0, starts[partition]), ends[partition]
            records = max(0, open_[1] - open_[0])
            # Looked at only where nothing has moved since: a worker that gets on is not slowed down by it.
            if records and open_ == self._open.get(partition.partition):
                records *= await holds_records(self._address, partition, *open_)
            lag[partition.partition] = records
            self._open[partition.partition] = open_
        return lag


async def holds_records(address: KafkaAddress, partition: TopicPartition, start: int, end: int) -> bool:
    """Whether any offset of *partition* from *start* and below *end* is a record's, and not a transaction's marker.

    Raises `Unavailable` where Kafka does not answer. It reads no further than the first record, in one small fetch.
    """
    async with open_consumer(address, max_partition_fetch_bytes=1) as consumer:
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
