"""The adapter for Django: the request says who acts where; a view calls one verb, or writes into the outbox.

It imports no Django.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

from producers.asgi import Caller, NoRequest, as_request_id
from producers.audit_log import AuditLog, BlockingVerbs
from schemas.events import Channel


class Request(Protocol):
    """What is used of `django.http.HttpRequest`."""

    @property
    def headers(self) -> Any: ...  # noqa: ANN401 - a mapping without regard to case


__all__ = ["Caller", "NoRequest", "audit_middleware", "current"]

GetResponse = Callable[[Any], Any]
_current: ContextVar[Callable[[], BlockingVerbs]] = ContextVar("user_management_audit_django_request")


def current() -> BlockingVerbs:
    """The verbs of the request at hand; `current().events` has them as events. Raises `NoRequest`."""
    try:
        verbs = _current.get()
    except LookupError:
        raise NoRequest("no request of audit_middleware is at hand") from None
    return verbs()


def audit_middleware(
    *, log: AuditLog, identify: Callable[[Any], Caller], channel: Channel, service: str
) -> Callable[[GetResponse], GetResponse]:
    """A middleware: name the variable that holds it in `MIDDLEWARE`, after those that authenticate.

    *identify* tells from the request who sent it; it is asked at the first `current()`. The request id is the header
    `X-Request-ID` where that may stand in the log, else a new one.
    """
    if channel not in {Channel.UI, Channel.API}:
        raise ValueError("channel is ui or api: a file import has an adapter of its own")

    def verbs_of(request: Request) -> BlockingVerbs:
        caller, request_id = identify(request), as_request_id(request.headers.get("X-Request-ID", ""))
        if channel is Channel.UI:
            return log.ui_session(
                client_space_id=caller.client_space_id, admin=caller.admin, service=service, request_id=request_id
            )
        return log.api_request(
            client_space_id=caller.client_space_id,
            token_owner=caller.admin,
            request_id=request_id,
            service=service,
            idempotency_key=caller.idempotency_key,
            first_received_at=caller.first_received_at,
        )

    def middleware(get_response: GetResponse) -> GetResponse:
        def serve(request: Request) -> Any:  # noqa: ANN401 - Django's response
            made: list[BlockingVerbs] = []

            def verbs() -> BlockingVerbs:
                if not made:  # one for the request: `ApiEvents` counts its calls
                    made.append(verbs_of(request))
                return made[0]

            token = _current.set(verbs)
            try:
                return get_response(request)
            finally:
                _current.reset(token)

        return serve

    return middleware
