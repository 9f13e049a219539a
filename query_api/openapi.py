"""What FastAPI does not write into the OpenAPI document by itself: problem documents, and the headers of a page."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from query_api.models import ProblemModel
from query_api.problems import MEDIA_TYPE, Problem

PAGE_DOCS: dict[str, Any] = {
    "headers": {
        "Link": {
            "description": 'The next page, `rel="next"`; absent on the last.',
            "schema": {"type": "string"},
        }
    }
}
_REF_TEMPLATE = "#/components/schemas/{model}"


def problem_docs(*problems: Problem) -> dict[int | str, dict[str, Any]]:
    """The documentation of answers that are *problems*."""
    return {
        problem.status: {
            "description": problem.title,
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
