"""The application. `uvicorn query_api.app:app` builds it from the environment; tests call `create_app`."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import Lifespan

from query_api.access.auth import Authenticator
from query_api.access.rate_limit import RateLimiter
from query_api.clickhouse.access_log import ClickHouseAccessLog
from query_api.clickhouse.connection import ClickHouseConnection
from query_api.clickhouse.reader import ClickHouseLogReader
from query_api.http import routes, routes_health, routes_imports, routes_persons
from query_api.http.cors import ProblemCORSMiddleware
from query_api.http.dependencies import Service
from query_api.http.export import Exporter
from query_api.http.metrics import Metrics
from query_api.http.middleware import RequestMiddleware
from query_api.http.openapi import install_openapi
from query_api.http.problems import install_problem_handlers
from query_api.log.access_log import AccessLog, AccessRecorder
from query_api.log.activity_log import ActivityLog, Clock
from query_api.log.cursor import CursorSealer
from query_api.log.imports import Imports
from query_api.log.mentions import Directory
from query_api.log.reader import LogReader
from query_api.log.readiness import Readiness
from query_api.log.statistics import Statistics
from query_api.panel.serve import mount_panel
from query_api.settings import Settings, load_settings
from schemas.issuer_keys import IssuerKeys
from schemas.metrics_server import metrics_served

_logger = structlog.get_logger(__name__)

EXPOSED_HEADERS = (
    "Content-Disposition",
    "ETag",
    "Link",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
)
"""What a page of another origin may read beside the body."""

_PARTS = (routes, routes_imports, routes_persons, routes_health)

API_VERSION = "1.0.0"
"""The contract's: it changes with `query_api/http/openapi.json`."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    reader: LogReader | None = None,
    clock: Clock = _utc_now,
    access_log: AccessLog | None = None,
) -> FastAPI:
    """The application over *reader* and *access_log*, by default ClickHouse. It starts whether or not that is up."""
    connection = ClickHouseConnection(settings)
    service = _service(
        settings, reader or ClickHouseLogReader(connection), access_log or ClickHouseAccessLog(connection), clock
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with metrics_served(metrics.registry, settings.metrics_host, settings.metrics_port):
            yield
        await service.authenticator.close()
        await service.recorder.close()
        await service.reader.close()
        await connection.close()

    app = _application(lifespan)
    app.state.service = service
    mount_panel(app, settings)
    if settings.cors_origins:
        app.add_middleware(
            ProblemCORSMiddleware,
            allow_origins=settings.cors_origins.split(),
            allow_methods=["GET"],
            allow_headers=["Authorization", "If-None-Match", "X-Request-ID"],
            expose_headers=EXPOSED_HEADERS,
        )
    metrics = Metrics(route.path for part in _PARTS for route in part.router.routes if isinstance(route, APIRoute))
    metrics.read_at_scrapes(store_requests=lambda: connection.under_way, views_waiting=lambda: service.recorder.waiting)
    app.add_middleware(RequestMiddleware, metrics=metrics)
    install_problem_handlers(app)
    return app


def describe() -> dict[str, Any]:
    """The OpenAPI document, as every application serves it and as `query_api/http/openapi.json` holds it."""
    return _application(None).openapi()


def _application(lifespan: Lifespan[FastAPI] | None) -> FastAPI:
    """The paths and their documentation, and nothing behind them."""
    app = FastAPI(
        title="User-management audit log",
        description="Who did what, to whom, when and how, in the client space of the token.",
        version=API_VERSION,
        lifespan=lifespan,
        # The interactive pages load scripts from another host.
        docs_url=None,
        redoc_url=None,
        # A redirect would repeat the query string in a header, and `/v1/activities/` is no path.
        redirect_slashes=False,
    )
    for part in _PARTS:
        app.include_router(part.router)
    install_openapi(app)
    return app


def _service(settings: Settings, reader: LogReader, access_log: AccessLog, clock: Clock) -> Service:
    key = settings.pseudonymization_key.get_secret_value()
    sealer = CursorSealer(settings.cursor_key.get_secret_value())
    log = ActivityLog(reader, sealer, key, clock)
    url = settings.token_discovery_url
    return Service(
        log=log,
        statistics=Statistics(log, reader),
        directory=Directory(log, reader),
        imports=Imports(log, reader, sealer),
        exporter=Exporter(log, reader),
        reader=reader,
        authenticator=Authenticator(
            settings, None if url is None else IssuerKeys(url, settings.token_issuer, warn=_logger.warning)
        ),
        limiter=RateLimiter(settings.requests_per_minute()),
        recorder=AccessRecorder(access_log),
        readiness=Readiness(reader),
        pseudonymization_key=key,
    )


def create_app_from_environment() -> FastAPI:
    """The application as it is deployed. Raises `InvalidSettings` where the environment does not allow it."""
    settings = load_settings()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    # uvicorn's own access log prints query strings, which hold ids; `query_api.http.middleware` writes one without.
    logging.getLogger("uvicorn.access").disabled = True
    return create_app(settings)


def __getattr__(name: str) -> FastAPI:
    """Build `app` when it is asked for, so that importing this module needs no environment."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    app = globals()["app"] = create_app_from_environment()
    return app
