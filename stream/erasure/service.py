"""The eraser as a service of the Faust app, at regular intervals for as long as the worker lives."""

import faust
import structlog
from mode import Service

from schemas.topics import EVENTS_TOPIC
from stream.erasure.eraser import Eraser
from stream.erasure.guard import ErasedPersons
from stream.erasure.name_topic import KafkaNameTopic
from stream.erasure.persons import ClickHousePersonStore
from stream.errors import Unavailable
from stream.fetch.membership import GroupMembership
from stream.settings import WorkerSettings

log = structlog.get_logger(__name__)


class ErasureService(Service):
    """Runs the eraser every `AUDIT_ERASURE_INTERVAL_SECONDS`, in the one worker that holds the first partition.

    Should two hold it for a moment, both erase; that does no harm. A run that fails is repeated at the next interval:
    the worker does not end for it, as its lines are shown without a name whether or not the name is gone.
    """

    def __init__(self, app: faust.App, settings: WorkerSettings, erased: ErasedPersons) -> None:
        self._app = app
        self._interval_seconds = settings.erasure_interval_seconds
        self._erased = erased
        store = ClickHousePersonStore(*settings.clickhouse)
        self._eraser = Eraser(store, KafkaNameTopic(settings.kafka), erased)
        super().__init__()

    @Service.task
    async def _erase(self) -> None:
        while not self.should_stop:
            await self.sleep(self._interval_seconds)
            if not self.should_stop:
                await self._run()

    async def _run(self) -> None:
        try:
            if (EVENTS_TOPIC, 0) not in GroupMembership(self._app).assigned():
                # What other workers erase must not be stored again by this one either.
                await self.loop.run_in_executor(None, self._erased.refresh)
                return
            done = await self._eraser.run()
        except Unavailable as error:
            log.warning("erasure postponed", error=str(error))
            return
        if done.persons or done.overwritten:
            log.info("names erased", persons=done.persons, overwritten=done.overwritten)
