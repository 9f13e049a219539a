"""Answers that a client may already have, and the forms that it takes."""

import gzip

from fastapi import Request
from starlette.responses import Response

from query_api.errors import NotAcceptable
from query_api.http.codings import accepted, accepted_codings
from query_api.http.rendering import Body

JSON = "application/json"
_COMPRESSED_FROM_BYTES = 1_400
"""What is shorter goes into one packet as it is."""
_COMPRESSION_LEVEL = 5


def conditional(request: Request, body: Body) -> Response:
    """*body*, or 304 where the client says that it has it. Raises `NotAcceptable` where it takes no JSON."""
    require_acceptable(request, JSON)
    tag = f'W/"{body.tag}"'
    headers = {"ETag": tag, "Vary": "Accept-Encoding"}
    if _has(request.headers.getlist("If-None-Match"), tag):
        return Response(status_code=304, headers=headers)
    content = body.content
    if len(content) >= _COMPRESSED_FROM_BYTES and "gzip" in accepted_codings(
        request.headers.get("Accept-Encoding", "")
    ):
        content = gzip.compress(content, _COMPRESSION_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type=JSON, headers=headers)


def require_acceptable(request: Request, media_type: str) -> None:
    """Raise `NotAcceptable` where the request's `Accept` excludes *media_type*."""
    header = ",".join(request.headers.getlist("Accept")) or "*/*"
    if {f"{media_type.partition('/')[0]}/*", media_type, "*/*"}.isdisjoint(accepted(header)):
        raise NotAcceptable


def _has(given: list[str], tag: str) -> bool:
    """Whether one of the tags *given* is *tag*, compared weakly, as `If-None-Match` demands."""
    tags = {text.strip().removeprefix("W/") for text in ",".join(given).split(",")}
    return "*" in tags or tag.removeprefix("W/") in tags
