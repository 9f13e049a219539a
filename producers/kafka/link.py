"""The aiokafka producer behind a publisher: started when it is first needed, replaced when it cannot go on."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from aiokafka.codec import has_zstd
from aiokafka.structs import RecordMetadata

from producers.kafka.traces import trace_headers
from schemas import kafka
from schemas.kafka_address import KafkaAddress
from schemas.topics import EVENTS_TOPIC

_LINGER_MS = 1
_MAX_BATCH_BYTES = 65_536
_MAX_REQUEST_SECONDS = 10.0

_log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Delivery:
    """A record in aiokafka's hands: *acknowledged* resolves when the broker has answered for it."""

    producer: kafka.Producer
    acknowledged: asyncio.Future[RecordMetadata]

    @property
    def is_done(self) -> bool:
        """Whether the broker has acknowledged it."""
        answer = self.acknowledged
        return answer.done() and not answer.cancelled() and answer.exception() is None


class KafkaLink:
    """One idempotent producer (`acks=all`) at a time, for the events topic.

    aiokafka repeats an idempotent batch until the broker answers, so its buffers are what bounds memory while Kafka
    is away: one full batch per partition, after which `send` waits.
    """

    def __init__(self, address: KafkaAddress, timeout_seconds: float) -> None:
        self._address = address
        self._timeout = timeout_seconds
        self._producer: kafka.Producer | None = None
        self._starting = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    async def send(self, key: bytes, value: bytes) -> Delivery:
        """Hand a record over. Until this returns it is certain that the record was not written.

        Raises aiokafka's errors, and waits as long as the buffer is full: bound it in time.
        """
        producer = self._producer or await self._start()
        return Delivery(producer, await producer.send(EVENTS_TOPIC, value, key, headers=trace_headers()))

    @property
    def producer(self) -> kafka.Producer | None:
        """The producer that works, once `send` has started one."""
        return self._producer

    def replace(self, producer: kafka.Producer, cause: BaseException) -> None:
        """Start a new producer for what comes next, because a batch of *producer* failed.

        The failed batch took sequence numbers with it. The broker refuses everything after such a gap
        (OutOfOrderSequenceNumber) for the rest of the producer's life: https://github.com/aio-libs/aiokafka/issues/1017
        """
        if self._producer is producer:
            self._producer = None
            _log.warning("replacing the Kafka producer after %s", type(cause).__name__)
            task = asyncio.create_task(_stop(producer, self._timeout))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    async def close(self, *, patience_seconds: float) -> None:
        """Stop every producer; what is still unacknowledged after *patience_seconds* is abandoned."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer, patience_seconds)
        await asyncio.gather(*self._retiring)

    async def _start(self) -> kafka.Producer:
        async with self._starting:
            if self._producer is None:
                producer = kafka.producer(
                    self._address,
                    linger_ms=_LINGER_MS,
                    max_batch_size=_MAX_BATCH_BYTES,
                    # aiokafka compresses lz4 at its slowest level, and zstd makes half as many bytes of it.
                    compression_type="zstd" if has_zstd() else None,
                    request_timeout_ms=round(min(self._timeout, _MAX_REQUEST_SECONDS) * 1000),
                )
                self._producer = await kafka.started(producer, self._address)
            return self._producer


async def _stop(producer: kafka.Producer, patience_seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience_seconds):
            await producer.flush()
            await producer.stop()
            return
    await abandon(producer)


async def abandon(producer: kafka.Producer) -> None:
    """Drop *producer* with whatever it holds.

    `AIOKafkaProducer.stop` waits for its buffers, and an idempotent producer never gives them up: while Kafka is away
    it does not return. These are its own steps without the wait (a contract test guards the private names).
    """
    producer._closed = True  # noqa: SLF001
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            await producer._sender.close()  # noqa: SLF001
    await producer.client.close()
