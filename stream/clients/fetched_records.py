"""Fetched records whose header keys are no UTF-8: Kafka takes them, and aiokafka ends the fetch with an error.

Clients that send bytes as a header's key (librdkafka's, Go's) can write such a record, and one would stop every reader
of the topic. Here the record is read like its neighbors, with U+FFFD in the place of what is no UTF-8.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH = slice(8, 12)
_BEFORE_LENGTH = 12
_MAGIC_WITH_HEADERS = 2


class Records:
    """What a fetch brought of one partition: aiokafka's `MemoryRecords`, whose batches are `Batch`es."""

    def __init__(self, data: bytes) -> None:
        self._records = MemoryRecords(data)
        self._left = memoryview(data)

    def size_in_bytes(self) -> int:
        """The size of all of it."""
        return int(self._records.size_in_bytes())

    def has_next(self) -> bool:
        """Whether there is another batch."""
        return bool(self._records.has_next())

    def next_batch(self) -> Any:  # noqa: ANN401 - aiokafka's, in one of two formats
        """The next batch; `None` at the end."""
        batch = self._records.next_batch()
        if batch is None:
            return None
        size = _BEFORE_LENGTH + int.from_bytes(self._left[_LENGTH], "big")
        raw, self._left = self._left[:size], self._left[size:]
        return Batch(batch, raw) if batch.magic >= _MAGIC_WITH_HEADERS else batch


class Batch:
    """A batch of aiokafka's, of which every record can be read."""

    def __init__(self, batch: Any, raw: memoryview) -> None:  # noqa: ANN401 - aiokafka's, in Cython or Python
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever aiokafka asks of its batch
        return getattr(self._batch, name)

    def __next__(self) -> Any:  # noqa: ANN401 - the record of a control batch
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        """The records, in order. Raises aiokafka's error for bytes that are no records."""
        count = 0
        try:
            for record in self._batch:
                count += 1
                yield record
        except (UnicodeDecodeError, CorruptRecordException):
            # aiokafka's reader in Cython raises the first of them, the one in Python the other.
            yield from islice(_read_anew(self._raw), count, None)


def _read_anew(raw: memoryview) -> Iterator[Any]:
    batch: Any = _DefaultRecordBatchPy(raw)
    iter(batch)  # decompresses
    batch._buffer = _Lenient(batch._buffer)  # noqa: SLF001 - guarded by `tests/unit/stream/clients/test_fetched_records.py`
    yield from batch


class _Lenient(bytearray):
    """Bytes whose slices decode whatever they hold: aiokafka decodes header keys, and nothing else."""

    def __getitem__(self, place: Any) -> Any:  # noqa: ANN401 - as in `bytearray`
        found = super().__getitem__(place)
        return _LenientText(found) if isinstance(place, slice) else found


class _LenientText(bytearray):
    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


def read_every_header() -> None:
    """Make every consumer of this process read its fetches as `Records`; repeated, it changes nothing."""
    fetcher.MemoryRecords = Records
