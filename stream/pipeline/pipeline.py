"""The order of effects: look up, decode, keep dead letters, insert, publish, commit. Nothing here knows Faust."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

import stamina
import structlog

from schemas.errors import Reason, RegistryUnavailable
from schemas.person_ref import person_refs
from schemas.registry import SchemaRegistry
from schemas.rows import ActivityRow
from stream.errors import StoreRefused, Unavailable
from stream.fetch.records import Chunk, traceparent
from stream.health.observer import Observer
from stream.pipeline.accept import Accepted, Refused, SchemasById
from stream.pipeline.batch import Batch, build_batch
from stream.pipeline.chunk_lookup import ChunkLookup
from stream.pipeline.commits import Commits
from stream.pipeline.conflicts import without_conflicts
from stream.pipeline.dead_letters import DeadLetters
from stream.pipeline.history import History
from stream.pipeline.known_events import KnownEvents
from stream.pipeline.rows.lines import Lines
from stream.pipeline.rows.rows import Rows, rows_of
from stream.pipeline.sink import LogSink
from stream.pipeline.topic_epochs import TopicEpochs

log = structlog.get_logger(__name__)

MAX_BATCH_RECORDS = 10_000
"""Records that one batch may hold, but for the rest of a chunk: some 20 MB while it is decoded and stored."""

WAITING_CHUNKS = 3
WAITING_RECORDS = 5_000
"""What may wait for its schemas or its turn: so many chunks of any size, and small ones with so many records together.
A record counts once more for each kilobyte of it, so that large ones are few.

What trickles in while a batch is stored comes in many small chunks. Those that had to stay outside would make batches
of their own, an insert each, and their events would wait for every one of them.
"""

RECORDS_TO_OVERLAP = 500
"""So many waiting records are decoded while another batch is stored, for the sake of throughput. Fewer wait until the
store is free: whatever comes until then joins them, and would else be stored one batch later.
"""

FIRST_RETRY_SECONDS = 0.2
LAST_RETRY_SECONDS = 15.0


Known = Sequence[ActivityRow]
"""What the store says of a batch's events."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What the pipeline touches of the world, in the order of its steps.

    *off_boarded* gives the client spaces that have left, as of a minute ago or later. Blocks; raises `Unavailable`.
    """

    registry: SchemaRegistry
    topic_epochs: TopicEpochs
    known_events: KnownEvents
    dead_letters: DeadLetters
    sink: LogSink
    history: History
    commits: Commits
    off_boarded: Callable[[], Collection[str]]


class Pipeline:
    """Turns chunks into stored batches. `put` feeds it, `run` works until it is cancelled or must end the process.

    While one batch is published and committed, the next is stored and, under load, one more is decoded and looked up;
    each step takes batches in the order in which they came. `put` blocks while enough waits (`WAITING_CHUNKS`), and
    that is the back-pressure: Faust then fetches nothing more.
    """

    def __init__(
        self,
        ports: Ports,
        *,
        pseudonymization_key: bytes,
        observer: Observer | None = None,
    ) -> None:
        self._ports = ports
        self._observer = observer or Observer()
        self._refs = person_refs(pseudonymization_key)
        self._looked_up = ChunkLookup(ports.registry, ports.topic_epochs, self._until_possible)
        self._chunks_inside = self._records_inside = 0
        self._one_put = asyncio.Lock()
        self._taken = asyncio.Event()
        self._decoded: asyncio.Queue[tuple[Batch, Known]] = asyncio.Queue(1)
        self._store_has_taken = asyncio.Semaphore(1)
        self._is_storing = False
        self._came_or_stored = asyncio.Event()
        self._one_look_up = asyncio.Lock()
        self._stored: asyncio.Queue[tuple[Sequence[Chunk], Rows]] = asyncio.Queue(1)

    async def put(self, chunk: Chunk) -> None:
        """Hand over the next *chunk*, in the order of its partition; returns when there is room for it."""
        self._observer.received(chunk)
        # One at a time: a small chunk must not overtake a large one that waits for room.
        async with self._one_put:
            while not self._has_room_for(chunk):
                self._taken.clear()
                await self._taken.wait()
            self._chunks_inside += 1
            self._records_inside += _weight(chunk)
            self._looked_up.put_nowait(chunk)
            self._came_or_stored.set()

    def _has_room_for(self, chunk: Chunk) -> bool:
        is_small = self._records_inside + _weight(chunk) <= WAITING_RECORDS
        return is_small or self._chunks_inside < WAITING_CHUNKS

    async def run(self) -> None:
        """Work for ever. An error that no retry can mend comes out of here, and nothing is committed after it.

        While batches are worked on it comes in an `ExceptionGroup`.
        """
        await self._until_possible("schema", lambda: asyncio.to_thread(self._ports.sink.check_schema))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._looked_up.run())
            tasks.create_task(self._decode_all())
            tasks.create_task(self._store_all())
            tasks.create_task(self._finish_all())

    async def _decode_all(self) -> None:
        async for chunks, schemas in self._groups():
            # Not as of the batch before, which may be weeks ago: what is dropped is counted here, and told.
            spaces = await self._off_boarded()
            # In a thread: a full batch takes a while to decode, and the event loop must go on answering the group.
            batch = await asyncio.to_thread(build_batch, chunks, schemas=schemas, refs=self._refs, off_boarded=spaces)
            for space, count in batch.off_boarded.items():
                log.warning("records of a client space that has left", client_space_id=space, count=count)
            await self._decoded.put((batch, await self._look_up_events(batch)))
            # What is stored must not stay in memory until the next batch takes its name.
            del chunks, batch

    async def _store_all(self) -> None:
        earlier: frozenset[str] = frozenset()
        while True:
            batch, known = await self._decoded.get()
            self._is_storing = True
            self._store_has_taken.release()
            event_ids = frozenset(Lines.of(batch.rows.activities).columns.event_id)
            if not event_ids.isdisjoint(earlier):
                # It was looked up while the batch before it was being stored.
                known = await self._look_up_events(batch)
            earlier = event_ids
            await self._stored.put(await self._store(without_conflicts(batch, known, self._refs)))
            del batch, known
            self._is_storing = False
            self._came_or_stored.set()

    async def _finish_all(self) -> None:
        while True:
            await self._finish(*await self._stored.get())

    async def _groups(self) -> AsyncIterator[tuple[list[Chunk], SchemasById]]:
        """Whatever waits, as soon as anything does: small batches while idle, large ones under load."""
        ready = self._looked_up.ready
        while True:
            group = [self._took(*await ready.get())]
            # Decoded sooner, a batch would only wait, and be smaller: an insert costs more than the rows in it.
            await self._store_has_taken.acquire()
            await self._until_worth_decoding(group[0][0])
            while not ready.empty() and sum(len(chunk.records) for chunk, _ in group) < MAX_BATCH_RECORDS:
                group.append(self._took(*ready.get_nowait()))
            # A chunk of an earlier generation belongs to whoever holds its partition now.
            current: list[Chunk] = []
            stale: list[Chunk] = []
            for chunk, _ in group:
                (current if self._ports.commits.is_current(chunk) else stale).append(chunk)
            self._observer.dropped(stale)
            if current:
                yield current, {schema_id: schema for _, schemas in group for schema_id, schema in schemas.items()}
            else:
                self._store_has_taken.release()

    async def _until_worth_decoding(self, first: Chunk) -> None:
        """Wait while a batch is stored and, *first* included, too few records to overlap with that have come."""
        while self._is_storing and _weight(first) + self._records_inside < RECORDS_TO_OVERLAP:
            self._came_or_stored.clear()
            await self._came_or_stored.wait()

    def _took(self, chunk: Chunk, schemas: SchemasById) -> tuple[Chunk, SchemasById]:
        self._chunks_inside -= 1
        self._records_inside -= _weight(chunk)
        self._taken.set()
        return chunk, schemas

    async def _store(self, batch: Batch) -> tuple[Sequence[Chunk], Rows]:
        """Store *batch*; the answer is its chunks, and the rows that the store has taken."""
        # Killed here: nothing of the batch exists anywhere but in Kafka, uncommitted; it is read again.
        await self._keep_dead_letters(batch.refusals)
        # Killed here: the dead letters are there and will be once more; topic, partition and offset tell.
        refused_by_store = await self._insert(batch.accepted, batch.rows)
        # Killed here: the rows are there and will be inserted again; the tables fold the copies.
        refusals = [(one.chunk, Refused(one.record, Reason.REFUSED_BY_STORE, "")) for one in refused_by_store]
        await self._keep_dead_letters(refusals)
        # Killed here: as above.
        refused = [refused.reason for _, refused in (*batch.refusals, *refusals)]
        deletions = sum(one.is_contested for one in batch.accepted) if refused else 0
        self._observer.stored(
            batch.chunks,
            expired=batch.expired,
            off_boarded=batch.off_boarded.total(),
            refused=refused,
            refused_deletions=deletions,
        )
        if not refused_by_store:
            return batch.chunks, batch.rows
        ids = {id(one) for one in refused_by_store}
        return batch.chunks, rows_of([one for one in batch.accepted if id(one) not in ids], self._refs)

    async def _finish(self, chunks: Sequence[Chunk], rows: Rows) -> None:
        """Publish *rows*, which are stored, and commit; the next batch may be on its way into the store by now."""
        # Killed here: the rows are there and will be inserted again; the tables fold the copies.
        await self._until_possible("history", lambda: self._ports.history.publish(rows))
        # Killed here: the history has the rows and will have them once more; who reads it folds the copies.
        with self._observer.attempting("commit"):
            whole = await self._ports.commits.finish(chunks)
        # Killed here: all is done.
        self._observer.committed(chunks, whole=whole)

    async def _off_boarded(self) -> Collection[str]:
        """The client spaces that have left."""
        found: list[str] = []

        async def look() -> None:
            found[:] = await asyncio.to_thread(self._ports.off_boarded)

        await self._until_possible("schema", look)
        return frozenset(found)

    async def _look_up_events(self, batch: Batch) -> Known:
        """What the store says of the events of *batch*."""
        if not batch.rows.activities:
            return ()
        known: list[ActivityRow] = []

        async def look_up() -> None:
            # A batch that is looked up again comes beside the next one's turn, and the port takes one caller at a time.
            async with self._one_look_up:
                known[:] = await asyncio.to_thread(self._ports.known_events.accounts, batch.rows.activities)

        await self._until_possible("conflicts", look_up)
        return known

    async def _keep_dead_letters(self, refusals: Sequence[tuple[Chunk, Refused]]) -> None:
        for chunk, refused in refusals:
            log.warning(
                "record refused",
                topic=chunk.topic,
                partition=chunk.partition,
                offset=refused.record.offset,
                reason=refused.reason.value,
                field=refused.field,
                traceparent=traceparent(refused.record),
            )
        if refusals:
            await self._until_possible("dead_letters", lambda: self._ports.dead_letters.keep(refusals))

    async def _insert(self, accepted: Sequence[Accepted], rows: Rows) -> list[Accepted]:
        """Insert *rows*, made of *accepted*; the answer is what of these the store refuses.

        The store refuses a whole insert for one row. Halving finds that row in a few inserts, and its neighbours go in.
        """
        try:
            await self._until_possible("insert", lambda: asyncio.to_thread(self._ports.sink.write, rows))
        except StoreRefused:
            if len(accepted) == 1:
                return list(accepted)
            half = len(accepted) // 2
            parts = accepted[:half], accepted[half:]
            return [one for part in parts for one in await self._insert(part, rows_of(part, self._refs))]
        return []

    async def _until_possible(self, step: str, attempt: Callable[[], Awaitable[None]]) -> None:
        """Do *attempt* until it succeeds. An outage is waited out, however long; any other error comes out."""
        retries = stamina.retry_context(
            on=(Unavailable, RegistryUnavailable),
            attempts=None,
            timeout=None,
            wait_initial=FIRST_RETRY_SECONDS,
            wait_max=LAST_RETRY_SECONDS,
        )
        async for retry in retries.with_name(step, (), {}):
            with retry, self._observer.attempting(step):
                await attempt()


def _weight(chunk: Chunk) -> int:
    """How much *chunk* takes of `WAITING_RECORDS`. Keys and headers count, too: a record may be nothing else."""
    size = 0
    for record in chunk.records:
        size += len(record.key or b"") + len(record.value or b"")
        for _, value in record.headers:
            size += len(value or b"")
    return len(chunk.records) + size // 1000
