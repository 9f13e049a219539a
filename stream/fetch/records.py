"""Kafka records as the worker takes them: raw, and in chunks of one partition."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

MICROS_PER_MILLI = 1000
_TRACEPARENT = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

Partition = tuple[str, int]
"""A topic and the number of one of its partitions."""


class Record(Protocol):
    """What the worker reads of a record; `aiokafka.ConsumerRecord` has it all."""

    @property
    def offset(self) -> int:
        """Its position in the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """The broker's append time, in milliseconds since 1970 (the topic is `LogAppendTime`)."""
        ...

    @property
    def key(self) -> bytes | None:
        """The key as it was sent."""
        ...

    @property
    def value(self) -> bytes | None:
        """The value as it was sent; `None` is a tombstone."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """The headers as they were sent; a value of one may be absent."""
        ...


def traceparent(record: Record) -> str | None:
    """The trace that published *record*, as the W3C spells it in the header `traceparent`; `None` where there is none.

    Anything else in that header could be a name: https://www.w3.org/TR/trace-context/#traceparent-header
    """
    for name, value in record.headers:
        if name == "traceparent" and value and _TRACEPARENT.fullmatch(value):
            return value.decode("ascii")
    return None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive records of one partition, fetched in one *generation* of the consumer group's membership.

    *behind_hole* is the first of the offsets right before it that the topic has no record of, where there are any.
    *expired* counts those of them that had left the topic before they were fetched. *topic_id* is the topic's, where
    brokers tell it, and *epoch* its number among all topics of its name, once that is known.
    """

    topic: str
    partition: int
    generation: int
    records: Sequence[Record]
    behind_hole: int | None = None
    expired: int = 0
    topic_id: UUID | None = None
    epoch: int = 0

    @property
    def place(self) -> Partition:
        """The partition that it was fetched from."""
        return self.topic, self.partition

    @property
    def begin(self) -> int:
        """The offset from which on it has every record."""
        return self.first_offset if self.behind_hole is None else self.behind_hole

    @property
    def first_offset(self) -> int:
        """The offset of the first record."""
        return self.records[0].offset

    @property
    def next_offset(self) -> int:
        """The offset to commit once every record of the chunk is a row or a dead letter."""
        return self.records[-1].offset + 1
