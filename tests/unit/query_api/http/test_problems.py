from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from query_api.errors import OtherSchema, QueryTimeout, StoreError, StoreUnavailable
from query_api.http.problems import PROBLEMS
from query_api.log import readiness
from tests.unit.query_api.api import Api, token

NOWHERE = "018f0000-0000-7000-8000-000000000000"


def assert_problem(answer: Any, status: int, name: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status, body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(body) - {"errors"} == {"type", "title", "status", "detail", "instance", "request_id"}
    assert body["type"] == f"/problems/{name}"
    assert body["status"] == status
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert body["instance"] == f"/requests/{body['request_id']}"
    assert ("errors" in body) == (name == "invalid-parameter")
    return body


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ("activity_type=user_created", "activity_type", "invalid_value"),
        ("activity_type=", "activity_type", "invalid_value"),
        ("activity_type=user_creation&activity_type=x", "activity_type", "invalid_value"),
        ("channel=UI", "channel", "invalid_value"),
        ("&".join(["channel=ui"] * 51), "channel", "too_many"),
        ("import_id=users.csv", "import_id", "invalid_value"),
        ("license=", "license", "blank"),
        ("license=" + "a" * 129, "license", "too_long"),
        ("affected_user=", "affected_user", "blank"),
        ("affected_user=%20", "affected_user", "blank"),
        ("admin=" + "a" * 257, "admin", "too_long"),
        ("admin=ref:", "admin", "invalid_value"),
        ("admin=ref:usr_1", "admin", "invalid_value"),
        ("from=2026-11-24T09:31:07", "from", "naive_datetime"),
        ("to=2026-11-24T09:31:07.123", "to", "naive_datetime"),
        ("from=2026-11-24", "from", "malformed"),
        ("from=1764000000", "from", "malformed"),
        ("from=", "from", "malformed"),
        ("from=now", "from", "malformed"),
        ("from=2026-11-24T09:31:07+01:00", "from", "malformed"),  # a + in a query string is a space
        ("from=2026-11-24T09:31:07.1234567Z", "from", "out_of_range"),
        ("from=2026-02-30T00:00:00Z", "from", "out_of_range"),
        ("from=2026-11-24T24:30:00Z", "from", "out_of_range"),
        ("from=2026-11-24T09:31:60Z", "from", "out_of_range"),
        ("from=0001-01-01T00:00:00%2B14:00", "from", "out_of_range"),
        ("to=9999-12-31T23:59:59-14:00", "to", "out_of_range"),
        ("from=2026-11-24T09:31:07Z&to=2026-11-24T09:31:07Z", "from", "out_of_range"),
        ("from=2026-11-24T09:31:08Z&to=2026-11-24T09:31:07Z", "from", "out_of_range"),
        ("from=2026-11-24T09:31:07Z&from=2026-11-23T09:31:07Z", "from", "repeated"),
        ("order=newest", "order", "invalid_value"),
        ("order=asc&order=desc", "order", "repeated"),
        ("limit=0", "limit", "out_of_range"),
        ("limit=501", "limit", "out_of_range"),
        ("limit=-1", "limit", "wrong_type"),
        ("limit=1.0", "limit", "wrong_type"),
        ("limit=1_0", "limit", "wrong_type"),
        ("limit=", "limit", "wrong_type"),
        ("limit=1&limit=2", "limit", "repeated"),
        ("cursor=a&cursor=b", "cursor", "repeated"),
        ("client_space_id=globex", "client_space_id", "unknown_parameter"),
        ("Channel=ui", "Channel", "unknown_parameter"),
        ("since=2026-11-24T09:31:07Z", "since", "unknown_parameter"),
        ("ada@example.com=1", "(unnamed)", "unknown_parameter"),
    ],
)
async def test_a_parameter_that_cannot_be_right_is_named(api: Api, query: str, parameter: str, code: str) -> None:
    answer = await api.get(f"/v1/activities?{query}")

    body = assert_problem(answer, 422, "invalid-parameter")
    assert [(error["parameter"], error["code"]) for error in body["errors"]] == [(parameter, code)]
    assert all(set(error) == {"parameter", "code", "message"} for error in body["errors"])


async def test_no_parameter_with_one_value_takes_two(api: Api) -> None:
    paths = (await api.client.get("/openapi.json")).json()["paths"]
    exporter = {"Authorization": f"Bearer {token(scope='audit:read audit:export')}"}
    for path, operations in paths.items():
        for parameter in operations["get"].get("parameters", []):
            if parameter["in"] == "query" and parameter["schema"].get("type") != "array":
                name = parameter["name"]
                body = (await api.client.get(f"{path}?{name}=x&{name}=x", headers=exporter)).json()
                assert (name, "repeated") in {(each["parameter"], each["code"]) for each in body["errors"]}, path


async def test_all_wrong_parameters_are_named_at_once(api: Api) -> None:
    body = (await api.get("/v1/activities?limit=0&channel=x&nonsense=1")).json()

    assert {error["parameter"] for error in body["errors"]} == {"limit", "channel", "nonsense"}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/activities?affected_user=ref:ada@example.com",
        "/v1/activities?channel=ada@example.com",
        "/v1/activities?from=ada@example.com",
        "/v1/activities?limit=ada@example.com",
        "/v1/activities?ada@example.com=1",
        "/v1/activities?cursor=ada@example.com",
        "/v1/activities/ada@example.com",
        f"/v1/activities/{NOWHERE}?ada@example.com=1",
        "/ada@example.com",
    ],
)
async def test_no_answer_and_no_log_repeats_a_value(api: Api, path: str) -> None:
    with capture_logs() as logged:
        answer = await api.get(path)

    assert answer.status_code >= 400
    assert "ada@" not in answer.text
    assert "ada@" not in str(logged)


async def test_paths_without_parameters_take_none(api: Api) -> None:
    body = assert_problem(await api.get(f"/v1/activities/{NOWHERE}?limit=1"), 422, "invalid-parameter")

    assert body["errors"] == [
        {"parameter": "limit", "code": "unknown_parameter", "message": "is no parameter of this path"}
    ]


async def test_an_event_id_is_a_uuid(api: Api) -> None:
    body = assert_problem(await api.get("/v1/activities/7"), 422, "invalid-parameter")

    assert body["errors"] == [{"parameter": "event_id", "code": "invalid_value", "message": "must be a UUID"}]


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v1/activities/", "/docs", "/redoc", "/problems/nonsense"])
async def test_an_unknown_path_is_a_problem(api: Api, path: str) -> None:
    assert_problem(await api.get(path), 404, "not-found")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/v1/activities", f"/v1/activities/{NOWHERE}", "/healthz", "/readyz"])
async def test_another_method_is_a_problem(api: Api, method: str, path: str) -> None:
    answer = await api.client.request(method, path)

    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize("path", ["/v1/activities", f"/v1/activities/{NOWHERE}"])
@pytest.mark.parametrize(
    ("failure", "status", "name"),
    [
        (StoreUnavailable("down"), 503, "store-unavailable"),
        (OtherSchema("migration 9 is newer"), 503, "store-unavailable"),
        (QueryTimeout("late"), 504, "query-timeout"),
    ],
)
async def test_a_store_that_does_not_answer_is_a_problem(
    api: Api, path: str, failure: StoreError, status: int, name: str
) -> None:
    api.store.failure = failure

    answer = await api.get(path)

    assert_problem(answer, status, name)
    assert ("Retry-After" in answer.headers) == (status == 503)


async def test_tokens_and_cursors_that_are_wrong_are_problems(api: Api) -> None:
    headers = {"Authorization": f"Bearer {token(scope='x')}"}

    assert_problem(await api.client.get("/v1/activities"), 401, "unauthenticated")
    assert_problem(await api.client.get("/v1/activities", headers=headers), 403, "forbidden")
    assert_problem(await api.get("/v1/activities", cursor="x"), 400, "invalid-cursor")
    assert_problem(await api.get(f"/v1/activities/{NOWHERE}"), 404, "not-found")


async def test_an_error_that_nobody_foresaw_is_a_problem_and_its_text_stays_in(api: Api) -> None:
    api.store.before_persons = raises(RuntimeError("ada@example.com"))
    api.record()

    with capture_logs() as logged:
        answer = await api.get("/v1/activities", affected_user="usr_ada")

    body = assert_problem(answer, 500, "internal")
    assert "ada@" not in answer.text
    assert "ada@" not in str(logged)
    failure = next(entry for entry in logged if entry["event"] == "request_failed")
    assert failure["error"] == "RuntimeError"
    assert failure["request_id"] == body["request_id"]
    assert failure["place"].startswith("tests.unit.query_api.http.test_problems:")


def raises(error: Exception) -> Callable[[], None]:
    def function() -> None:
        raise error

    return function


async def test_the_service_log_names_the_route_and_never_what_was_asked(api: Api) -> None:
    event_id = api.record()
    with capture_logs() as logged:
        await api.get("/v1/activities", affected_user="usr_ada", limit=1)
        await api.get(f"/v1/activities/{event_id}")
        await api.get("/usr_ada")

    requests = [(entry["method"], entry["route"], entry["status"]) for entry in logged if entry["event"] == "request"]
    assert requests == [
        ("GET", "/v1/activities", 200),
        ("GET", "/v1/activities/{event_id}", 200),
        ("GET", None, 404),
    ]
    assert "usr_ada" not in str(logged)
    assert event_id not in str(logged)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("4bf92f3577b34da6a3ce929d0e0e4736", True),
        ("req-4711", True),
        ("ada@example.com", False),
        ("ada-lovelace", False),
        ("AdaLovelace", False),
        ("short", False),
        ("a" * 65, False),
        ("a\tb-----", False),
    ],
)
async def test_a_request_keeps_the_callers_id_where_that_can_do_no_harm(api: Api, given: str, *, kept: bool) -> None:
    answer = await api.client.get("/healthz", headers={"X-Request-ID": given})

    assert (answer.headers["X-Request-ID"] == given) == kept


async def test_the_process_is_alive_whatever_the_store_does(api: Api) -> None:
    api.store.failure = StoreUnavailable("down")

    assert (await api.client.get("/healthz")).json() == {"status": "alive"}


async def test_readiness_is_red_with_the_reason_and_turns_green_by_itself(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "FRESH_SECONDS", 0)
    api.store.difference = "migration 0003_activities_view is not applied: run `audit-stream migrate`"
    behind = await api.client.get("/readyz")
    api.store.difference, api.store.failure = None, StoreUnavailable("ClickHouse is unreachable or failed")
    down = await api.client.get("/readyz")
    api.store.failure = None
    up = await api.client.get("/readyz")

    body = assert_problem(behind, 503, "store-unavailable")
    assert body["detail"] == "migration 0003_activities_view is not applied: run `audit-stream migrate`"
    assert assert_problem(down, 503, "store-unavailable")["detail"] == "ClickHouse is unreachable or failed"
    assert "Retry-After" in down.headers
    assert (up.status_code, up.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize("name", sorted({problem.name for problem in PROBLEMS}))
async def test_each_problems_type_leads_to_an_explanation(api: Api, name: str) -> None:
    answer = await api.client.get(f"/problems/{name}")

    assert answer.status_code == 200
    assert answer.text
