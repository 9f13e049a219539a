"""Holds Faust's start back until Kafka answers and has the events topic."""

import time
from collections.abc import Callable
from typing import Protocol

import structlog
from mode import Service

from stream.errors import AccessRefused, Fatal, Unavailable

log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS = 0.2
LAST_PAUSE_SECONDS = 2.0
TELL_SECONDS = 60.0


class KafkaProbe(Protocol):
    """Asks Kafka something; `stream.health.probes.GroupProbe` does."""

    async def require_topic(self) -> None:
        """Ask in a bounded time. Raises `Unavailable` without an answer or a topic, `Fatal` where it must not be read.

        Raises `AccessRefused` where Kafka answers, and no wait helps.
        """

    async def close(self) -> None:
        """Let go of every connection."""


class KafkaAwaited(Service):
    """Starts when Kafka answers and has the topic, however long that takes, or when the worker is told to stop.

    Ends the worker for `Fatal` and for `AccessRefused`: to wait for what a person must mend would be a silent outage.

    Faust's producer and consumer try to connect once, and end the worker where that fails. A service starts its
    dependencies one after the other, so those that were added after this one wait with it.
    """

    def __init__(self, kafka: KafkaProbe, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._kafka = kafka
        self._clock = clock
        super().__init__()

    async def on_start(self) -> None:
        """Ask until there is an answer. A line tells when the waiting begins and ends, and one a minute between."""
        began = told = self._clock()
        pause, waited_for = FIRST_PAUSE_SECONDS, None
        while reason := await self._reason_to_wait():
            now = self._clock()
            if reason != waited_for or now - told >= TELL_SECONDS:
                log.warning("waiting before the start", reason=reason, seconds=round(now - began))
                told, waited_for = now, reason
            await self.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE_SECONDS)
        if waited_for and not self.should_stop:
            log.info("Kafka answers, and has the events topic", seconds=round(self._clock() - began))
        await self._kafka.close()

    async def _reason_to_wait(self) -> str | None:
        """What is missing; `None` where nothing is, or where the worker was told to stop."""
        if self.should_stop:
            return None
        try:
            await self.wait(self._kafka.require_topic())
        except AccessRefused as error:
            log.error("Kafka refuses the worker", reason=str(error))  # noqa: TRY400 - the reason is all there is to say
            raise
        except Unavailable as error:
            return None if self.should_stop else str(error)
        except Fatal:
            raise
        except Exception:
            # Kafka is there, and something else is wrong: Faust's own clients will tell.
            log.exception("the probe of Kafka failed")
        return None
