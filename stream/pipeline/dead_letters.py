"""Where refused records go: the port, and a Kafka topic behind it."""

from collections.abc import Sequence
from typing import Protocol

from schemas.kafka_address import KafkaAddress
from schemas.topics import DEAD_LETTERS_TOPIC
from stream.clients.kafka_producer import LastingProducer
from stream.fetch.records import Chunk, traceparent
from stream.pipeline.accept import Refused

MAX_RECORD_BYTES = 512 * 1024 * 1024
MAX_BATCH_BYTES = 16 * 1024


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

    def __init__(self, kafka: KafkaAddress) -> None:
        # Brokers bound a record's compressed size, so a small batch can unpack into a huge one. It must go back in: a
        # dead letter that cannot be written would hold up its partition for ever.
        self._producer = LastingProducer(
            kafka, "dead letters", max_request_bytes=MAX_RECORD_BYTES, max_batch_bytes=MAX_BATCH_BYTES
        )

    async def keep(self, refusals: Sequence[tuple[Chunk, Refused]]) -> None:
        async with self._producer.ready() as producer:
            for chunk, refused in refusals:
                record = refused.record
                # Kafka has records with neither key nor value, but aiokafka sends none: an empty key stands for it.
                key = b"" if record.key is None and record.value is None else record.key
                await producer.send_and_wait(
                    DEAD_LETTERS_TOPIC, record.value, key=key, headers=_headers(chunk, refused)
                )

    async def close(self) -> None:
        """End the producer; the next `keep` starts another."""
        await self._producer.close()


def _headers(chunk: Chunk, refused: Refused) -> list[tuple[str, bytes]]:
    """Where the record came from and why it is here. Values of the event stay out: headers end up in tools and logs."""
    trace = traceparent(refused.record)
    return [
        ("topic", chunk.topic.encode()),
        ("partition", str(chunk.partition).encode()),
        ("offset", str(refused.record.offset).encode()),
        ("recorded_at_ms", str(refused.record.timestamp).encode()),
        ("reason", refused.reason.value.encode()),
        ("field", refused.field.encode()),
        *([] if trace is None else [("traceparent", trace.encode())]),
    ]
