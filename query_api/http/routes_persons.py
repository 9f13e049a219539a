"""The paths beside the log: the persons in it, and the values that its filters take."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from query_api.errors import InvalidParameters
from query_api.http.conditional import conditional
from query_api.http.dependencies import ByCaller, InService, record_view
from query_api.http.models import MetaAnswerModel, PersonsModel
from query_api.http.openapi import READ_PROBLEMS, answer_docs
from query_api.http.parameters import unknown_parameters
from query_api.http.query_strings import PersonsQuery, require_range
from query_api.http.rendering import meta_body, persons_body
from query_api.log.access_log import Action, filters_text
from query_api.log.facets import MAX_LICENSES
from query_api.log.filters import ActivityFilter
from query_api.log.reader import Role
from schemas.retention import retention_start

router = APIRouter()


def _list_of(role: Role, action: Action) -> Callable[..., Awaitable[Response]]:
    """The handler that lists the persons in *role*."""

    async def list_persons(
        request: Request, service: InService, caller: ByCaller, query: Annotated[PersonsQuery, Query()]
    ) -> Response:
        """Living persons by their present names, the last mentioned first. All deleted persons are one entry."""
        require_range(query.since, query.until)
        found = await service.directory.mentioned(caller, role, query.q, query.since, query.until, query.limit)
        asked = ActivityFilter(since=query.since, until=query.until)
        record_view(request, caller, action, filters_text(asked, is_search=bool(query.q)))
        return conditional(request, persons_body(found))

    return list_persons


for path, operation_id, summary, role, action in (
    ("/v1/users", "listUsers", "The affected users of the log", Role.AFFECTED_USER, Action.USERS),
    ("/v1/admins", "listAdmins", "The admins of the log", Role.ADMIN, Action.ADMINS),
):
    router.add_api_route(
        path,
        _list_of(role, action),
        operation_id=operation_id,
        summary=summary,
        tags=["persons"],
        response_class=Response,
        responses={**answer_docs(PersonsModel), **READ_PROBLEMS},
    )


@router.get(
    "/v1/meta",
    operation_id="getMeta",
    summary="What the log holds, and what the token allows",
    tags=["meta"],
    response_class=Response,
    responses={**answer_docs(MetaAnswerModel), **READ_PROBLEMS},
)
async def get_meta(request: Request, service: InService, caller: ByCaller) -> Response:
    """The values that filters take, the licenses that lines name, and where the log starts."""
    if unknown := unknown_parameters(request.query_params.keys()):
        raise InvalidParameters(unknown)
    start = retention_start(service.log.now())
    licenses = await service.reader.licenses(caller, start, MAX_LICENSES + 1)
    record_view(request, caller, Action.META, filters_text(ActivityFilter()))
    return conditional(request, meta_body(licenses=licenses, retention_from=start, scopes=caller.scopes))
