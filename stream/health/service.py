"""The worker's monitor as a service of the Faust app: probes, health pages, watchdog."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import faust
import structlog
from mode import Service

from schemas.topics import EVENTS_TOPIC
from stream.errors import Fatal, Unavailable
from stream.fetch.membership import GroupMembership
from stream.health.group import GroupState, GroupWatch, Member
from stream.health.observer import Observer
from stream.health.pages import pages, serve
from stream.health.probes import GroupProbe, HttpProbe
from stream.health.watchdog import Limits, Verdict, Watchdog, verdict
from stream.settings import WorkerSettings

log = structlog.get_logger(__name__)

PROBE_INTERVAL_SECONDS = 5.0
_BEAT_SECONDS = 0.5


class Monitor(Service):
    """Watches the worker from beside the pipeline. An outage stops neither its start nor its work."""

    def __init__(self, app: faust.App, settings: WorkerSettings, observer: Observer) -> None:
        self._app = app
        self._settings = settings
        self._observer = observer
        self._limits = Limits(settings.watchdog_seconds)
        self._resources = AsyncExitStack()
        self._membership = GroupMembership(app)
        self._group_watch = GroupWatch()
        self._checks: dict[str, Callable[[], Awaitable[None]]] = {}
        super().__init__()

    def look(self) -> Verdict:
        """What state the worker is in now. Any thread may ask."""
        return verdict(self._observer.progress, self._limits)

    async def on_start(self) -> None:
        """Open the pages, and begin to watch. Raises `OSError` where their port is taken."""
        settings = self._settings
        if settings.http_port is not None:
            runner = await serve(pages(self._observer, self.look), settings.http_host, settings.http_port)
            self._resources.push_async_callback(runner.cleanup)
        group = GroupProbe(settings.kafka, settings.consumer_group)
        self._resources.push_async_callback(group.close)
        clickhouse = await self._resources.enter_async_context(HttpProbe(settings.clickhouse[0], "/ping"))
        registry = await self._resources.enter_async_context(HttpProbe(settings.registry, "/schemas/types"))

        async def kafka() -> None:
            await self._note(await group.look(), group)

        self._checks = {"kafka": kafka, "clickhouse": clickhouse.check, "schema_registry": registry.check}
        Watchdog(self.look, lambda: self._app.should_stop).start()

    async def on_shutdown(self) -> None:
        """Close pages and probes. The watchdog goes on: it sees to it that the process ends."""
        await self._resources.aclose()

    @Service.task
    async def _beat(self) -> None:
        while not self.should_stop:
            self._observer.progress.looped()
            await self.sleep(_BEAT_SECONDS)

    @Service.task
    async def _probe(self) -> None:
        while not self.should_stop:
            await asyncio.gather(*(self._check(name, check) for name, check in self._checks.items()))
            self._observer.progress.probed()
            await self.sleep(PROBE_INTERVAL_SECONDS)

    async def _check(self, name: str, check: Callable[[], Awaitable[None]]) -> None:
        try:
            await check()
        except Unavailable:
            up = False
        except Fatal as error:
            await self.crash(error)
            raise
        except Exception:
            # Not an answer, and no reason to end: a probe must not be what stops the worker.
            self.log.exception("the probe of %s failed", name)
            up = False
        else:
            up = True
        self._observer.progress.answered(name, up=up)
        self._observer.metrics.set("audit_worker_dependency_up", float(up), name)

    async def _note(self, state: GroupState, group: GroupProbe) -> None:
        member = Member(
            frozenset(number for topic, number in self._membership.assigned() if topic == EVENTS_TOPIC),
            self._membership.topic_id(EVENTS_TOPIC),
            self._membership.member_id(),
            self._settings.instance,
        )
        findings = self._group_watch.look(state, member, now=time.monotonic())
        own = {number: records for number, records in state.lag.items() if number in member.partitions}
        progress = self._observer.progress
        self._observer.metrics.lag(own)
        # Without a partition it may be a spare, or it may have left the group without noticing: then all stands still.
        progress.stands_at(
            lag=sum((own or state.lag).values()),
            assigned_partitions=len(member.partitions),
            others_moved=findings.moved,
        )
        progress.found("the events topic does not exist", is_so=not state.lag)
        progress.found("another worker runs under this instance name", is_so=findings.is_replaced)
        if findings.is_replaced:
            log.error("another worker runs under this instance name", instance=member.instance)
        if findings.rejoin is not None:
            log.warning("asking for partitions anew", reason=findings.rejoin)
            await group.require_usable_topic()
            await self._membership.rejoin()
