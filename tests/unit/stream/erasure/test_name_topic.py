"""A sweep overwrites every record of a deleted person's names, in the partition in which it lies."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import cast

from aiokafka import ConsumerRecord

from schemas.rows import ERASED, PersonNameRow
from schemas.topics import PERSON_NAMES_TOPIC
from stream.clients.topic_reader import Extent, TopicReader
from stream.erasure.guard import ErasedPersons
from stream.erasure.name_topic import Swept, _Sweep
from stream.pipeline.history import Message, TopicWriter
from stream.pipeline.rows.history_codec import NameKey, encode_name
from stream.pipeline.rows.rows import Rows
from tests.builders import NOW, a_lifetime, a_uuid
from tests.fakes.erasure import InMemoryPersonStore
from tests.fakes.stream import InMemorySink

NAME = PersonNameRow("acme", a_uuid(1), "usr_ada", "ada@example.com", "Ada", NOW, NOW)
KEY = NameKey("acme", a_uuid(1), "a", 0).encoded()


class Partitions:
    """A topic, to read and to write."""

    def __init__(self, *partitions: list[tuple[bytes, bytes | None]]) -> None:
        self.records_of = partitions

    async def extents(self, _: str) -> dict[int, Extent]:
        return {number: Extent(0, len(records)) for number, records in enumerate(self.records_of)}

    async def records(
        self, topic: str, extents: Mapping[int, Extent], start: Mapping[int, int] | None = None
    ) -> AsyncIterator[tuple[Sequence[ConsumerRecord], dict[int, int]]]:
        for partition, extent in extents.items():
            first = (start or {}).get(partition, 0)
            found = [
                ConsumerRecord(topic, partition, offset, 0, 0, key, value, None, 0, 0, ())
                for offset, (key, value) in enumerate(self.records_of[partition][: extent.end])
                if offset >= first
            ]
            yield found, {}

    async def write(self, messages: Sequence[Message]) -> None:
        for message in messages:
            assert message.topic == PERSON_NAMES_TOPIC
            assert message.partition is not None
            self.records_of[message.partition].append((message.key, message.value))

    def left(self) -> list[bytes]:
        """The values that compaction leaves, but for those of segment rolls."""
        last = ({key: value for key, value in records if b"roll" not in key} for records in self.records_of)
        return [value for partition in last for value in partition.values() if value is not None]


async def swept(topic: Partitions) -> Swept:
    sink = InMemorySink()
    sink.write(Rows([a_lifetime("acme", a_uuid(1), ERASED, NOW + timedelta(days=1))]))
    erased = ErasedPersons(InMemoryPersonStore(sink))
    reader, writer = cast("TopicReader", topic), cast("TopicWriter", topic)
    return await _Sweep(reader, writer, erased, NOW - timedelta(days=365)).run()


async def test_a_name_goes_from_the_partition_in_which_it_lies_though_others_were_added_since() -> None:
    for at in range(4):
        topic = Partitions([], [], [], [], [], [])
        topic.records_of[at].append((KEY, encode_name(NAME)))
        assert await swept(topic) == Swept(1)
        assert topic.left() == []
        assert await swept(topic) == Swept(0)


async def test_a_key_that_lies_in_two_partitions_goes_from_both() -> None:
    record: tuple[bytes, bytes | None] = (KEY, encode_name(NAME))
    topic = Partitions([record], [record, (KEY, None)], [(KEY, None), record])
    assert await swept(topic) == Swept(2)
    assert topic.left() == []
