"""Faust's aiokafka transport, with one message per fetched chunk instead of one per record.

Stock Faust runs five tasks for every message and handles some 10,000 records a second; a chunk pays that price once.
Everything else stays Faust's: membership, rebalances, flow control, the agent, the command line.

It rests on private names of faust-streaming 0.15.3 (`Consumer._wait_next_records`, `Consumer._commit`), which is
pinned; `tests/contract/test_faust.py` fails at an upgrade that moves them.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import faust
from aiokafka.errors import IllegalStateError
from faust import streams
from faust.app import base
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, EventT
from faust.types.tuples import ConsumerMessage

from stream.offsets import Partition
from stream.records import Chunk

# The pure-Python iterator acknowledges events of an old generation, which moves offsets past records that are nowhere.
if getattr(streams, "_CStreamIterator", None) is None:
    raise RuntimeError("faust-streaming is installed without its Cython extensions; install a wheel, without NO_CYTHON")

MAX_CHUNK_RECORDS = 2_500
_UNSIZED = 0
LOG_APPEND_TIME = 1
_NOT_ASSIGNED = (IllegalStateError, AssertionError)
"""What aiokafka raises where it seeks in a partition that is not assigned, and where none is."""


class ChunkConsumer(driver.Consumer):
    """A Faust consumer whose messages hold a `Chunk` of consecutive records."""

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 - Faust's
        """Yield what one fetch brought, chunk by chunk.

        Chunks that are not yielded, since a rebalance began, are not lost: the consumer seeks back to the committed
        offsets, here or when the flow resumes, and fetches them again.
        """
        records, _ = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            # A rebalance may take a partition away while its offset is asked for, which is no reason to end the worker:
            # Faust seeks again before it lets the flow resume.
            with contextlib.suppress(*_NOT_ASSIGNED):
                await self.perform_seek()
            return
        for tp, fetched in records.items():
            for start in range(0, len(fetched), MAX_CHUNK_RECORDS):
                if not self.flow_active or self.app.consumer_generation_id != generation:
                    return
                yield (
                    tp,
                    _message(tp, Chunk(tp.topic, tp.partition, generation, fetched[start : start + MAX_CHUNK_RECORDS])),
                )


class ChunkTransport(driver.Transport):
    """The transport to give to a Faust app: `app.transport = ChunkTransport(...)`."""

    Consumer = ChunkConsumer


class ChunkSchema(faust.Schema[Any, Any]):
    """Hands a message to the agent as it is. Faust's own decoding hangs on, or skips, what it cannot decode."""

    def compile(self, app: AppT, **_: Any) -> Callable[..., Awaitable[EventT[Any]]]:  # noqa: ANN401 - Faust's signature
        """The function that makes an event of a message."""
        create_event = app.create_event

        async def to_event(message: ConsumerMessage, *, propagate: bool = False) -> EventT[Any]:  # noqa: ARG001
            return create_event(message.key, message.value, message.headers, message)

        return to_event


def _message(tp: TP, chunk: Chunk) -> ConsumerMessage:
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
        generation_id=chunk.generation,
    )


class WorkerApp(faust.App):
    """A Faust app that serves nothing, whatever the command line says.

    `faust worker` switches Faust's own web server on, on every interface, over the setting `web_enabled=False`.
    """

    class BootStrategy(base.BootStrategy):
        """Starts everything but the web server."""

        enable_web = False


def assigned(app: faust.App) -> set[Partition]:
    """The partitions that the app's consumer holds now: none before it has started, which may take an outage long."""
    try:
        return {(tp.topic, tp.partition) for tp in app.consumer.assignment()}
    except ConsumerNotStarted:
        return set()


async def commit(app: faust.App, offsets: dict[Partition, int]) -> bool:
    """Commit next offsets for the app's consumer group; `False` where a rebalance came first.

    Any other failure ends the worker (Faust crashes its consumer): the records are then read again, and fold.
    """
    due = {TP(topic, partition): offset for (topic, partition), offset in offsets.items()}
    consumer = cast("ChunkConsumer", app.consumer)
    return await consumer._commit(due)  # noqa: SLF001 - `commit()` only knows Faust's own acknowledgements
