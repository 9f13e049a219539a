"""The paths. Each handler only translates: what may be read, and how it is shown, is `query_api.log`'s business."""

from dataclasses import dataclass
from typing import Annotated, cast
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import PlainTextResponse, Response

from query_api.auth import Authenticator, Caller
from query_api.errors import InvalidParameters, StoreError
from query_api.log import ActivityLog
from query_api.models import ActivityAnswerModel, ActivityPageModel, StatusModel
from query_api.openapi import PAGE_DOCS, problem_docs
from query_api.parameters import ActivityQuery, repeated_parameters, unknown_parameters
from query_api.problems import (
    FORBIDDEN,
    INVALID_CURSOR,
    INVALID_PARAMETER,
    INVALID_TOKEN,
    NOT_FOUND,
    PROBLEMS,
    QUERY_TIMEOUT,
    STORE_UNAVAILABLE,
    problem_response,
)
from query_api.reader import LogReader
from query_api.rendering import line_body, page_body

JSON = "application/json"

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="Needs the scope `audit:read`.")
_READ_PROBLEMS = problem_docs(INVALID_TOKEN, FORBIDDEN, INVALID_PARAMETER, STORE_UNAVAILABLE, QUERY_TIMEOUT)

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Service:
    """What the handlers need; one an application."""

    log: ActivityLog
    reader: LogReader
    authenticator: Authenticator
    pseudonymization_key: bytes


def _service(request: Request) -> Service:
    return cast("Service", request.app.state.service)


InService = Annotated[Service, Depends(_service)]


def _caller(
    service: InService, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> Caller:
    return service.authenticator.authenticate(None if credentials is None else credentials.credentials)


ByCaller = Annotated[Caller, Depends(_caller)]


@router.get(
    "/v1/activities",
    operation_id="listActivities",
    summary="The log, page by page",
    tags=["activities"],
    response_class=Response,
    responses={200: {"model": ActivityPageModel, **PAGE_DOCS}, **problem_docs(INVALID_CURSOR), **_READ_PROBLEMS},
)
async def list_activities(
    request: Request, service: InService, caller: ByCaller, query: Annotated[ActivityQuery, Query()]
) -> Response:
    """Values of one parameter are alternatives; different parameters must all match. `from` is inclusive, `to` not."""
    if repeated := repeated_parameters(request.query_params.multi_items()):
        raise InvalidParameters(repeated)
    page = await service.log.page(
        caller,
        query.to_filter(service.pseudonymization_key, caller.client_space_id),
        order=query.order,
        limit=query.limit,
        cursor=query.cursor,
    )
    headers = {}
    if page.next_cursor is not None:
        headers["Link"] = f'<{_next_page(request, page.next_cursor)}>; rel="next"'
    return Response(page_body(page, limit=query.limit), media_type=JSON, headers=headers)


@router.get(
    "/v1/activities/{event_id}",
    operation_id="getActivity",
    summary="One line of the log",
    tags=["activities"],
    response_class=Response,
    responses={200: {"model": ActivityAnswerModel}, **problem_docs(NOT_FOUND), **_READ_PROBLEMS},
)
async def get_activity(request: Request, service: InService, caller: ByCaller, event_id: UUID) -> Response:
    """A line of another client space, or one older than retention, is not found."""
    if unknown := unknown_parameters(request.query_params.keys()):
        raise InvalidParameters(unknown)
    return Response(line_body(await service.log.line(caller, event_id)), media_type=JSON)


@router.get("/healthz", operation_id="isAlive", summary="Whether the process answers", tags=["health"])
async def is_alive() -> StatusModel:
    """Says nothing about ClickHouse: restarting this process would not mend that."""
    return StatusModel(status="alive")


@router.get(
    "/readyz",
    operation_id="isReady",
    summary="Whether the log can be read",
    tags=["health"],
    response_model=StatusModel,
    responses=problem_docs(STORE_UNAVAILABLE),
)
async def is_ready(request: Request, service: InService) -> StatusModel | Response:
    """Red while ClickHouse cannot be reached or its schema is another version's; green again by itself."""
    try:
        reason = await service.reader.schema_difference()
    except StoreError as error:
        reason = str(error)
    if reason is None:
        return StatusModel(status="ready")
    return problem_response(STORE_UNAVAILABLE, request.state.request_id, detail=reason)


@router.get("/problems/{name}", include_in_schema=False)
async def explain_problem(request: Request, name: str) -> Response:
    """What a problem's `type` leads to."""
    found = [problem for problem in PROBLEMS if problem.name == name]
    if not found:
        return problem_response(NOT_FOUND, request.state.request_id)
    return PlainTextResponse("\n".join(f"{problem.status} {problem.title}. {problem.detail}" for problem in found))


def _next_page(request: Request, cursor: str) -> str:
    """Relative to this host, so that no proxy or forged Host header can lead the client elsewhere."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"
