"""The adapter for Django: the request says who acts where; a view calls one verb, or writes into the outbox.

It imports no Django.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from typing import Any

from producers.audit_log import AuditLog
from producers.channels.verbs import BlockingVerbs, at_once
from producers.channels.web import Caller, NoRequest, WebChannel
from schemas.events import Channel

__all__ = ["Caller", "NoRequest", "audit_middleware", "current"]

GetResponse = Callable[[Any], Any]
_current: ContextVar[Callable[[], BlockingVerbs]] = ContextVar("user_management_audit_django_request")


def current() -> BlockingVerbs:
    """The verbs of the request at hand; `current().events` has them as events. Raises `NoRequest`."""
    try:
        verbs = _current.get()
    except LookupError:
        raise NoRequest("no request is at hand: name audit_middleware's result in MIDDLEWARE") from None
    return verbs()


def audit_middleware(
    *, log: AuditLog, identify: Callable[[Any], Caller], channel: Channel, service: str
) -> Callable[[GetResponse], GetResponse]:
    """A middleware: name the variable that holds it in `MIDDLEWARE`, after those that authenticate.

    *identify* tells from the request who sent it; it is asked at the first `current()`. The request id is the header
    `X-Request-ID` where that may stand in the log, else a new one.
    """
    web = WebChannel(channel, service)

    def verbs_of(request: Any) -> BlockingVerbs:  # noqa: ANN401 - Django's request
        return BlockingVerbs(
            at_once(log.publish), web.events(identify(request), request.headers.get("X-Request-ID", ""))
        )

    def middleware(get_response: GetResponse) -> GetResponse:
        def serve(request: Any) -> Any:  # noqa: ANN401 - Django's request and response
            # Made once for the request: `ApiEvents` counts its calls.
            token = _current.set(cache(lambda: verbs_of(request)))
            try:
                return get_response(request)
            finally:
                _current.reset(token)

        return serve

    return middleware
