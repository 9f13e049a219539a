"""What FastAPI leaves out of the OpenAPI document: problem documents, and the headers of answers."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from query_api.http.models import ProblemModel
from query_api.http.problems import (
    FORBIDDEN,
    INVALID_PARAMETER,
    INVALID_TOKEN,
    MEDIA_TYPE,
    NOT_ACCEPTABLE,
    QUERY_TIMEOUT,
    RATE_LIMITED,
    STORE_UNAVAILABLE,
    Problem,
)

_TAG = {
    "ETag": {"description": "Changes when the shown content changes, also by a deletion.", "schema": {"type": "string"}}
}
EXPORT_DOCS: dict[str, Any] = {
    "description": "The file, as an attachment. CSV begins with a byte order mark.",
    "headers": {"Content-Disposition": {"description": "The file's name.", "schema": {"type": "string"}}},
    "content": {
        "text/csv": {"schema": {"type": "string"}},
        "application/jsonl": {"schema": {"type": "string"}},
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
            "schema": {"type": "string", "format": "binary"}
        },
    },
}
_LINK = {
    "Link": {
        "description": 'The next page, `rel="next"`, relative to this one; absent on the last.',
        "schema": {"type": "string"},
    },
}


def answer_docs(model: type[BaseModel], *, is_page: bool = False) -> dict[int | str, dict[str, Any]]:
    """The documentation of a conditional answer."""
    return {
        200: {"model": model, "headers": {**_TAG, **_LINK} if is_page else _TAG},
        304: {"description": "The client has the current answer (`If-None-Match`).", "headers": _TAG},
    }


_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_REF_TEMPLATE = "#/components/schemas/{model}"


def problem_docs(*problems: Problem) -> dict[int | str, dict[str, Any]]:
    """The documentation of answers that are *problems*."""
    return {
        problem.status: {
            "description": problem.title,
            **({"headers": _RETRY_AFTER} if "Retry-After" in problem.headers else {}),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": _REF_TEMPLATE.format(model=ProblemModel.__name__)},
                    "example": {
                        "type": f"/problems/{problem.name}",
                        "title": problem.title,
                        "status": problem.status,
                        "detail": problem.detail,
                        "instance": "/requests/5f0c1a3e7b9d4c2f8e6a0b1d2c3f4e5a",
                        "request_id": "5f0c1a3e7b9d4c2f8e6a0b1d2c3f4e5a",
                    },
                }
            },
        }
        for problem in problems
    }


READ_PROBLEMS = problem_docs(
    INVALID_TOKEN, FORBIDDEN, NOT_ACCEPTABLE, INVALID_PARAMETER, RATE_LIMITED, STORE_UNAVAILABLE, QUERY_TIMEOUT
)
"""What every path of the log may answer."""


def install_openapi(app: FastAPI) -> None:
    """Complete the document that *app* serves."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            problem = ProblemModel.model_json_schema(ref_template=_REF_TEMPLATE)
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(problem.pop("$defs"))
            schemas[ProblemModel.__name__] = problem
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the way that FastAPI documents
