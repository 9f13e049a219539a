import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from query_api.app import describe
from query_api.http.models import (
    ActivityAnswerModel,
    ActivityPageModel,
    ChartModel,
    FileImportsModel,
    MetaAnswerModel,
    PersonsModel,
    ProblemModel,
)
from query_api.http.problems import PROBLEMS
from query_api.http.query_strings import ActivityQuery, ExportQuery, ImportsQuery, PersonsQuery, StatsQuery
from query_api.log.access_log import Access
from query_api.settings import Settings
from tests.builders import NOW
from tests.unit.query_api.api import Api

COMMITTED = Path(__file__).resolve().parents[4] / "query_api" / "http" / "openapi.json"


async def document(api: Api) -> dict[str, Any]:
    answer = await api.client.get("/openapi.json")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


async def test_every_parameter_is_documented_with_its_description(api: Api) -> None:
    parameters = (await document(api))["paths"]["/v1/activities"]["get"]["parameters"]

    assert {parameter["name"] for parameter in parameters} == {
        field.alias or name for name, field in ActivityQuery.model_fields.items()
    }
    assert all(parameter["in"] == "query" and parameter.get("description") for parameter in parameters)


async def test_every_error_is_documented_as_a_problem(api: Api) -> None:
    paths = (await document(api))["paths"]

    documented = {
        path: sorted(status for status in operations["get"]["responses"] if status != "200")
        for path, operations in paths.items()
    }
    of_the_log = ["304", "401", "403", "406", "422", "429", "503", "504"]
    assert documented == {
        "/v1/activities": sorted([*of_the_log, "400"]),
        "/v1/activities/stats": of_the_log,
        "/v1/activities/export": of_the_log[1:],
        "/v1/activities/{event_id}": sorted([*of_the_log, "404"]),
        "/v1/imports": sorted([*of_the_log, "400"]),
        "/v1/users": of_the_log,
        "/v1/admins": of_the_log,
        "/v1/meta": of_the_log,
        "/healthz": [],
        "/readyz": ["503"],
    }
    for operations in paths.values():
        for status, response in operations["get"]["responses"].items():
            if status not in ("200", "304"):
                assert list(response["content"]) == ["application/problem+json"]


async def test_every_reference_of_the_document_leads_somewhere(api: Api) -> None:
    body = await document(api)

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return found.union(*(references(part) for part in value.values()))
        return set().union(*(references(part) for part in value)) if isinstance(value, list) else set()

    names = {reference.removeprefix("#/components/schemas/") for reference in references(body)}
    assert names <= set(body["components"]["schemas"])
    assert {"ProblemModel", "ActivityPageModel", "ActivityAnswerModel"} <= names


async def test_answers_are_what_the_document_says(api: Api) -> None:
    kinds: list[dict[str, Any]] = [
        {"activity_type": "user_license_update", "new_license": "Data Reader", "source_service": "x"},
        {"activity_type": "admin_rights_update", "admin_rights_granted": True},
        {"activity_type": "user_deletion", "channel": "unknown"},
    ]
    for kind in kinds:
        event_id = api.record(**kind)
        ActivityAnswerModel.model_validate_json((await api.get(f"/v1/activities/{event_id}")).content)
    api.delete("usr_admin", NOW)

    page = ActivityPageModel.model_validate_json((await api.get("/v1/activities")).content)

    assert len(page.data) == 3
    ProblemModel.model_validate_json((await api.get("/v1/activities?limit=0")).content)
    ProblemModel.model_validate_json((await api.get("/nowhere")).content)


async def test_the_committed_document_is_the_one_that_is_served(api: Api) -> None:
    """`audit-query openapi > query_api/http/openapi.json` renews it."""
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == describe() == await document(api)


async def test_every_error_has_an_example(api: Api) -> None:
    for path, operations in (await document(api))["paths"].items():
        for status, response in operations["get"]["responses"].items():
            for content in response.get("content", {}).values():
                assert "example" in content or status == "200", (path, status)


async def test_the_other_answers_are_what_the_document_says(api: Api) -> None:
    api.record(new_license="Data Reader", import_id=uuid4())
    api.record("usr_gone")
    api.delete("usr_gone", NOW)

    FileImportsModel.model_validate_json((await api.get("/v1/imports")).content)
    ChartModel.model_validate_json((await api.get("/v1/activities/stats", facet="license")).content)
    PersonsModel.model_validate_json((await api.get("/v1/users")).content)
    MetaAnswerModel.model_validate_json((await api.get("/v1/meta")).content)


def test_the_readme_names_every_setting_parameter_and_problem() -> None:
    text = (Path(__file__).resolve().parents[4] / "query_api" / "README.md").read_text()
    settings = {str(field.alias) for field in Settings.model_fields.values()}
    queries = (ActivityQuery, StatsQuery, ExportQuery, ImportsQuery, PersonsQuery)
    parameters = {field.alias or name for query in queries for name, field in query.model_fields.items()}
    problems = {f"/problems/{problem.name}" for problem in PROBLEMS}
    columns = {f"`{column}`" for column in Access._fields}

    assert not [column for column in columns if column not in text]
    missing = {name for name in settings | parameters | problems if f"`{name}`" not in text}
    assert missing == set()
