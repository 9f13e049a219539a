"""Every error answer: an RFC 9457 problem document, whoever raised the error."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from query_api import errors
from query_api.access.auth import EXPORT_SCOPE, READ_SCOPE
from query_api.http.parameters import parameter_errors
from query_api.http.rendering import to_json
from schemas.token_keys import KeysUnavailable

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of problem. Its name is stable: clients may branch on it."""

    name: str
    status: int
    title: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


_RETRY = {"Retry-After": str(RETRY_AFTER_SECONDS)}

INVALID_CURSOR = Problem(
    "invalid-cursor",
    400,
    "The cursor is not valid here",
    "A cursor lasts 24 hours, in the order `recorded` 30 days. It serves only the client space, filters and order that"
    " it was given for. Start again without one.",
)
PREFLIGHT_REFUSED = Problem(
    "preflight-refused",
    400,
    "A page of that origin may not send this request",
    "Pages of the origins in AUDIT_CORS_ORIGINS may send GET with Authorization, If-None-Match and X-Request-ID.",
)
NO_TOKEN = Problem(
    "unauthenticated", 401, "A bearer token is required", "Send Authorization: Bearer.", {"WWW-Authenticate": "Bearer"}
)
INVALID_TOKEN = Problem(
    "unauthenticated",
    401,
    "The bearer token is not valid",
    "It is malformed, expired, lacks a claim, or is for another service.",
    {"WWW-Authenticate": 'Bearer error="invalid_token"'},
)
FORBIDDEN = Problem(
    "forbidden",
    403,
    "The bearer token does not allow this",
    f"It needs the scope {READ_SCOPE}, and {EXPORT_SCOPE} for exports.",
    {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{READ_SCOPE}"'},
)
NOT_FOUND = Problem("not-found", 404, "There is nothing here", "No such path, or no such activity within retention.")
NOT_ACCEPTABLE = Problem(
    "not-acceptable",
    406,
    "No acceptable form",
    "Accept application/json, or for exports text/csv or application/jsonl.",
)
RATE_LIMITED = Problem(
    "rate-limited",
    429,
    "Too many requests",
    "Repeat the request after the seconds in Retry-After.",
    {"Retry-After": "1"},
)
METHOD_NOT_ALLOWED = Problem(
    "method-not-allowed", 405, "The method is not allowed", "This service only reads: use GET."
)
INVALID_PARAMETER = Problem("invalid-parameter", 422, "A parameter is not valid", "See errors for each parameter.")
INTERNAL = Problem("internal", 500, "The service failed", "The error is in the service's log under the request id.")
STORE_UNAVAILABLE = Problem(
    "store-unavailable", 503, "The log cannot be read now", "Repeat the request after a pause.", _RETRY
)
KEYS_UNAVAILABLE = Problem(
    "keys-unavailable",
    503,
    "Tokens cannot be verified now",
    "The identity provider gave no keys. Repeat the request after a pause.",
    _RETRY,
)
QUERY_TIMEOUT = Problem(
    "query-timeout", 504, "Reading the log took too long", "Repeat the request, or ask for a shorter range of time."
)
PROBLEMS = (
    INVALID_CURSOR,
    PREFLIGHT_REFUSED,
    NO_TOKEN,
    INVALID_TOKEN,
    FORBIDDEN,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    RATE_LIMITED,
    INVALID_PARAMETER,
    INTERNAL,
    STORE_UNAVAILABLE,
    KEYS_UNAVAILABLE,
    QUERY_TIMEOUT,
)


def problem_response(
    problem: Problem,
    request_id: str,
    *,
    detail: str | None = None,
    parameter_errors: list[errors.ParameterError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer for *problem*. *detail* must hold no value of the request, and `instance` holds none."""
    document: dict[str, object] = {
        "type": f"/problems/{problem.name}",
        "title": problem.title,
        "status": problem.status,
        "detail": detail or problem.detail,
        "instance": f"/requests/{request_id}",
        "request_id": request_id,
    }
    if parameter_errors is not None:
        document["errors"] = [asdict(error) for error in parameter_errors]
    all_headers = {**problem.headers, **(headers or {})}
    return Response(to_json(document), problem.status, all_headers, media_type=MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every error of a request, FastAPI's own included, by a problem document."""

    @app.exception_handler(errors.QueryError)
    async def query_error(request: Request, error: errors.QueryError) -> Response:
        found = error.errors if isinstance(error, errors.InvalidParameters) else None
        headers, detail = _specifics(error)
        return problem_response(
            _problem(error), request.state.request_id, detail=detail, parameter_errors=found, headers=headers
        )

    @app.exception_handler(KeysUnavailable)
    async def keys_unavailable(request: Request, _: KeysUnavailable) -> Response:
        # Without the reason: who asks has proved nothing yet.
        return problem_response(KEYS_UNAVAILABLE, request.state.request_id)

    @app.exception_handler(RequestValidationError)
    async def invalid_request(request: Request, error: RequestValidationError) -> Response:
        found = parameter_errors(error.errors())
        return problem_response(INVALID_PARAMETER, request.state.request_id, parameter_errors=found)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        problem = {404: NOT_FOUND, 405: METHOD_NOT_ALLOWED}.get(error.status_code, INTERNAL)
        return problem_response(problem, request.state.request_id, headers=error.headers)


def _specifics(error: errors.QueryError) -> tuple[Mapping[str, str], str | None]:
    """What *error* adds to its problem: headers, and words that hold no value of the request."""
    if isinstance(error, errors.RateLimited):
        return {"Retry-After": str(error.retry_after_seconds)}, None
    if isinstance(error, errors.InsufficientScope):
        challenge = f'Bearer error="insufficient_scope", scope="{error.scope}"'
        return {"WWW-Authenticate": challenge}, f"It needs the scope {error.scope}."
    return {}, None


def _problem(error: errors.QueryError) -> Problem:
    if isinstance(error, errors.Unauthenticated):
        return INVALID_TOKEN if error.given else NO_TOKEN
    kinds: tuple[tuple[type[errors.QueryError], Problem], ...] = (
        (errors.InvalidParameters, INVALID_PARAMETER),
        (errors.InvalidCursor, INVALID_CURSOR),
        (errors.InsufficientScope, FORBIDDEN),
        (errors.ActivityNotFound, NOT_FOUND),
        (errors.NotAcceptable, NOT_ACCEPTABLE),
        (errors.RateLimited, RATE_LIMITED),
        (errors.StoreUnavailable, STORE_UNAVAILABLE),
        (errors.QueryTimeout, QUERY_TIMEOUT),
    )
    return next((problem for kind, problem in kinds if isinstance(error, kind)), INTERNAL)
