"""Faust's aiokafka transport, with one message per fetched chunk instead of one per record.

Stock Faust runs five tasks for every message and handles some 10,000 records a second; a chunk pays that price once.
Everything else stays Faust's: membership, rebalances, flow control, the agent, the command line.

It rests on private names of faust-streaming 0.15.3 (`Consumer._wait_next_records`, `._read_offset`), which is pinned;
`tests/contract/test_faust.py` fails at an upgrade that moves them.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import faust
import structlog
from aiokafka.errors import IllegalStateError, KafkaError
from faust import streams
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, EventT
from faust.types.tuples import ConsumerMessage

from schemas.kafka import Producer
from stream.fetch.broker import following
from stream.fetch.consumer_thread import ConsumerThread
from stream.fetch.positions import FetchAgain, MadeAnew, Positions
from stream.fetch.records import Chunk, Partition, Record

# The pure-Python iterator acknowledges events of an old generation, which moves offsets past records that are nowhere.
if getattr(streams, "_CStreamIterator", None) is None:
    raise RuntimeError("faust-streaming is installed without its Cython extensions; install a wheel, without NO_CYTHON")

log = structlog.get_logger(__name__)

MAX_CHUNK_RECORDS = 2_500
_UNSIZED = 0
LOG_APPEND_TIME = 1
_NOT_ASSIGNED = (IllegalStateError, AssertionError)
"""What aiokafka raises where it seeks in a partition that is not assigned, and where none is."""


class ChunkConsumer(driver.Consumer):
    """A Faust consumer whose messages hold a `Chunk` of consecutive records.

    Within a generation its chunks follow one another from where the group has committed, without a hole or a copy.
    *generation* counts the assignments that this process was given: Kafka's own number may come twice.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Faust's
        super().__init__(*args, **kwargs)
        self.generation = 0
        self.positions = Positions()
        self._is_torn = True
        self._left_generation: int | None = None

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """From now on whatever was given before is of a generation that is over."""
        self.generation += 1
        self._is_torn = True
        await super().on_partitions_assigned(assigned, generation_id)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 - Faust's
        """Yield what one fetch brought, chunk by chunk.

        What is not yielded, since a rebalance began or the call was cancelled, is not lost: `positions` sees that the
        next fetch begins behind it, and where none comes, the next call seeks. Faust lets the flow resume for a
        generation that is over, and seeks while it fetches: what it does in which order is of no importance here.
        """
        is_still_torn = self._is_torn and not await self._mend()
        self._is_torn = True
        records, _ = await self._wait_next_records(timeout)
        generation = self.generation
        for tp, fetched in (records or {}).items():
            if not self._may_yield(generation) or not self.positions.has_begun(generation):
                return
            for chunk in await self._unread(tp, generation, fetched):
                if not self._may_yield(generation):
                    return
                self.positions.given(tp, chunk.next_offset)
                # Faust drops in silence what is below the offset it read last, be it one of an earlier generation.
                self._read_offset.pop(tp, None)
                yield tp, _message(tp, chunk, self.app.consumer_generation_id)
        self._is_torn = is_still_torn

    async def _unread(self, tp: TP, generation: int, fetched: Sequence[Record]) -> Iterable[Chunk]:
        """What nobody was given yet; nothing, where records before that must be fetched."""
        if not self.positions.has(tp):
            return ()
        expected = self.positions.next(tp)
        given_before = self.positions.reconcile(tp, fetched, end=self._end(tp))
        if isinstance(given_before, MadeAnew):
            await self._leave(generation, tp)
            return ()
        if isinstance(given_before, FetchAgain):
            await self._seek_to({tp: given_before.offset})
            return ()
        if self.positions.next(tp) < expected:
            log.error("the topic ended before the group's offset", topic=tp.topic, partition=tp.partition)
        if given_before == len(fetched):
            return ()
        records, begin = fetched[given_before:], self.positions.next(tp)
        expired = await self._expired(tp, begin, records[0].offset)
        topic_id = cast("ConsumerThread", self._thread).topic_ids.get(tp.topic)
        return [replace(chunk, topic_id=topic_id) for chunk in _chunks(tp, generation, records, begin, expired=expired)]

    async def _expired(self, tp: TP, begin: int, first: int) -> int:
        """How many offsets from *begin* and below *first* had left the topic before they were fetched."""
        if begin == first or not self.positions.was_committed(tp):
            return 0
        try:
            earliest = (await self._thread.earliest_offsets(tp))[tp]
        except (*_NOT_ASSIGNED, KafkaError):
            return 0
        return max(0, min(earliest, first) - begin)

    async def _leave(self, generation: int, tp: TP) -> None:
        """End *generation*: have the partitions assigned anew. Asked again it does nothing."""
        if self._left_generation == generation:
            return
        self._left_generation = generation
        log.error("the topic ended before what was read of it", topic=tp.topic, partition=tp.partition)
        await self.rejoin()

    async def rejoin(self) -> None:
        """Have this worker's partitions assigned anew, by what the brokers know of the topic now."""
        await cast("ConsumerThread", self._thread).rejoin()

    async def _mend(self) -> bool:
        """Fetch from where the generation must go on: what was fetched went to nobody. `False` where that must wait."""
        if not self.flow_active:
            return False
        if not self.positions.has_begun(self.generation):
            with contextlib.suppress(*_NOT_ASSIGNED):
                await self.perform_seek()
        if not self.positions.has_begun(self.generation):
            return False
        return await self._seek_to({TP(*partition): offset for partition, offset in self.positions.all_next().items()})

    async def _seek_to(self, offsets: Mapping[TP, int]) -> bool:
        """`False` where a partition is no longer ours: the next generation seeks anew."""
        try:
            await self.seek_wait(offsets)
        except (*_NOT_ASSIGNED, TimeoutError):
            return False
        return True

    def _end(self, tp: TP) -> int | None:
        with contextlib.suppress(*_NOT_ASSIGNED):
            return self.highwater(tp)
        return None

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every assigned partition to the group's offset, and note that the present generation begins there."""
        generation = self.generation
        committed = await super().seek_to_committed()
        # A rebalance may have come: these are the offsets of a generation that is over, and the next one seeks again.
        if generation == self.generation:
            self.positions.begin(generation, cast("Mapping[Partition, int | None]", committed))
        return committed

    def _may_yield(self, generation: int) -> bool:
        return self.flow_active and not self.should_stop and self.generation == generation


def _chunks(tp: TP, generation: int, records: Sequence[Record], expected: int, *, expired: int = 0) -> Iterator[Chunk]:
    """What one fetch brought, in chunks. It is contiguous: between two of its records the topic has no other.

    *expired* of the offsets from *expected* on had left the topic.
    """
    for start in range(0, len(records), MAX_CHUNK_RECORDS):
        chunk = Chunk(tp.topic, tp.partition, generation, records[start : start + MAX_CHUNK_RECORDS])
        if (missing := chunk.first_offset - expected) > 0:
            say = log.error if expired else log.info
            say(
                "records expired before they were read" if expired else "no records here",
                topic=tp.topic,
                partition=tp.partition,
                first=expected,
                count=expired or missing,
            )
            chunk = replace(chunk, behind_hole=expected, expired=expired)
        expired = 0
        expected = chunk.next_offset
        yield chunk


class _Producer(driver.Producer):
    """Faust's producer, to which nobody gives anything; it keeps a connection all the same."""

    def _new_producer(self, transactional_id: str | None = None) -> Producer:
        return following(super()._new_producer(transactional_id), self.app)


class ChunkTransport(driver.Transport):
    """The transport to give to a Faust app: `app.transport = ChunkTransport(...)`."""

    Consumer = ChunkConsumer
    Producer = _Producer


class ChunkSchema(faust.Schema[Any, Any]):
    """Hands a message to the agent as it is. Faust's own decoding hangs on, or skips, what it cannot decode."""

    def compile(self, app: AppT, **_: Any) -> Callable[..., Awaitable[EventT[Any]]]:  # noqa: ANN401 - Faust's signature
        """The function that makes an event of a message."""
        create_event = app.create_event

        async def to_event(message: ConsumerMessage, *, propagate: bool = False) -> EventT[Any]:  # noqa: ARG001
            return create_event(message.key, message.value, message.headers, message)

        return to_event


def _message(tp: TP, chunk: Chunk, generation_id: int) -> ConsumerMessage:
    last = chunk.records[-1]
    return ConsumerMessage(
        tp.topic,
        tp.partition,
        last.offset,
        last.timestamp / 1000,
        LOG_APPEND_TIME,
        [],
        None,
        cast("bytes", chunk),  # Faust says bytes; `ChunkSchema` is its only reader
        None,
        _UNSIZED,
        _UNSIZED,
        tp,
        generation_id=generation_id,
    )
