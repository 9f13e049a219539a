"""The paths of the log. Handlers translate between HTTP and `query_api.log`, and decide nothing."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from query_api.access.auth import EXPORT_SCOPE, Caller
from query_api.errors import InvalidParameters
from query_api.http.conditional import conditional, require_acceptable
from query_api.http.dependencies import ByCaller, InService, Service, record_view
from query_api.http.download import Download, in_pieces
from query_api.http.export import MEDIA_TYPES, export_file
from query_api.http.export_name import file_name
from query_api.http.models import ActivityAnswerModel, ActivityPageModel, ChartModel
from query_api.http.openapi import EXPORT_DOCS, READ_PROBLEMS, answer_docs, problem_docs
from query_api.http.paging import link_to_next
from query_api.http.parameters import unknown_parameters
from query_api.http.problems import INVALID_CURSOR, NOT_FOUND
from query_api.http.query_strings import ActivityQuery, ExportQuery, FilterQuery, StatsQuery
from query_api.http.rendering import chart_body, line_body, page_body
from query_api.log.access_log import Action, filters_text
from query_api.log.filters import ActivityFilter
from schemas.retention import retention_start

router = APIRouter(tags=["activities"])


@router.get(
    "/v1/activities",
    operation_id="listActivities",
    summary="The log, page by page",
    response_class=Response,
    responses={
        **answer_docs(ActivityPageModel, is_page=True),
        **problem_docs(INVALID_CURSOR),
        **READ_PROBLEMS,
    },
)
async def list_activities(
    request: Request, service: InService, caller: ByCaller, query: Annotated[ActivityQuery, Query()]
) -> Response:
    """Values of one parameter are alternatives; different parameters must all match. `from` is inclusive, `to` not."""
    activity_filter = _filter(service, caller, query)
    page = await service.log.page(caller, activity_filter, order=query.order, limit=query.limit, cursor=query.cursor)
    filters = filters_text(activity_filter, order=query.order, is_continued=query.cursor is not None or None)
    record_view(request, caller, Action.LIST, filters)
    return link_to_next(request, conditional(request, page_body(page, limit=query.limit)), page.next_cursor)


@router.get(
    "/v1/activities/stats",
    operation_id="countActivities",
    summary="How many lines, over time and by activity type",
    response_class=Response,
    responses={**answer_docs(ChartModel), **READ_PROBLEMS},
)
async def count_activities(
    request: Request, service: InService, caller: ByCaller, query: Annotated[StatsQuery, Query()]
) -> Response:
    """Takes the filters of the list. Buckets are the zone's: its days have 23 or 25 hours where clocks change."""
    activity_filter = _filter(service, caller, query)
    facets = sorted(set(query.facet))
    chart = await service.statistics.chart(caller, activity_filter, query.interval, ZoneInfo(query.tz), facets)
    record_view(request, caller, Action.STATS, filters_text(activity_filter, interval=query.interval, facet=facets))
    return conditional(request, chart_body(chart))


@router.get(
    "/v1/activities/export",
    operation_id="exportActivities",
    summary="All lines that the filters select, as a file",
    response_class=Response,
    responses={200: EXPORT_DOCS, **READ_PROBLEMS},
)
async def export_activities(
    request: Request, service: InService, caller: ByCaller, query: Annotated[ExportQuery, Query()]
) -> Response:
    """Needs `audit:export`. If the connection breaks, the file is not whole. An `xlsx` has at most 20,000 lines."""
    caller.require(EXPORT_SCOPE)
    media_type = MEDIA_TYPES[query.format]
    require_acceptable(request, media_type.partition(";")[0])
    activity_filter = _filter(service, caller, query)
    chunks = _export(request, service, caller, query, activity_filter)
    # An error before the first byte is an answer of its own.
    first = await anext(chunks)
    now = service.log.now()
    name = file_name(
        caller.client_space_id,
        activity_filter,
        since=retention_start(now),
        now=now,
        zone=query.zone(),
        extension=query.format.extension,
    )
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Download(_with_first(first, chunks), media_type, headers)


@router.get(
    "/v1/activities/{event_id}",
    operation_id="getActivity",
    summary="One line of the log",
    response_class=Response,
    responses={**answer_docs(ActivityAnswerModel), **problem_docs(NOT_FOUND), **READ_PROBLEMS},
)
async def get_activity(request: Request, service: InService, caller: ByCaller, event_id: UUID) -> Response:
    """Lines of other client spaces, and lines older than retention, are not found."""
    if unknown := unknown_parameters(request.query_params.keys()):
        raise InvalidParameters(unknown)
    line = await service.log.line(caller, event_id)
    record_view(request, caller, Action.DETAIL, filters_text(ActivityFilter(), event_id=str(event_id)))
    return conditional(request, line_body(line))


async def _export(
    request: Request, service: Service, caller: Caller, query: ExportQuery, activity_filter: ActivityFilter
) -> AsyncGenerator[bytes]:
    file_made = export_file(caller.client_space_id, query.format, query.reading())
    with service.limiter.export(caller), file_made as file:
        filters = filters_text(activity_filter, order=query.order, format=query.format, lang=query.lang)
        access = service.access(caller, Action.EXPORT, filters, request.state.request_id)
        await service.recorder.record_export(access)
        async for chunk in service.exporter.chunks(caller, activity_filter, query.order, file):
            yield chunk


async def _with_first(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(rest):
        for piece in in_pieces(first):
            yield piece
        async for chunk in rest:
            for piece in in_pieces(chunk):
                yield piece


def _filter(service: Service, caller: Caller, query: FilterQuery) -> ActivityFilter:
    return query.to_filter(service.pseudonymization_key, caller.client_space_id)
