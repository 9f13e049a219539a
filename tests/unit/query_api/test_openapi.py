from pathlib import Path
from typing import Any

from query_api.models import ActivityAnswerModel, ActivityPageModel, ProblemModel
from query_api.parameters import ActivityQuery
from query_api.settings import Settings
from tests.builders import NOW
from tests.unit.query_api.api import Api


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
    assert documented == {
        "/v1/activities": ["400", "401", "403", "422", "503", "504"],
        "/v1/activities/{event_id}": ["401", "403", "404", "422", "503", "504"],
        "/healthz": [],
        "/readyz": ["503"],
    }
    for operations in paths.values():
        for status, response in operations["get"]["responses"].items():
            if status != "200":
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


def test_the_readme_names_every_setting_parameter_and_problem() -> None:
    text = (Path(__file__).resolve().parents[3] / "query_api" / "README.md").read_text()
    settings = {str(field.alias) for field in Settings.model_fields.values()}
    parameters = {field.alias or name for name, field in ActivityQuery.model_fields.items()}

    missing = {name for name in settings | parameters if f"`{name}`" not in text}
    assert missing == set()
