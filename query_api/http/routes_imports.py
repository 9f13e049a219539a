"""The path that lists file imports."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from query_api.http.conditional import conditional
from query_api.http.dependencies import ByCaller, InService, record_view
from query_api.http.models import FileImportsModel
from query_api.http.openapi import READ_PROBLEMS, answer_docs, problem_docs
from query_api.http.paging import link_to_next
from query_api.http.problems import INVALID_CURSOR
from query_api.http.query_strings import ImportsQuery
from query_api.http.rendering import imports_body
from query_api.log.access_log import Action, filters_text

router = APIRouter(tags=["imports"])


@router.get(
    "/v1/imports",
    operation_id="listImports",
    summary="The file imports of the log, and how many lines each has",
    response_class=Response,
    responses={
        **answer_docs(FileImportsModel, is_page=True),
        **problem_docs(INVALID_CURSOR),
        **READ_PROBLEMS,
    },
)
async def list_imports(
    request: Request, service: InService, caller: ByCaller, query: Annotated[ImportsQuery, Query()]
) -> Response:
    """Takes the filters of the list: only lines that they select count. The import with the latest line comes first."""
    activity_filter = query.to_filter(service.pseudonymization_key, caller.client_space_id)
    page = await service.imports.page(caller, activity_filter, query.limit, query.cursor)
    filters = filters_text(activity_filter, is_continued=query.cursor is not None or None)
    record_view(request, caller, Action.IMPORTS, filters)
    return link_to_next(request, conditional(request, imports_body(page, limit=query.limit)), page.next_cursor)
