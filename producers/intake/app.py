"""The application: `POST /v1/events`, answered when Kafka has the events."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from producers.activities import Clock, utc_now
from producers.errors import DeliveryUnknown, PublishFailed
from producers.intake.grants import InvalidToken, Tokens
from producers.intake.json_schema import json_schema
from producers.intake.judging import Refused, judge, results
from producers.intake.metrics import Metrics
from producers.intake.settings import MAX_BODY_BYTES, MAX_EVENTS, IntakeSettings
from producers.kafka.publisher import KafkaPublisher
from producers.publisher import Publisher
from schemas.events import Event
from schemas.token_keys import KeySource, KeysUnavailable

RETRY_AFTER_SECONDS = 5
BODY_SECONDS = 10
"""How long a client may take for a body: it holds one of the places at work meanwhile."""

_log = logging.getLogger(__name__)


class Problem(Exception):
    """A request that is answered as a whole. *detail* holds nothing that the request said."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Intake:
    """What the application's paths do."""

    def __init__(
        self, settings: IntakeSettings, tokens: Tokens, publisher: Publisher, clock: Clock, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._publisher = publisher
        self._clock = clock
        self._metrics = metrics
        self._requests = 0

    async def events(self, request: Request) -> Response:
        """`POST /v1/events`."""
        started, status = time.perf_counter(), HTTPStatus.INTERNAL_SERVER_ERROR.value
        try:
            answer = await self._answer(request)
            status = answer.status_code
        finally:
            self._metrics.answered(status, time.perf_counter() - started)
        return answer

    async def _answer(self, request: Request) -> Response:
        if self._requests >= self._settings.max_requests:
            return _problem(Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests are in progress"))
        self._requests += 1
        try:
            return await self._take(request)
        except InvalidToken as error:
            return _problem(Problem(HTTPStatus.UNAUTHORIZED, str(error)))
        except KeysUnavailable:
            # The reason is in the log. Who has proved nothing learns nothing of the issuer.
            return _problem(Problem(HTTPStatus.SERVICE_UNAVAILABLE, "tokens cannot be verified now"))
        except Problem as error:
            return _problem(error)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody reads it
        finally:
            self._requests -= 1

    async def _take(self, request: Request) -> Response:
        grant = await self._tokens.grant(request.headers.get("authorization"))
        judgments = judge(await self._items(request), grant, self._clock())
        events = [judgment for judgment in judgments if not isinstance(judgment, Refused)]
        acknowledged, status = await self._publish(events)
        if status is HTTPStatus.OK and len(events) < len(judgments):
            status = HTTPStatus.MULTI_STATUS if events else HTTPStatus.UNPROCESSABLE_ENTITY
        found = results(judgments, acknowledged)
        self._metrics.became(result["status"] for result in found)
        return JSONResponse({"results": found}, status, _headers(status))

    async def _items(self, request: Request) -> list[Any]:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
        try:
            body = json.loads(await self._body(request))
        except (ValueError, RecursionError):
            raise Problem(HTTPStatus.BAD_REQUEST, "the body is no JSON") from None
        items = body if isinstance(body, list) else [body]
        if not 1 <= len(items) <= MAX_EVENTS:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"a request has 1 to {MAX_EVENTS} events")
        return items

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > MAX_BODY_BYTES:
                        detail = f"the body is longer than {MAX_BODY_BYTES} bytes"
                        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
        except TimeoutError:
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, f"the body took longer than {BODY_SECONDS} s") from None
        return bytes(body)

    async def _publish(self, events: list[Event]) -> tuple[int, HTTPStatus]:
        """How many of *events*, from the first on, Kafka has, and the answer that follows."""
        acknowledged = 0

        def count(more: int) -> None:
            nonlocal acknowledged
            acknowledged += more

        try:
            await self._publisher.publish_all(events, on_acknowledged=count)
        except (PublishFailed, DeliveryUnknown) as error:
            _log.warning("events of a request are not acknowledged: %s", error)
            is_refusal = isinstance(error, PublishFailed) and not error.retryable
            return acknowledged, HTTPStatus.BAD_GATEWAY if is_refusal else HTTPStatus.SERVICE_UNAVAILABLE
        return acknowledged, HTTPStatus.OK


def create_app(
    settings: IntakeSettings,
    metrics: Metrics,
    *,
    open_publisher: Callable[[], AbstractAsyncContextManager[Publisher]] | None = None,
    keys: KeySource | None = None,
    clock: Clock = utc_now,
) -> Starlette:
    """The application. It starts whether or not Kafka and the tokens' issuer are up."""
    schema = json_schema()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        tokens = Tokens(settings, keys)
        async with (
            aclosing(tokens),
            open_publisher() if open_publisher else KafkaPublisher(settings) as publisher,
        ):
            app.state.intake = Intake(settings, tokens, publisher, clock, metrics)
            yield

    async def events(request: Request) -> Response:
        intake: Intake = request.app.state.intake
        return await intake.events(request)

    async def published_schema(_: Request) -> Response:
        return JSONResponse(schema, media_type="application/schema+json")

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    routes = [
        Route("/v1/events", events, methods=["POST"]),
        Route("/v1/events/schema", published_schema, methods=["GET"]),
        Route("/healthz", alive, methods=["GET"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _problem(problem: Problem) -> Response:
    body = {"title": problem.status.phrase, "status": problem.status.value, "detail": problem.detail}
    return JSONResponse(body, problem.status, _headers(problem.status), media_type="application/problem+json")


def _headers(status: HTTPStatus) -> dict[str, str]:
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
