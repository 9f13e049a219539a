"""The pipeline as a service of the Faust app: built when the worker starts, ended with it."""

import gc
from contextlib import AsyncExitStack

import faust
from mode import Service

from schemas.registry import HttpSchemaRegistry
from stream.erasure.guard import ErasedPersons, GuardedSink
from stream.erasure.persons import ClickHousePersonStore
from stream.erasure.service import ErasureService
from stream.fetch.records import Chunk
from stream.fetch.transport import assigned, commit, current_generation, started_at
from stream.health.observer import Observer
from stream.health.service import Monitor
from stream.pipeline.commits import Offsets
from stream.pipeline.conflicts import ClickHouseKnownEvents
from stream.pipeline.dead_letters import KafkaDeadLetters
from stream.pipeline.history import KafkaHistory
from stream.pipeline.pipeline import Pipeline, Ports
from stream.pipeline.sink import ClickHouseSink
from stream.settings import WorkerSettings

YOUNG_OBJECTS = 200_000


class Intake(Service):
    """Takes chunks from the agent and works them off. If that ends with an error, so does the worker."""

    def __init__(self, app: faust.App, settings: WorkerSettings) -> None:
        self._app = app
        self._settings = settings
        self._pipeline: Pipeline | None = None
        self._resources = AsyncExitStack()
        super().__init__()

    async def put(self, chunk: Chunk) -> None:
        """Hand over *chunk*; returns when there is room for it."""
        if self._pipeline is None:
            raise RuntimeError("a chunk came before the worker had started")
        try:
            await self._pipeline.put(chunk)
        except Exception as error:
            # An agent that fails stops alone, and the worker would live on without it: end the worker from here.
            await self.crash(error)
            raise

    async def on_start(self) -> None:
        """Build the pipeline on its real ports. Nothing connects before it must, so no outage stops a start."""
        settings, app = self._settings, self._app
        observer = Observer(dead_letter_limit=settings.dead_letter_limit)
        await self.add_runtime_dependency(Monitor(app, settings, observer))
        registry = await self._resources.enter_async_context(HttpSchemaRegistry(settings.registry))
        dead_letters = KafkaDeadLetters(settings.kafka_bootstrap_servers)
        self._resources.push_async_callback(dead_letters.close)
        sink = ClickHouseSink(*settings.clickhouse)
        self._resources.callback(sink.close)
        known_events = ClickHouseKnownEvents(*settings.clickhouse)
        self._resources.callback(known_events.close)
        erased = ErasedPersons(ClickHousePersonStore(*settings.clickhouse))
        history = KafkaHistory(settings.kafka_bootstrap_servers, erased)
        self._resources.push_async_callback(history.close)
        offsets = Offsets(
            current_generation=lambda: current_generation(app),
            assigned=lambda: assigned(app),
            started_at=lambda chunk: started_at(app, chunk),
            commit=lambda due: commit(app, due),
        )
        ports = Ports(
            registry=registry,
            known_events=known_events,
            sink=GuardedSink(sink, erased),
            dead_letters=dead_letters,
            history=history,
            offsets=offsets,
        )
        self._pipeline = Pipeline(ports, pseudonymization_key=settings.key, observer=observer)
        # A batch is a quarter of a million tuples that hold no cycles and die together. At the default threshold the
        # collector walks them again and again, for a third of the worker's time.
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)
        await self.add_runtime_dependency(ErasureService(app, settings, erased))

    @Service.task
    async def _work(self) -> None:
        if self._pipeline is not None:
            await self._pipeline.run()

    async def on_shutdown(self) -> None:
        """Let go of every connection. What was not committed is read again by the next worker."""
        await self._resources.aclose()
