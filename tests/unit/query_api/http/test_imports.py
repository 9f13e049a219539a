from datetime import timedelta
from typing import Any

import pytest

from tests.builders import NOW, a_uuid
from tests.unit.query_api.api import Api, ref_of
from tests.unit.query_api.http.test_problems import assert_problem

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
FIRST, OTHER = a_uuid(21), a_uuid(22)


async def imports(api: Api, **parameters: Any) -> list[dict[str, Any]]:
    answer = await api.get("/v1/imports", **parameters)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def test_an_import_says_when_by_whom_and_how_many(api: Api) -> None:
    api.record(import_id=FIRST, occurred_at=NOW - SECOND)
    api.record(import_id=FIRST, activity_type="user_deletion")
    api.record(import_id=FIRST, activity_type="user_deletion")
    api.record()
    api.name("usr_admin", "grace@example.com", "Grace")

    answer = await api.get("/v1/imports")

    assert answer.json() == {
        "data": [
            {
                "import_id": str(FIRST),
                "first_occurred_at": "2026-11-24T09:31:06.412345Z",
                "last_occurred_at": "2026-11-24T09:31:07.412345Z",
                "admin": {
                    "ref": str(ref_of("usr_admin")),
                    "id": "usr_admin",
                    "username": "grace@example.com",
                    "display_name": "Grace",
                    "deleted": False,
                    "current": None,
                },
                "total": 3,
                "by_activity_type": {"user_creation": 1, "user_deletion": 2},
            }
        ],
        "page": {"limit": 50, "has_more": False, "next_cursor": None},
        "meta": {
            "as_of": "2026-11-24T09:31:07.412345Z",
            "from": "2025-11-24T09:31:07.412345Z",
            "to": None,
            "clamped": False,
        },
    }
    assert "Link" not in answer.headers


async def test_the_admin_of_an_import_is_shown_as_lines_show_them(api: Api) -> None:
    for person in "usr_gone", "usr_back":
        api.name(person, f"{person}@example.com", person)
    api.record(admin_id="usr_gone", import_id=FIRST)
    api.record(admin_id="usr_back", import_id=OTHER, occurred_at=NOW - 3 * DAY)
    api.record(admin_id="usr_back", import_id=a_uuid(23), occurred_at=NOW - 5 * SECOND)
    api.delete("usr_gone", NOW)
    api.delete("usr_back", NOW - 2 * DAY)
    api.create("usr_back", NOW - DAY)

    of_import = {entry["import_id"]: entry["admin"] for entry in await imports(api)}

    for line in (await api.page())["data"]:
        index = next(entry for entry in of_import if of_import[entry]["ref"] == line["admin"]["ref"])
        assert of_import.pop(index) == line["admin"]
    assert of_import == {}


async def test_an_admin_who_is_deleted_while_their_imports_are_asked_for_is_not_given_away(api: Api) -> None:
    api.record(admin_id="usr_admin", import_id=FIRST)
    api.store.before_persons = lambda: api.delete("usr_admin", NOW)

    assert await imports(api, admin="usr_admin") == []


async def test_lines_older_than_retention_do_not_count(api: Api) -> None:
    api.record(import_id=FIRST, occurred_at=NOW - 366 * DAY)
    api.record(import_id=OTHER, occurred_at=NOW - 366 * DAY)
    api.record(import_id=OTHER)

    assert [(entry["import_id"], entry["total"]) for entry in await imports(api)] == [(str(OTHER), 1)]


async def test_pages_of_imports_follow_one_another(api: Api) -> None:
    for number in range(5):
        api.record(import_id=a_uuid(number + 30), occurred_at=NOW - number * DAY, channel="file_import")
    api.record(import_id=FIRST, channel="ui")
    met, path, query = [], "/v1/imports", {"limit": "2", "channel": "file_import"}
    while True:
        answer = await api.get(path, **query)
        met += [entry["import_id"] for entry in answer.json()["data"]]
        cursor = answer.json()["page"]["next_cursor"]
        if cursor is None:
            break
        assert f"cursor={cursor.replace('=', '%3D')}" in answer.headers["Link"]
        query["cursor"] = cursor

    assert met == [str(a_uuid(number + 30)) for number in range(5)]
    assert "Link" not in answer.headers


async def test_a_cursor_of_lines_is_none_of_imports(api: Api) -> None:
    for number in range(3):
        api.record(import_id=a_uuid(number + 30))
    of_lines = (await api.page(limit=1))["page"]["next_cursor"]
    of_imports = (await api.get("/v1/imports", limit=1)).json()["page"]["next_cursor"]

    assert_problem(await api.get("/v1/imports", limit=1, cursor=of_lines), 400, "invalid-cursor")
    assert_problem(await api.get("/v1/activities", limit=1, cursor=of_imports), 400, "invalid-cursor")
    assert_problem(await api.get("/v1/imports", "other", cursor=of_imports), 400, "invalid-cursor")
    assert_problem(await api.get("/v1/imports", channel="ui", cursor=of_imports), 400, "invalid-cursor")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "order=asc", "import_id=x", "cursor=a&cursor=b"])
async def test_what_imports_do_not_take_is_refused(api: Api, query: str) -> None:
    assert_problem(await api.get(f"/v1/imports?{query}"), 422, "invalid-parameter")
