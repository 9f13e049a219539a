"""A producer for as long as the worker lives, however often Kafka fails meanwhile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.errors import KafkaError

from schemas import kafka
from schemas.kafka_address import KafkaAddress
from stream.clients.kafka import kafka_answers

REQUEST_MILLISECONDS = 10_000


class LastingProducer:
    """Starts an idempotent producer at its first use, and a new one after a failure. One caller at a time.

    *what* names it in errors. Records may be as large as *max_request_bytes* before compression; they are compressed
    with zstd, in batches of *max_batch_bytes*.
    """

    def __init__(self, address: KafkaAddress, what: str, *, max_request_bytes: int, max_batch_bytes: int) -> None:
        self._address = address
        self._what = what
        self._max_request_bytes = max_request_bytes
        self._max_batch_bytes = max_batch_bytes
        self._producer: kafka.Producer | None = None

    @asynccontextmanager
    async def ready(self) -> AsyncIterator[kafka.Producer]:
        """The producer, in which the block waits for every acknowledgement. Kafka's errors become `Unavailable`."""
        with kafka_answers(self._what):
            try:
                yield await self._started()
            except KafkaError:
                # An idempotent producer that lost its sequence never recovers: the next use starts a new one.
                await self.close()
                raise

    async def close(self) -> None:
        """End the producer; the next use starts another."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _started(self) -> kafka.Producer:
        if self._producer is None:
            producer = kafka.producer(
                self._address,
                request_timeout_ms=REQUEST_MILLISECONDS,
                compression_type="zstd",
                max_batch_size=self._max_batch_bytes,
                max_request_size=self._max_request_bytes,
            )
            self._producer = await kafka.started(producer, self._address)
        return self._producer
