"""The paths beside the log: the persons in it, and what it holds."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from query_api.access.auth import Caller
from query_api.errors import InvalidParameters
from query_api.http import examples
from query_api.http.models import MetaAnswerModel, PeopleModel
from query_api.http.openapi import READ_PROBLEMS, answer_docs
from query_api.http.parameters import unknown_parameters
from query_api.http.query_strings import PeopleQuery, require_range
from query_api.http.rendering import meta_body, people_body
from query_api.http.service import ByCaller, InService, conditional, record_view
from query_api.log.access_log import Action, filters_text
from query_api.log.filters import ActivityFilter
from query_api.log.reader import Role
from schemas.retention import retention_start

router = APIRouter()
_ACTIONS = {Role.AFFECTED_USER: Action.USERS, Role.ADMIN: Action.ADMINS}


@router.get(
    "/v1/users",
    operation_id="listUsers",
    summary="The persons whom lines are about",
    tags=["people"],
    response_class=Response,
    responses={**answer_docs(PeopleModel, examples.PEOPLE), **READ_PROBLEMS},
)
async def list_users(
    request: Request, service: InService, caller: ByCaller, query: Annotated[PeopleQuery, Query()]
) -> Response:
    """Living persons by their present names, those mentioned last first, and one entry for all deleted ones."""
    return await _people(request, service, caller, query, Role.AFFECTED_USER)


@router.get(
    "/v1/admins",
    operation_id="listAdmins",
    summary="The persons who did what lines say",
    tags=["people"],
    response_class=Response,
    responses={**answer_docs(PeopleModel, examples.PEOPLE), **READ_PROBLEMS},
)
async def list_admins(
    request: Request, service: InService, caller: ByCaller, query: Annotated[PeopleQuery, Query()]
) -> Response:
    """As `listUsers`, for admins."""
    return await _people(request, service, caller, query, Role.ADMIN)


@router.get(
    "/v1/meta",
    operation_id="getMeta",
    summary="What the log holds, and what the token allows",
    tags=["meta"],
    response_class=Response,
    responses={**answer_docs(MetaAnswerModel, examples.META), **READ_PROBLEMS},
)
async def get_meta(request: Request, service: InService, caller: ByCaller) -> Response:
    """The values that filters take, the licenses that lines name, and where the log starts."""
    if unknown := unknown_parameters(request.query_params.keys()):
        raise InvalidParameters(unknown)
    start = retention_start(service.log.now())
    licenses = await service.reader.licenses(caller, start)
    record_view(request, caller, Action.META, filters_text(ActivityFilter()))
    return conditional(request, meta_body(licenses=licenses, retention_from=start, scopes=caller.scopes))


async def _people(request: Request, service: InService, caller: Caller, query: PeopleQuery, role: Role) -> Response:
    require_range(query.since, query.until)
    found = await service.directory.mentioned(caller, role, query.q, query.since, query.until, query.limit)
    asked = ActivityFilter(since=query.since, until=query.until)
    record_view(request, caller, _ACTIONS[role], filters_text(asked, is_search=bool(query.q)))
    return conditional(request, people_body(found))
