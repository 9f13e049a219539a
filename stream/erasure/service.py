"""The eraser as a service of the Faust app, at regular intervals for as long as the worker lives."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import faust
import structlog
from mode import Service

from schemas.topics import EVENTS_TOPIC
from stream.erasure.eraser import SWEEP_INTERVAL, Eraser
from stream.erasure.guard import ErasedPersons
from stream.erasure.name_topic import KafkaNameTopic
from stream.erasure.persons import ClickHousePersonStore
from stream.errors import Unavailable
from stream.fetch.membership import GroupMembership
from stream.health.metrics import ERASURE_STORES, Metrics
from stream.settings import WorkerSettings

log = structlog.get_logger(__name__)

CLICKHOUSE, TOPIC = ERASURE_STORES

INTERVAL_SECONDS = 60.0
"""How often names are removed from ClickHouse. The bounds of an erasure count on it."""

LEARN_SECONDS = 40.0
"""Between two looks at who was erased: with a slow answer, too, sooner than a write would have to look."""


async def learn_ahead(erased: ErasedPersons, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Refresh *erased* for ever, so that no write waits for it. Where that fails, the next write refreshes."""
    while True:
        await sleep(LEARN_SECONDS)
        with suppress(Unavailable):
            await asyncio.to_thread(erased.refresh)


class LastSuccess:
    """When each store was last erased from by this worker, which erases only while it is on duty."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._succeeded_at: dict[str, float] = {}

    def on_duty(self, store: str, *, is_on_duty: bool) -> None:
        """Note whether this worker is to erase from *store*: it counts from the beginning of its duty."""
        if is_on_duty:
            self._succeeded_at.setdefault(store, self._clock())
        else:
            self._succeeded_at.pop(store, None)

    def succeeded(self, store: str) -> None:
        """Note a success."""
        self._succeeded_at[store] = self._clock()

    def seconds(self, store: str) -> float:
        """Time since the last success, or since the duty began; 0 while another worker is on duty."""
        return self._clock() - self._succeeded_at[store] if store in self._succeeded_at else 0.0


class ErasureService(Service):
    """Erases in the one worker that holds the first partition: names in ClickHouse every interval, the topic hourly.

    Every worker, on duty or not, learns ahead of its writes whom others have erased.

    The two stores have a task each: one that hangs does not stop the other. Should two workers hold the partition for a
    moment, both erase; that does no harm. What fails is repeated at the next interval, and told by metrics. The worker
    does not end for it: a deleted person's lines show no name, whether or not the name is gone.
    """

    def __init__(self, app: faust.App, settings: WorkerSettings, erased: ErasedPersons, metrics: Metrics) -> None:
        self._app = app
        self._erased = erased
        self._eraser = Eraser(
            ClickHousePersonStore(*settings.clickhouse),
            KafkaNameTopic(settings.kafka),
            erased,
            due_persons=partial(metrics.set, "audit_worker_erasure_due_persons"),
        )
        self._last_success = LastSuccess()
        self._swept_at: float | None = None
        for store in ERASURE_STORES:
            seconds = partial(self._last_success.seconds, store)
            metrics.set("audit_worker_erasure_last_success_seconds", seconds, store)
        super().__init__()

    @Service.task
    async def _erase_clickhouse(self) -> None:
        while not self.should_stop:
            await self.sleep(INTERVAL_SECONDS)
            if not self.should_stop and self._is_on_duty(CLICKHOUSE):
                await self._attempt(CLICKHOUSE, self._remove)

    @Service.task
    async def _sweep_topic(self) -> None:
        while not self.should_stop:
            await self.sleep(INTERVAL_SECONDS)
            if not self.should_stop and self._is_on_duty(TOPIC) and self._is_sweep_due():
                await self._attempt(TOPIC, self._sweep)

    @Service.task
    async def _learn(self) -> None:
        await learn_ahead(self._erased)

    def _is_on_duty(self, store: str) -> bool:
        is_on_duty = (EVENTS_TOPIC, 0) in GroupMembership(self._app).assigned()
        self._last_success.on_duty(store, is_on_duty=is_on_duty)
        return is_on_duty

    def _is_sweep_due(self) -> bool:
        return self._swept_at is None or time.monotonic() - self._swept_at >= SWEEP_INTERVAL.total_seconds()

    async def _attempt(self, store: str, erase: Callable[[], Awaitable[None]]) -> None:
        try:
            await erase()
        except Unavailable as error:
            log.warning("erasure postponed", store=store, error=str(error))
        except Exception as error:  # noqa: BLE001 - a task that ends would take the worker with it, or stop for good
            log.error("erasure failed", store=store, error=type(error).__name__)  # noqa: TRY400 - its text may quote a name

    async def _remove(self) -> None:
        persons = await self._eraser.remove()
        self._last_success.succeeded(CLICKHOUSE)
        if persons:
            log.info("names erased", store=CLICKHOUSE, persons=persons)

    async def _sweep(self) -> None:
        swept = await self._eraser.sweep()
        self._swept_at = time.monotonic()
        self._last_success.succeeded(TOPIC)
        if swept.overwritten:
            log.info("names erased", store=TOPIC, overwritten=swept.overwritten)
