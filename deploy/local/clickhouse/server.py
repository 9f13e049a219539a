"""ClickHouse's HTTP interface over the engine in process: the local stack's ClickHouse.

    python -m deploy.local.clickhouse.server --data-dir DIR [--port 8123]

It serves what worker, query API and tests send through `clickhouse-connect`, and plain queries with `curl`; the README
of this folder lists it. Anything else is answered with 501 or with the engine's own error. It takes any credentials
and listens on 127.0.0.1 only. `/ping` answers as soon as queries would.
"""

import argparse
import asyncio
import json
import logging
import re
import sys
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deploy.local.clickhouse.engine import Answer, CannotOpen, Engine, EngineError
from deploy.local.clickhouse.requests import (
    FORBIDDEN,
    NOT_IMPLEMENTED,
    TOO_LARGE,
    Refused,
    read_request,
    require_own_page,
)

HOST = "127.0.0.1"
QUERY_THREADS = 4
EXIT_CANNOT_OPEN = 3

_log = logging.getLogger("clickhouse")

_HEADER_TEXT = re.compile(r"[!-~]{1,128}")

_STATUSES = {FORBIDDEN: 403, TOO_LARGE: 413, NOT_IMPLEMENTED: 501}
"""HTTP status by ClickHouse's error code; 500 otherwise, for clients go by the code."""


class ClickHouseServer:
    """The HTTP side of *engine*, which it closes at its end. *app* is the ASGI application."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(QUERY_THREADS, thread_name_prefix="query")
        self.app = Starlette(
            routes=[
                Route("/", self._handle, methods=["GET", "POST"]),
                Route("/ping", self._ping),
            ],
            # Without this check any page in a browser could reach the port by a name that resolves to 127.0.0.1.
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        _log.info("ClickHouse %s is ready", self._engine.version)
        yield
        self._pool.shutdown()
        self._engine.close()

    async def _ping(self, _request: HttpRequest) -> Response:
        return PlainTextResponse("Ok.\n")

    async def _handle(self, http: HttpRequest) -> Response:
        engine = self._engine
        given_id = http.query_params.get("query_id", "")
        query_id = given_id if _HEADER_TEXT.fullmatch(given_id) else str(uuid.uuid4())
        headers = {"X-ClickHouse-Query-Id": query_id, "X-ClickHouse-Timezone": engine.time_zone}
        try:
            require_own_page(http)
            request = await read_request(http)
            if request is None:
                return PlainTextResponse("Ok.\n", headers=headers)
            answer = await asyncio.get_running_loop().run_in_executor(self._pool, engine.execute, request)
        except EngineError as error:
            return _failed(error.code, str(error), headers)
        except Refused as error:
            text = f"Code: {error.code}. DB::Exception: {error}. (version {engine.version})"
            return _failed(error.code, text, headers)
        return _answered(answer, headers)


def _answered(answer: Answer, headers: dict[str, str]) -> Response:
    headers["X-ClickHouse-Summary"] = json.dumps({"read_rows": str(answer.read_rows)})
    return Response(answer.body, headers=headers, media_type="text/plain; charset=UTF-8")


def _failed(code: int, text: str, headers: dict[str, str]) -> Response:
    # The code alone: the text may quote values of the statement.
    _log.warning("query %s failed with code %d", headers["X-ClickHouse-Query-Id"], code)
    headers["X-ClickHouse-Exception-Code"] = str(code)
    return PlainTextResponse(text.rstrip() + "\n", status_code=_STATUSES.get(code, 500), headers=headers)


def main() -> int:
    """Serve until SIGTERM or SIGINT. Exits with 3 where the directory cannot be opened."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.clickhouse.server", description="Local ClickHouse")
    parser.add_argument("--data-dir", type=Path, required=True, help="the directory that the engine keeps its data in")
    parser.add_argument("--port", type=int, default=8123, help="port on 127.0.0.1 (8123)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        engine = Engine(options.data_dir)
    except CannotOpen as error:
        print(f"clickhouse: {error}", file=sys.stderr)
        return EXIT_CANNOT_OPEN
    uvicorn.run(ClickHouseServer(engine).app, host=HOST, port=options.port, access_log=False, log_config=None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
