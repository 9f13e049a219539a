"""The application. `uvicorn query_api.app:app` builds it from the environment; tests call `create_app`."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import structlog
from fastapi import FastAPI

from query_api.auth import Authenticator
from query_api.clickhouse_connection import ClickHouseConnection
from query_api.clickhouse_reader import ClickHouseLogReader
from query_api.cursor import CursorSealer
from query_api.log import ActivityLog, Clock
from query_api.middleware import RequestMiddleware
from query_api.openapi import install_openapi
from query_api.problems import install_problem_handlers
from query_api.reader import LogReader
from query_api.routes import Service, router
from query_api.settings import Settings, load_settings

_DISTRIBUTION = "user-management-audit-log"


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(settings: Settings, reader: LogReader | None = None, clock: Clock = _utc_now) -> FastAPI:
    """The application over *reader*, by default ClickHouse. It starts whether or not ClickHouse is up."""
    log_reader = reader or ClickHouseLogReader(ClickHouseConnection(settings))
    key = settings.pseudonymization_key.get_secret_value()
    sealer = CursorSealer(settings.cursor_key.get_secret_value())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await log_reader.close()

    app = FastAPI(
        title="User-management audit log",
        description="Who did what, to whom, when and how, in the client space of the token.",
        version=_version(),
        lifespan=lifespan,
        # The interactive pages load scripts from another host.
        docs_url=None,
        redoc_url=None,
        # A redirect would repeat the query string in a header, and `/v1/activities/` is no path.
        redirect_slashes=False,
    )
    app.state.service = Service(
        log=ActivityLog(log_reader, sealer, key, clock),
        reader=log_reader,
        authenticator=Authenticator(settings),
        pseudonymization_key=key,
    )
    app.include_router(router)
    app.add_middleware(RequestMiddleware)
    install_problem_handlers(app)
    install_openapi(app)
    return app


def create_app_from_environment() -> FastAPI:
    """The application as it is deployed. Raises `SettingsError` where the environment does not allow it."""
    settings = load_settings()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    # uvicorn's own access log prints query strings, which hold ids; `query_api.middleware` writes one without.
    logging.getLogger("uvicorn.access").disabled = True
    return create_app(settings)


def _version() -> str:
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        return "0"


def __getattr__(name: str) -> FastAPI:
    """Build `app` when it is asked for, so that importing this module needs no environment."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    app = globals()["app"] = create_app_from_environment()
    return app
