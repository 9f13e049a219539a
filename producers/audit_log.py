"""The client for code that is not asyncio, such as Django, Flask and Celery: the same verbs and errors."""

import atexit
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from producers.channels.api import ApiEvents
from producers.channels.ui import UiEvents
from producers.channels.verbs import BlockingVerbs, at_once
from producers.errors import DeliveryUnknown, PublisherClosed, Stamp
from producers.in_memory import InMemoryPublisher
from producers.kafka.publisher import KafkaPublisher
from producers.publisher import Acknowledgement, Publisher
from producers.publisher_thread import CLOSED, OpenPublisher, PublisherThread
from producers.settings import DEFAULT_PUBLISH_TIMEOUT_SECONDS, ProducerSettings, load_settings
from schemas.events import Event, Person

T = TypeVar("T")

_log = logging.getLogger(__name__)


class AuditLog:
    """Publishes from any thread; each call returns when the broker has acknowledged, and raises what a publisher does.

    One per process is enough. It starts its thread with the first call, anew in a forked child. `close`, or else the
    end of the process, waits a bounded time for calls that were broken off, such as by SystemExit in a signal handler.
    """

    _lock: threading.RLock
    _thread: "PublisherThread | None"

    def __init__(
        self, settings: ProducerSettings | None = None, *, open_publisher: OpenPublisher | None = None
    ) -> None:
        """By default the settings are the environment's. Raises `InvalidSettings`."""
        self._patience = DEFAULT_PUBLISH_TIMEOUT_SECONDS
        if open_publisher is None:
            kafka = settings or load_settings()
            self._patience = kafka.publish_timeout_seconds
            open_publisher = partial(KafkaPublisher, kafka)
        self._open_publisher = open_publisher
        self._is_closed = False
        self._forget_thread()
        _opened.add(self)

    @classmethod
    def in_memory(cls) -> "InMemoryAuditLog":
        """One without a broker, for tests: its `events` are what was recorded."""
        return InMemoryAuditLog()

    def ui_session(
        self, *, client_space_id: str, admin: Person, service: str, request_id: str | None = None
    ) -> BlockingVerbs:
        """The verbs for what *admin* does in the UI; see `UiEvents`."""
        events = UiEvents(client_space_id=client_space_id, admin=admin, service=service, request_id=request_id)
        return BlockingVerbs(at_once(self.publish), events)

    def api_request(
        self,
        *,
        client_space_id: str,
        token_owner: Person,
        request_id: str,
        service: str,
        idempotency_key: str | None = None,
        first_received_at: datetime | None = None,
    ) -> BlockingVerbs:
        """The verbs for what one API request does; see `ApiEvents`."""
        events = ApiEvents(
            client_space_id=client_space_id,
            token_owner=token_owner,
            request_id=request_id,
            service=service,
            idempotency_key=idempotency_key,
            first_received_at=first_received_at,
        )
        return BlockingVerbs(at_once(self.publish), events)

    def publish(self, event: Event) -> Acknowledgement:
        """See `Publisher.publish`."""
        return self._call(lambda publisher: publisher.publish(event), [event])

    def publish_all(self, events: Iterable[Event]) -> int:
        """See `Publisher.publish_all`: several events of one request as one call, in their order."""
        given = list(events)
        return self._call(lambda publisher: publisher.publish_all(given), given)

    def close(self) -> None:
        """Wait for calls that were broken off, and disconnect. Idempotent.

        Raises `DeliveryUnknown` with the stamps of their events that are not acknowledged.
        """
        _opened.discard(self)
        with self._lock:
            self._is_closed = True
            thread, self._thread = self._thread, None
        if thread is not None and (left := thread.close(self._patience)):
            raise DeliveryUnknown(left)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.close()
        except DeliveryUnknown as unknown:
            if error is None:
                raise
            error.add_note(str(unknown))

    def _call(self, act: Callable[[Publisher], Coroutine[Any, Any, T]], events: Sequence[Event]) -> T:
        # What is no event is refused by the publisher, with a reason.
        stamps = [Stamp(event.event_id, event.occurred_at) for event in events if isinstance(event, Event)]
        with self._lock:
            if self._is_closed:
                raise PublisherClosed(CLOSED)
            if self._thread is None:
                self._thread = PublisherThread(self._open_publisher)
            thread = self._thread
        return thread.call(act, stamps)

    def _forget_thread(self) -> None:
        """Begin without a thread: a fork copies none, and its lock may be copied in the hands of another."""
        # Reentrant, as the other: a signal's handler may close the log in the midst of a call.
        self._lock = threading.RLock()
        self._thread = None


class InMemoryAuditLog(AuditLog):
    """`AuditLog` over an `InMemoryPublisher`, for the tests of an upstream service."""

    def __init__(self) -> None:
        self.publisher = InMemoryPublisher()
        super().__init__(open_publisher=lambda: self.publisher)

    @property
    def events(self) -> list[Event]:
        """What was recorded, oldest first."""
        return self.publisher.events


_opened: set[AuditLog] = set()
_inherited: list[PublisherThread] = []
"""The parent process's. They are kept: to close a connection here would end it there, for both share the selector."""


def _close_all() -> None:
    for log in list(_opened):
        try:
            log.close()
        except DeliveryUnknown as unknown:
            ids = ", ".join(str(stamp.event_id) for stamp in unknown.stamps)
            _log.error("not acknowledged when the process ended, publish again: %s", ids)


def _after_fork() -> None:
    for log in _opened:
        if log._thread is not None:  # noqa: SLF001 - this module's own
            _inherited.append(log._thread)  # noqa: SLF001
        log._forget_thread()  # noqa: SLF001


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
