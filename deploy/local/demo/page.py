"""A page of an invented customer that embeds the panel, as a customer's own page would.

`/demo` stands for the customer's web application. It has a strict content security policy, and an endpoint that gives
a signed-in administrator a short token. The violations that browsers report are kept for tests to read.
"""

import json
import time
from collections import deque
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from query_api.access.auth import EXPORT_SCOPE, READ_SCOPE, development_token
from query_api.settings import Settings
from schemas.settings import InvalidSettings

PREFIX = "/demo"
HOSTS = ("127.0.0.1", "localhost")
"""The names of this machine. A page of another host name that leads here gets no token (DNS rebinding)."""

CLIENT_SPACE = "acme"
SUBJECT = "demo-administrator"
TOKEN_SECONDS = 600
MAX_TOKEN_SECONDS = 900

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types lit-html",
        f"report-uri {PREFIX}/csp-reports",
    )
)

_FILES = Path(__file__).with_name("site")
_MAX_REPORTS = 100
_MAX_REPORT_BYTES = 10_000


class UncachedFiles(StaticFiles):
    """A folder that browsers ask for again each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, or the problem document for none."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def mount_demo(app: FastAPI, settings: Settings) -> FastAPI:
    """Add the demo page to *app*, which then answers to this machine's names only.

    Raises `InvalidSettings` in production: the demo's tokens open every client space.
    """
    if settings.environment == "production":
        raise InvalidSettings("AUDIT_ENVIRONMENT: the demo page is refused in production")
    page = (_FILES / "demo.html").read_text(encoding="utf-8")

    @app.get(PREFIX, include_in_schema=False)
    async def demo_page() -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})

    _add_tokens(app, settings)
    _add_reports(app)
    app.mount(f"{PREFIX}/assets", UncachedFiles(directory=_FILES), name="demo")
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)
    return app


def _add_tokens(app: FastAPI, settings: Settings) -> None:
    @app.post(f"{PREFIX}/session/audit-token", include_in_schema=False)
    async def audit_token(
        client_space: Annotated[str, Query(min_length=1, max_length=128)] = CLIENT_SPACE,
        subject: Annotated[str, Query(min_length=1, max_length=128)] = SUBJECT,
        scope: Annotated[str, Query(max_length=128)] = f"{READ_SCOPE} {EXPORT_SCOPE}",
        expires_in_seconds: Annotated[int, Query(ge=1, le=MAX_TOKEN_SECONDS)] = TOKEN_SECONDS,
    ) -> Response:
        """A customer's server does this for the administrator of its session; the demo trusts whoever asks."""
        token = development_token(
            settings,
            client_space_id=client_space,
            subject=subject,
            scope=scope,
            now=int(time.time()),
            expires_in_seconds=expires_in_seconds,
        )
        return PlainTextResponse(token, headers={"Cache-Control": "no-store"})


def _add_reports(app: FastAPI) -> None:
    reports: deque[Any] = deque(maxlen=_MAX_REPORTS)

    @app.post(f"{PREFIX}/csp-reports", include_in_schema=False)
    async def report(request: Request) -> Response:
        body = await request.body()
        if len(body) <= _MAX_REPORT_BYTES:
            reports.append(_readable(body))
        return Response(status_code=204)

    @app.get(f"{PREFIX}/csp-reports", include_in_schema=False)
    async def reported() -> Response:
        return JSONResponse(list(reports))


def _readable(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return {"unreadable": True}
