"""Around every request: its id, common headers, log line and metrics, and the answer to unknown errors."""

import time
from collections.abc import Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from query_api.http.metrics import Metrics
from query_api.http.problems import INTERNAL, problem_response
from schemas.request_ids import as_request_id

HEADERS: Mapping[str, str] = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""The headers of an answer that does not set its own."""
VARY = ("Authorization", "Accept", "Origin")

_logger = structlog.get_logger(__name__)


class RequestMiddleware:
    """Pure ASGI, and the outermost part of the application."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; anything else (the lifespan) passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = as_request_id(Headers(scope=scope).get("X-Request-ID", ""))
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status: int | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                self._metrics.answered(_route(scope), status, time.perf_counter() - started)
                headers = MutableHeaders(scope=message)
                for name, value in {**HEADERS, **scope["state"].get("headers", {})}.items():
                    headers.setdefault(name, value)
                for name in VARY:
                    headers.add_vary_header(name)
                headers["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 - the last resort: an unknown error is answered, too
            _log_failure(error, request_id)
            if status is not None:
                # Part of the answer is sent. Only a broken connection tells the client that the rest is missing.
                raise RuntimeError("the answer broke off") from None
            await problem_response(INTERNAL, request_id)(scope, receive, send_with_headers)
        finally:
            _log_access(scope, status, time.perf_counter() - started, request_id)


def _log_failure(error: Exception, request_id: str) -> None:
    """Log class and place only: the text of an unknown error may hold personal data."""
    place, step = "", error.__traceback__
    while step is not None:
        place = f"{step.tb_frame.f_globals.get('__name__')}:{step.tb_lineno}"
        step = step.tb_next
    _logger.error("request_failed", request_id=request_id, error=type(error).__name__, place=place)


def _route(scope: Scope) -> str | None:
    """The template of the path, once it is known."""
    return getattr(scope.get("route"), "path", None)


def _log_access(scope: Scope, status: int | None, seconds: float, request_id: str) -> None:
    """Log the route's template. Paths and query strings hold ids."""
    _logger.info(
        "request",
        method=scope["method"],
        route=_route(scope),
        status=status,
        duration_seconds=round(seconds, 6),
        request_id=request_id,
    )
