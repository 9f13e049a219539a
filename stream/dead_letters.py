"""Where refused records go: the port, and a Kafka topic behind it."""

from collections.abc import Sequence
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.topics import DEAD_LETTERS_TOPIC
from stream.errors import Unavailable
from stream.projection import Refused
from stream.records import Chunk

MAX_RECORD_BYTES = 512 * 1024 * 1024


class DeadLetters(Protocol):
    """The keeper of refused records."""

    async def keep(self, refusals: Sequence[tuple[Chunk, Refused]]) -> None:
        """Keep each refused record, raw, with where it came from and why; on return all are acknowledged.

        Raises `Unavailable` where any was not: then keep all of them again. A dead letter may thus be there twice; its
        topic, partition and offset tell.
        """
        ...


class KafkaDeadLetters:
    """`DeadLetters` in a topic of the same cluster. Key and value are the record's own bytes."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._producer: AIOKafkaProducer | None = None

    async def keep(self, refusals: Sequence[tuple[Chunk, Refused]]) -> None:
        """See `DeadLetters.keep`."""
        try:
            producer = await self._started()
            for chunk, refused in refusals:
                record = refused.record
                # Kafka has records with neither key nor value, but aiokafka sends none: an empty key stands for it.
                key = b"" if record.key is None and record.value is None else record.key
                await producer.send_and_wait(
                    DEAD_LETTERS_TOPIC, record.value, key=key, headers=_headers(chunk, refused)
                )
        except KafkaError as error:
            # An idempotent producer that lost its sequence never recovers: the next attempt starts with a new one.
            await self.close()
            raise Unavailable(f"dead letters: {type(error).__name__}") from error

    async def close(self) -> None:
        """End the producer; the next `keep` starts another."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap_servers,
                enable_idempotence=True,
                acks="all",
                request_timeout_ms=10_000,
                # Brokers bound a record's compressed size, so a small batch can unpack into a huge one. It must go
                # back in: a dead letter that cannot be written would hold up its partition for ever.
                compression_type="zstd",
                max_request_size=MAX_RECORD_BYTES,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer


def _headers(chunk: Chunk, refused: Refused) -> list[tuple[str, bytes]]:
    """Where the record came from and why it is here. Values of the event stay out: headers end up in tools and logs."""
    return [
        ("topic", chunk.topic.encode()),
        ("partition", str(chunk.partition).encode()),
        ("offset", str(refused.record.offset).encode()),
        ("recorded_at_ms", str(refused.record.timestamp).encode()),
        ("reason", refused.reason.value.encode()),
        ("field", refused.field.encode()),
    ]
