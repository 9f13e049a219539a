"""The adapter for ASGI applications (FastAPI, Starlette): the request says who acts where; the handler calls one verb.

It imports no web framework.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from producers.channels.api import ApiRequest
from producers.channels.ui import UiSession
from producers.channels.verbs import Verbs
from producers.prepared import is_request_id
from producers.publisher import Publisher
from schemas.events import Channel, Person

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, as the application has verified it. For the last two see `ApiEvents`."""

    client_space_id: str
    admin: Person
    idempotency_key: str | None = field(default=None, repr=False)
    first_received_at: datetime | None = None


class NoRequest(RuntimeError):
    """`current` was called outside a request that went through `AuditMiddleware`: a bug of the caller."""


_current: ContextVar[Callable[[], Verbs]] = ContextVar("user_management_audit_request")


def current() -> Verbs:
    """The verbs of the request at hand. Raises `NoRequest`."""
    try:
        verbs = _current.get()
    except LookupError:
        raise NoRequest("no request of AuditMiddleware is at hand") from None
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
        if channel not in {Channel.UI, Channel.API}:
            raise ValueError("channel is ui or api: a file import has an adapter of its own")
        self._app = app
        self._publisher = publisher
        self._identify = identify
        self._channel = channel
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        made: list[Verbs] = []

        def verbs() -> Verbs:
            if not made:  # one for the request: an `ApiRequest` counts its calls
                made.append(self._verbs(scope))
            return made[0]

        token = _current.set(verbs)
        try:
            await self._app(scope, receive, send)
        finally:
            _current.reset(token)

    def _verbs(self, scope: Scope) -> Verbs:
        caller, request_id = self._identify(scope), _request_id(scope["headers"])
        if self._channel is Channel.UI:
            return UiSession(
                self._publisher(),
                client_space_id=caller.client_space_id,
                admin=caller.admin,
                service=self._service,
                request_id=request_id,
            )
        return ApiRequest(
            self._publisher(),
            client_space_id=caller.client_space_id,
            token_owner=caller.admin,
            request_id=request_id,
            service=self._service,
            idempotency_key=caller.idempotency_key,
            first_received_at=caller.first_received_at,
        )


def as_request_id(given: str) -> str:
    """*given* where it may stand in the log as a request id, else a new one."""
    return given if is_request_id(given) else str(uuid4())


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    return as_request_id(
        next((value for name, value in headers if name.lower() == b"x-request-id"), b"").decode("latin-1")
    )
