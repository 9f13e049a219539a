"""The worker as a service of the Faust app: the one place where the pipeline and its ports are put together."""

import asyncio
import gc
import sys
from contextlib import AsyncExitStack
from functools import partial

import faust
from mode import Service

from schemas.registry import HttpSchemaRegistry
from stream.erasure.guard import ErasedPersons, GuardedHistory, GuardedSink
from stream.erasure.persons import ClickHousePersonStore
from stream.erasure.service import ErasureService
from stream.fetch.membership import GroupMembership
from stream.fetch.records import Chunk
from stream.health.observer import Observer
from stream.health.service import Monitor
from stream.pipeline.commits import Commits
from stream.pipeline.dead_letters import KafkaDeadLetters
from stream.pipeline.history import KafkaHistory
from stream.pipeline.known_events import ClickHouseKnownEvents
from stream.pipeline.pipeline import Pipeline, Ports
from stream.pipeline.sink import ClickHouseSink
from stream.pipeline.topic_epochs import ClickHouseTopicEpochs
from stream.settings import WorkerSettings

YOUNG_OBJECTS = 200_000

SWITCH_SECONDS = 0.0005
"""How long a thread that was answered waits, at most, for one that computes; Python's default is ten times as long."""


class Worker(Service):
    """Runs the pipeline. An error that ends the pipeline ends the process."""

    def __init__(self, app: faust.App, settings: WorkerSettings) -> None:
        self._app = app
        self._settings = settings
        self._pipeline: Pipeline | None = None
        self._working: asyncio.Task[None] | None = None
        self._resources = AsyncExitStack()
        super().__init__()

    async def put(self, chunk: Chunk) -> None:
        """Hand *chunk* to the pipeline; returns when there is room for it."""
        if self._pipeline is None:
            raise RuntimeError("a chunk came before the worker had started")
        try:
            await self._pipeline.put(chunk)
        except Exception as error:
            # An agent that fails stops alone, and the worker would live on without it: end the worker from here.
            await self.crash(error)
            raise

    async def on_start(self) -> None:
        """Put the pipeline together. No port connects before its first use, so no outage stops a start."""
        settings, app = self._settings, self._app
        observer = Observer()
        await self.add_runtime_dependency(Monitor(app, settings, observer))
        in_doubt = partial(observer.metrics.count, "audit_worker_doubtful_lives_total")
        erased = ErasedPersons(ClickHousePersonStore(*settings.clickhouse), in_doubt=in_doubt)
        ports = await self._ports(erased)
        self._pipeline = Pipeline(ports, pseudonymization_key=settings.key, observer=observer)
        # A batch is a quarter of a million tuples that hold no cycles and die together. At the default threshold the
        # collector walks them again and again, for a third of the worker's time.
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)
        # While one batch is stored another is decoded, and the thread that stores waits for its turn after each piece
        # that it sends and receives: dozens of times a batch, in which ClickHouse would have nothing to do.
        sys.setswitchinterval(SWITCH_SECONDS)
        await self.add_runtime_dependency(ErasureService(app, settings, erased, observer.metrics))
        app.on_before_shutdown.connect(self._end_work)

    async def _ports(self, erased: ErasedPersons) -> Ports:
        settings, resources = self._settings, self._resources
        registry = await resources.enter_async_context(HttpSchemaRegistry(settings.registry))
        known_events = ClickHouseKnownEvents(*settings.clickhouse)
        resources.callback(known_events.close)
        dead_letters = KafkaDeadLetters(settings.kafka)
        resources.push_async_callback(dead_letters.close)
        sink = ClickHouseSink(*settings.clickhouse)
        resources.callback(sink.close)
        history = KafkaHistory(settings.kafka, erased)
        resources.push_async_callback(history.close)
        return Ports(
            registry=registry,
            topic_epochs=ClickHouseTopicEpochs(*settings.clickhouse),
            known_events=known_events,
            dead_letters=dead_letters,
            sink=GuardedSink(sink, erased),
            history=GuardedHistory(history, erased),
            commits=Commits(GroupMembership(self._app)),
            off_boarded=erased.off_boarded_now,
        )

    @Service.task
    async def _work(self) -> None:
        if self._pipeline is not None:
            self._working = asyncio.create_task(self._pipeline.run())
            await self._working

    async def _end_work(self, *_: object, **__: object) -> None:
        """End the pipeline while Faust's consumer is still there: a commit without it would look like a crash."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working])

    async def on_shutdown(self) -> None:
        """Close every connection. The next worker reads again what was not committed."""
        await self._resources.aclose()
