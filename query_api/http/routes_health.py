"""The paths that say how the service is, and what its errors mean."""

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from query_api.http.dependencies import InService
from query_api.http.models import StatusModel
from query_api.http.openapi import problem_docs
from query_api.http.problems import KEYS_UNAVAILABLE, NOT_FOUND, PROBLEMS, STORE_UNAVAILABLE, problem_response
from schemas.token_keys import KeysUnavailable

router = APIRouter()


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", operation_id="isAlive", summary="Whether the process answers", tags=["health"])
async def is_alive() -> StatusModel:
    """Says nothing about ClickHouse: restarting this process would not mend that."""
    return StatusModel(status="alive")


@router.head("/readyz", response_model=StatusModel, include_in_schema=False)
@router.get(
    "/readyz",
    operation_id="isReady",
    summary="Whether the log can be read",
    tags=["health"],
    response_model=StatusModel,
    responses=problem_docs(STORE_UNAVAILABLE),
)
async def is_ready(request: Request, service: InService) -> StatusModel | Response:
    """Red while ClickHouse cannot be reached or has another schema version, and before there are keys for tokens.

    Green again by itself. The answer may be a second old.
    """
    try:
        await service.authenticator.require_keys()
    except KeysUnavailable as error:
        return problem_response(KEYS_UNAVAILABLE, request.state.request_id, detail=str(error))
    reason = await service.readiness.reason()
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
