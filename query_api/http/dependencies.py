"""What FastAPI hands to the handlers: the parts of the service, and the caller."""

from dataclasses import dataclass
from typing import Annotated, cast
from uuid import uuid4

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from query_api.access.auth import Authenticator, Caller
from query_api.access.rate_limit import RateLimiter
from query_api.errors import InvalidParameters
from query_api.http.export import Exporter
from query_api.http.parameters import repeated_parameters
from query_api.log.access_log import Access, AccessRecorder, Action
from query_api.log.activity_log import ActivityLog
from query_api.log.imports import Imports
from query_api.log.mentions import Directory
from query_api.log.reader import LogReader
from query_api.log.readiness import Readiness
from query_api.log.statistics import Statistics
from schemas.person_ref import person_ref

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="Needs the scope `audit:read`.")


@dataclass(frozen=True, slots=True)
class Service:
    """What the handlers need; one an application."""

    log: ActivityLog
    statistics: Statistics
    directory: Directory
    imports: Imports
    exporter: Exporter
    reader: LogReader
    authenticator: Authenticator
    limiter: RateLimiter
    recorder: AccessRecorder
    readiness: Readiness
    pseudonymization_key: bytes

    def access(self, caller: Caller, action: Action, filters: str, request_id: str) -> Access:
        """The access log's entry for a view that begins now."""
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


async def _in_service(request: Request) -> Service:
    # FastAPI gives a function that is not async to a thread, which costs each request more than all else here.
    return _service(request)


InService = Annotated[Service, Depends(_in_service)]


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
