"""Many records at once, as whole batches: record by record, aiokafka would cost more than all else of an import."""

import asyncio
import struct
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from producers.kafka.link import Delivery
from producers.kafka.record import Record
from schemas import kafka
from schemas.topics import EVENTS_TOPIC
from schemas.wire import frame

_MURMUR_M = 0x5BD1E995
_MURMUR_SEED = 0x9747B28C
_WORD_BYTES = 4
_32_BITS = 0xFFFFFFFF


@dataclass(eq=False, slots=True)
class Batch(Delivery):
    """Records of one partition, delivered together. *acknowledged* begins to mean something once the batch is sent."""

    builder: Any
    partition: int
    records: list[Record] = field(default_factory=list)
    is_sent: bool = False

    def takes(self, record: Record, value: bytes) -> bool:
        """Add *record*, unless the batch is sent or full."""
        if self.is_sent or self.builder.append(timestamp=None, key=record.key, value=value) is None:
            return False
        self.records.append(record)
        return True

    async def send(self) -> None:
        """Hand the batch over; waits while the one before it in its partition waits. Errors become the delivery's."""
        self.is_sent = True
        self.builder.close()  # a batch that is open lingers, for records that never come
        promise = self.acknowledged
        try:
            future = await self.producer.send_batch(self.builder, EVENTS_TOPIC, partition=self.partition)
        except (KafkaError, OSError) as error:
            promise.set_exception(error)
            return
        future.add_done_callback(lambda done: _pass_on(done, promise))
        await asyncio.sleep(0)  # the producer's own tasks share this thread


class Bulk:
    """Batches of one producer. Records of one key stay in their order, in the partition that any producer chooses."""

    def __init__(self, producer: kafka.Producer, partitions: set[int], schema_id: int) -> None:
        self.producer = producer
        self._partitions = sorted(partitions)
        self._header = frame(schema_id, b"")
        self._open: dict[int, Batch] = {}

    def open(self) -> list[Batch]:
        """The batches that take records."""
        return list(self._open.values())

    def add(self, record: Record) -> tuple[Batch, Batch | None]:
        """The batch that took *record*, and the one before it in its partition if that is full: send it now."""
        partition = self._partitions[(murmur2(record.key) & 0x7FFFFFFF) % len(self._partitions)]
        value = self._header + record.datum
        batch = self._open.get(partition)
        if batch is not None and batch.takes(record, value):
            return batch, None
        acknowledged: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        new = self._open[partition] = Batch(self.producer, acknowledged, self.producer.create_batch(), partition)
        if not new.takes(record, value):
            raise AssertionError("an event within its bounds is smaller than a batch")
        return new, None if batch is None or batch.is_sent else batch


def _pass_on(done: asyncio.Future[RecordMetadata], promise: asyncio.Future[RecordMetadata]) -> None:
    if promise.done():
        return
    if done.cancelled():
        promise.cancel()
    elif error := done.exception():
        promise.set_exception(error)
    else:
        promise.set_result(done.result())


def murmur2(key: bytes) -> int:
    """Kafka's hash of a key, as every client of Kafka computes it; aiokafka's own takes three times as long."""
    words, rest = divmod(len(key), _WORD_BYTES)
    found = _MURMUR_SEED ^ len(key)
    for word in struct.unpack_from(f"<{words}I", key):
        mixed = word * _MURMUR_M & _32_BITS
        found = (found * _MURMUR_M ^ (mixed ^ mixed >> 24) * _MURMUR_M) & _32_BITS
    if rest:
        found = (found ^ int.from_bytes(key[-rest:], "little")) * _MURMUR_M & _32_BITS
    found = (found ^ (found >> 13)) * _MURMUR_M & _32_BITS
    return found ^ (found >> 15)
