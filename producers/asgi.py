"""The adapter for ASGI applications (FastAPI, Starlette): the request says who acts where; the handler calls one verb.

It imports no web framework.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from functools import cache
from typing import Any

from producers.channels.verbs import AsyncVerbs, when_awaited
from producers.channels.web import Caller, NoRequest, WebChannel
from producers.publisher import Publisher
from schemas.events import Channel

__all__ = ["AuditMiddleware", "Caller", "NoRequest", "current"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_current: ContextVar[Callable[[], AsyncVerbs]] = ContextVar("user_management_audit_request")


def current() -> AsyncVerbs:
    """The verbs of the request at hand. Raises `NoRequest`."""
    try:
        verbs = _current.get()
    except LookupError:
        raise NoRequest("no request is at hand: add AuditMiddleware to the application") from None
    return verbs()


class AuditMiddleware:
    """Gives each request its verbs: `current()` in a handler.

    *publisher* gives the application's one, once it is entered. *identify* tells from the ASGI scope who sent the
    request; it is asked at the first `current()`, so what authentication wrote into `scope["state"]` is there. The
    request id is the header `X-Request-ID` where that may stand in the log, else a new one.
    """

    def __init__(
        self,
        app: App,
        *,
        publisher: Callable[[], Publisher],
        identify: Callable[[Scope], Caller],
        channel: Channel,
        service: str,
    ) -> None:
        self._app = app
        self._publisher = publisher
        self._identify = identify
        self._channel = WebChannel(channel, service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Made once for the request: `ApiEvents` counts its calls.
        token = _current.set(cache(lambda: self._verbs(scope)))
        try:
            await self._app(scope, receive, send)
        finally:
            _current.reset(token)

    def _verbs(self, scope: Scope) -> AsyncVerbs:
        request_id = next((value for name, value in scope["headers"] if name.lower() == b"x-request-id"), b"")
        events = self._channel.events(self._identify(scope), request_id.decode("latin-1"))
        return AsyncVerbs(when_awaited(self._publisher()), events)
