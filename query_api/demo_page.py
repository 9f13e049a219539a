"""A page of an invented customer that embeds the panel as a customer's page would. Development only.

`/demo` stands for the customer's own web application: it has a strict content security policy, and an endpoint that
hands a signed-in administrator a short token. What a browser reports against the policy is kept, for tests to read.
"""

import json
import time
from collections import deque
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from query_api.access.auth import READ_SCOPE, development_token
from query_api.panel.serve import CachedFiles
from query_api.settings import Settings
from schemas.settings import InvalidSettings

PREFIX = "/demo"
CLIENT_SPACE = "acme"
SUBJECT = "demo-administrator"
TOKEN_SECONDS = 600
MAX_TOKEN_SECONDS = 900
EXPORT_SCOPE = "audit:export"

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

_MAX_REPORTS = 100
_MAX_REPORT_BYTES = 10_000


def mount_demo(app: FastAPI, settings: Settings) -> None:
    """Add the demo page to *app*. Raises `InvalidSettings` in production: its tokens open every client space."""
    if settings.environment == "production":
        raise InvalidSettings("AUDIT_ENVIRONMENT: the demo page is refused in production")
    directory = _demo_directory()
    page = (directory / "demo.html").read_text(encoding="utf-8")
    reports: deque[Any] = deque(maxlen=_MAX_REPORTS)

    @app.get(PREFIX, include_in_schema=False)
    async def demo_page() -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})

    @app.post(f"{PREFIX}/session/audit-token", include_in_schema=False)
    async def audit_token(
        client_space: Annotated[str, Query(min_length=1, max_length=128)] = CLIENT_SPACE,
        subject: Annotated[str, Query(min_length=1, max_length=128)] = SUBJECT,
        scope: Annotated[str, Query(max_length=128)] = f"{READ_SCOPE} {EXPORT_SCOPE}",
        expires_in_seconds: Annotated[int, Query(ge=1, le=MAX_TOKEN_SECONDS)] = TOKEN_SECONDS,
    ) -> Response:
        """What a customer's server does for the administrator of its session; this one trusts whoever asks."""
        token = development_token(
            settings,
            client_space_id=client_space,
            subject=subject,
            scope=scope,
            now=int(time.time()),
            expires_in_seconds=expires_in_seconds,
        )
        return PlainTextResponse(token, headers={"Cache-Control": "no-store"})

    @app.post(f"{PREFIX}/csp-reports", include_in_schema=False)
    async def report(request: Request) -> Response:
        body = await request.body()
        if len(body) <= _MAX_REPORT_BYTES:
            reports.append(_readable(body))
        return Response(status_code=204)

    @app.get(f"{PREFIX}/csp-reports", include_in_schema=False)
    async def reported() -> Response:
        return JSONResponse(list(reports))

    app.mount(f"{PREFIX}/assets", CachedFiles(directory, "no-cache"), name="demo")


def _readable(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return {"unreadable": True}


def _demo_directory() -> Path:
    return Path(__file__).with_name("templates") / "demo"
