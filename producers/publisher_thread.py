"""The thread behind the blocking client: an event loop, and the publisher that lives in it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, TypeVar

from producers.errors import DeliveryUnknown, PublisherClosed, Stamp
from producers.publisher import Publisher

T = TypeVar("T")
OpenPublisher = Callable[[], AbstractAsyncContextManager[Publisher]]

CLOSED = "the audit log is closed"

_DISCONNECTING_SECONDS = 5.0


class PublisherThread:
    """A thread that runs an event loop, and the publisher that lives in it."""

    def __init__(self, open_publisher: OpenPublisher) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon: the interpreter waits for any other thread before it lets `_close_all` end this one.
        self._thread = threading.Thread(target=self._loop.run_forever, name="audit-log", daemon=True)
        self._thread.start()
        self._gate = threading.RLock()
        self._is_closing = False
        self._unheard: dict[object, Sequence[Stamp]] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._context = open_publisher()
        self._publisher = asyncio.run_coroutine_threadsafe(self._context.__aenter__(), self._loop).result()

    def call(self, act: Callable[[Publisher], Coroutine[Any, Any, T]], stamps: Sequence[Stamp]) -> T:
        """What *act* returns or raises. Its *stamps* are unheard of until the caller has either, or it has returned."""
        key = object()
        # First: a signal's handler may raise anywhere below, and then nobody waits for the answer.
        self._unheard[key] = stamps
        with self._gate:
            if self._is_closing:
                # Of a loop that has stopped no answer would ever come.
                del self._unheard[key]
                raise PublisherClosed(CLOSED)
            call = asyncio.run_coroutine_threadsafe(self._run(act, key), self._loop)
        try:
            return call.result()
        except CancelledError:
            self._unheard.pop(key, None)
            raise DeliveryUnknown(stamps) from None
        except Exception:
            self._unheard.pop(key, None)
            raise

    async def _run(self, act: Callable[[Publisher], Coroutine[Any, Any, T]], key: object) -> T:
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        result = await act(self._publisher)
        self._unheard.pop(key, None)
        return result

    def close(self, patience_seconds: float) -> list[Stamp]:
        """Wait for the calls that run, end them, the publisher and the thread; the stamps nobody has heard of.

        Takes *patience_seconds* where Kafka does not answer, and a few seconds to disconnect.
        """
        with self._gate:
            self._is_closing = True
        try:
            asyncio.run_coroutine_threadsafe(self._leave(patience_seconds), self._loop).result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        return [stamp for stamps in self._unheard.values() for stamp in stamps]

    async def _leave(self, patience_seconds: float) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=patience_seconds)
        left = list(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        # It names what it holds unacknowledged. So do we, who know of calls that it has not begun.
        with suppress(DeliveryUnknown, TimeoutError):
            async with asyncio.timeout(_DISCONNECTING_SECONDS):
                await self._context.__aexit__(None, None, None)
