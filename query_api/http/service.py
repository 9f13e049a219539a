"""What the handlers share: the service's parts, the caller, and answers that a client may already have."""

from dataclasses import dataclass
from typing import Annotated, cast
from uuid import uuid4

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response

from query_api.access.auth import Authenticator, Caller
from query_api.access.rate_limit import RateLimiter
from query_api.errors import InvalidParameters, NotAcceptable
from query_api.http.export import Exporter
from query_api.http.parameters import repeated_parameters
from query_api.http.rendering import Body
from query_api.log.access_log import Access, AccessRecorder, Action
from query_api.log.activity_log import ActivityLog
from query_api.log.mentions import Directory
from query_api.log.reader import LogReader
from query_api.log.statistics import Statistics
from schemas.person_ref import person_ref

JSON = "application/json"

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="Needs the scope `audit:read`.")


@dataclass(frozen=True, slots=True)
class Service:
    """What the handlers need; one an application."""

    log: ActivityLog
    statistics: Statistics
    directory: Directory
    exporter: Exporter
    reader: LogReader
    authenticator: Authenticator
    limiter: RateLimiter
    recorder: AccessRecorder
    pseudonymization_key: bytes

    def access(self, caller: Caller, action: Action, filters: str, request_id: str) -> Access:
        """The entry about a look at the log that begins now."""
        return Access(
            client_space_id=caller.client_space_id,
            at=self.log.now(),
            access_id=uuid4(),
            subject_ref=person_ref(self.pseudonymization_key, caller.client_space_id, caller.subject),
            action=action,
            filters=filters,
            request_id=request_id,
        )


def _service(request: Request) -> Service:
    return cast("Service", request.app.state.service)


InService = Annotated[Service, Depends(_service)]


async def _caller(
    request: Request,
    service: InService,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Caller:
    caller = await service.authenticator.authenticate(None if credentials is None else credentials.credentials)
    request.state.headers = service.limiter.hit(caller)
    if repeated := repeated_parameters(request.query_params.multi_items()):
        raise InvalidParameters(repeated)
    return caller


ByCaller = Annotated[Caller, Depends(_caller)]


def record_view(request: Request, caller: Caller, action: Action, filters: str) -> None:
    """See `AccessRecorder.record_view`."""
    service = _service(request)
    service.recorder.record_view(service.access(caller, action, filters, request.state.request_id))


def conditional(request: Request, body: Body) -> Response:
    """*body*, or 304 where the client says that it has it. Raises `NotAcceptable` where it takes no JSON."""
    require_acceptable(request, JSON)
    tag = f'W/"{body.tag}"'
    if _has(request.headers.getlist("If-None-Match"), tag):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body.content, media_type=JSON, headers={"ETag": tag})


def require_acceptable(request: Request, media_type: str) -> None:
    """Raise `NotAcceptable` where the request's `Accept` excludes *media_type*."""
    accepted = ",".join(request.headers.getlist("Accept")) or "*/*"
    ranges = {f"{media_type.partition('/')[0]}/*", media_type, "*/*"}
    for part in accepted.split(","):
        name, *parameters = (text.strip().lower() for text in part.split(";"))
        if name in ranges and not any(text in ("q=0", "q=0.0", "q=0.00", "q=0.000") for text in parameters):
            return
    raise NotAcceptable


def _has(given: list[str], tag: str) -> bool:
    """Tags are compared weakly, as the standard has it for `If-None-Match`."""
    tags = {text.strip().removeprefix("W/") for text in ",".join(given).split(",")}
    return "*" in tags or tag.removeprefix("W/") in tags
