"""A record with a header key that is no UTF-8, as clients in C and Go can write it, is read like its neighbors."""

from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.codec import gzip_encode, lz4_encode, zstd_encode
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition

from stream.clients.fetched_records import Records, read_every_header
from tests.faults.headers import HEADER, unreadable

CODECS: dict[int, Callable[[bytes], bytes]] = {0: bytes, 1: gzip_encode, 3: lz4_encode, 4: zstd_encode}


def batch(codec: int = 0, *, first: int = 0) -> bytes:
    """Three records, the second with headers."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 20)
    for number in range(3):
        headers = [("traceparent", b"1"), (HEADER, b"2")] if number == 1 else []
        builder.append(number, 1_000 + number, b"key", b"value %d" % number, headers)
    return first.to_bytes(8, "big") + bytes(builder.build())[8:]


def read(data: bytes, *, at: int = 0) -> list[Any]:
    return list(PartitionRecords(TopicPartition("t", 0), Records(data), [], at, None, None, True, 1))


@pytest.mark.parametrize(("codec", "compress"), CODECS.items())
def test_it_and_its_neighbors_are_read(codec: int, compress: Callable[[bytes], bytes]) -> None:
    data = unreadable(batch(), codec, compress) + unreadable(batch(first=3), codec, compress)
    records = read(data)
    assert [(record.offset, record.value) for record in records] == [
        (offset, b"value %d" % (offset % 3)) for offset in range(6)
    ]
    assert [record.headers for record in records[:3]] == [(), (("traceparent", b"1"), ("��", b"2")), ()]


def test_what_was_read_before_is_not_given_again() -> None:
    assert [record.offset for record in read(unreadable(batch()), at=1)] == [1, 2]


@pytest.mark.parametrize("codec", CODECS)
def test_good_records_are_read_as_ever(codec: int) -> None:
    records = read(batch(codec))
    assert [(record.key, record.value, record.timestamp) for record in records] == [
        (b"key", b"value %d" % number, 1_000 + number) for number in range(3)
    ]
    assert records[1].headers == (("traceparent", b"1"), (HEADER, b"2"))


def test_bytes_that_are_no_records_are_refused_as_before() -> None:
    with pytest.raises(CorruptRecordException):
        read(batch()[:-1] + b"!")


def test_a_fetch_without_records_has_none() -> None:
    empty = Records(b"")
    assert (empty.has_next(), empty.next_batch(), empty.size_in_bytes()) == (False, None, 0)


def test_the_consumers_of_this_process_read_so() -> None:
    read_every_header()
    assert fetcher.MemoryRecords is Records
