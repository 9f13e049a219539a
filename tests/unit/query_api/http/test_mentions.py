from datetime import timedelta
from typing import Any

import pytest

from tests.builders import NOW
from tests.unit.query_api.api import Api, ref_of, token
from tests.unit.query_api.http.test_problems import assert_problem

DAY = timedelta(days=1)
DELETED = {"ref": "deleted", "id": None, "username": None, "display_name": "Deleted User", "deleted": True}


async def persons(api: Api, path: str = "/v1/users", **parameters: Any) -> list[dict[str, Any]]:
    answer = await api.get(path, **parameters)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def test_living_persons_are_listed_by_their_last_line_and_the_deleted_are_one_entry(api: Api) -> None:
    api.record("usr_ada", occurred_at=NOW - 3 * DAY)
    api.record("usr_ada", occurred_at=NOW - 2 * DAY)
    api.record("usr_grace", occurred_at=NOW - DAY)
    for person in "usr_gone", "usr_away":
        api.record(person, occurred_at=NOW)
        api.name(person, "gone@example.com", "Gone")
        api.delete(person, NOW)
    api.name("usr_ada", "ada@example.com", "Ada Lovelace")

    assert await persons(api) == [
        {
            "ref": str(ref_of("usr_grace")),
            "id": None,
            "username": None,
            "display_name": None,
            "deleted": False,
            "activities": 1,
        },
        {
            "ref": str(ref_of("usr_ada")),
            "id": "usr_ada",
            "username": "ada@example.com",
            "display_name": "Ada Lovelace",
            "deleted": False,
            "activities": 2,
        },
        {**DELETED, "activities": 2},
    ]


async def test_users_and_admins_are_two_lists(api: Api) -> None:
    api.record("usr_ada", "usr_admin")

    assert [person["ref"] for person in await persons(api)] == [str(ref_of("usr_ada"))]
    assert [person["ref"] for person in await persons(api, "/v1/admins")] == [str(ref_of("usr_admin"))]


@pytest.mark.parametrize("q", ["ada", "ADA", "Love", "usr_a", "@example"])
async def test_a_person_is_found_by_any_part_of_id_and_names(api: Api, q: str) -> None:
    api.record("usr_ada")
    api.record("usr_grace")
    api.name("usr_ada", "ada@example.com", "Ada Lovelace")
    api.name("usr_grace", "grace@navy.mil", "Grace")

    assert [person["id"] for person in await persons(api, q=q)] == ["usr_ada"]


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("He\u0301le\u0300ne", "H\u00e9l\u00e8ne"),
        ("H\u00e9l\u00e8ne", "he\u0301le\u0300NE"),
        ("wei\u00df", "WEISS"),
        ("WEISS", "wei\u00df"),
        ("\u0130pek", "i\u0307PEK"),
        ("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3"),
    ],
)
async def test_a_person_is_found_in_any_case_and_unicode_form(api: Api, name: str, q: str) -> None:
    api.record("usr_1")
    api.name("usr_1", "someone@example.com", name)

    assert [person["id"] for person in await persons(api, q=q)] == ["usr_1"]


@pytest.mark.parametrize("q", ["usr_gone", "gone@", "Gone Girl"])
async def test_nothing_finds_somebody_who_was_deleted(api: Api, q: str) -> None:
    api.record("usr_gone")
    api.name("usr_gone", "gone@example.com", "Gone Girl")
    api.store.lifetime_rows.clear()
    names = list(api.store.names)
    api.delete("usr_gone", NOW + DAY)
    api.store.names = names  # the worker has not removed them yet

    assert await persons(api, q=q) == []
    assert await persons(api, q="deleted") == [{**DELETED, "activities": 1}]


async def test_somebody_who_is_deleted_while_the_list_is_read_is_not_in_it(api: Api) -> None:
    api.record("usr_ada")
    api.name("usr_ada", "ada@example.com", "Ada")
    api.store.before_persons = lambda: api.delete("usr_ada", NOW + DAY)

    assert await persons(api) == []


async def test_a_recreated_person_counts_in_both_entries_and_has_no_former_name(api: Api) -> None:
    api.record("usr_ada", occurred_at=NOW - 2 * DAY)
    api.record("usr_ada", occurred_at=NOW)
    api.delete("usr_ada", NOW - DAY)
    api.create("usr_ada", NOW - timedelta(hours=1))
    api.name("usr_ada", "former@example.com", "Former", NOW - 2 * DAY)
    api.name("usr_ada", "ada@example.com", "Ada", NOW)

    found = await persons(api)

    assert [(person["username"], person["activities"]) for person in found] == [("ada@example.com", 1), (None, 1)]
    assert await persons(api, q="former") == []
    assert len(await persons(api, q="ada@")) == 1


async def test_a_renamed_person_is_listed_under_the_present_name_and_found_by_both(api: Api) -> None:
    api.record("usr_ada", occurred_at=NOW)
    api.name("usr_ada", "ada@example.com", "Ada", NOW - DAY)
    api.name("usr_ada", "countess@example.com", "Countess", NOW)

    for q in "ada@", "countess":
        assert [person["display_name"] for person in await persons(api, q=q)] == ["Countess"]


async def test_only_lines_of_the_range_and_of_retention_count(api: Api) -> None:
    for days in (0, 1, 2, 400):
        api.record(occurred_at=NOW - days * DAY)

    (person,) = await persons(api, to="2026-11-24T00:00:00Z")

    assert person["activities"] == 2
    assert await persons(api, from_="2027-01-01T00:00:00Z") == []


async def test_the_limit_is_of_living_persons(api: Api) -> None:
    for number in range(5):
        api.record(f"usr_{number}", occurred_at=NOW - number * DAY)
    api.record("usr_gone")
    api.delete("usr_gone", NOW)

    found = await persons(api, limit=2)

    assert [person["ref"] for person in found] == [str(ref_of("usr_0")), str(ref_of("usr_1")), "deleted"]


async def test_another_client_space_has_other_persons(api: Api) -> None:
    api.record(space="globex")

    assert await persons(api) == []


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ("q=" + "a" * 101, "q", "too_long"),
        ("q=a&q=b", "q", "repeated"),
        ("limit=101", "limit", "out_of_range"),
        ("from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z", "from", "out_of_range"),
        ("search=a", "search", "unknown_parameter"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/users", "/v1/admins"])
async def test_a_search_that_cannot_be_right_is_refused(
    api: Api, path: str, query: str, parameter: str, code: str
) -> None:
    body = assert_problem(await api.get(f"{path}?{query}"), 422, "invalid-parameter")

    assert [(error["parameter"], error["code"]) for error in body["errors"]] == [(parameter, code)]


async def test_everybody_deleted_is_one_filter(api: Api) -> None:
    """Before and behind a new life alike."""
    old = api.record("usr_ada", occurred_at=NOW - 2 * DAY)
    gone = api.record("usr_gone", occurred_at=NOW)
    new = api.record("usr_ada", occurred_at=NOW)
    by_gone = api.record("usr_ada", "usr_gone", occurred_at=NOW)
    api.delete("usr_ada", NOW - DAY)
    api.create("usr_ada", NOW - timedelta(hours=1))
    api.delete("usr_gone", NOW)

    assert await api.found(affected_user="ref:deleted") == {old, gone}
    assert await api.found(admin="ref:deleted") == {by_gone}
    assert await api.found(affected_user=["ref:deleted", "usr_ada"]) == {old, gone, new, by_gone}
    assert await api.found(affected_user="usr_ada", admin="ref:deleted") == {by_gone}


async def test_a_cursor_of_one_persons_walk_does_not_serve_that_of_all_deleted(api: Api) -> None:
    for _ in range(2):
        api.record("usr_gone")
    api.delete("usr_gone", NOW)
    cursor = (await api.page(affected_user="ref:deleted", limit=1))["page"]["next_cursor"]

    for other in {"affected_user": "usr_gone"}, {"admin": "ref:deleted"}, {}:
        assert (await api.get("/v1/activities", **other, cursor=cursor)).status_code == 400
    assert len(await api.found(affected_user="ref:deleted", cursor=cursor)) == 1


async def test_the_detail_of_a_renamed_persons_line_shows_both_names(api: Api) -> None:
    event_id = api.record("usr_ada", occurred_at=NOW - DAY)
    api.name("usr_ada", "ada@example.com", "Ada", NOW - DAY)
    api.name("usr_ada", "countess@example.com", "Countess", NOW)

    person = (await api.get(f"/v1/activities/{event_id}")).json()["data"]["affected_user"]

    assert (person["username"], person["display_name"]) == ("ada@example.com", "Ada")
    assert person["current"] == {"username": "countess@example.com", "display_name": "Countess"}
    api.delete("usr_ada", NOW)
    person = (await api.get(f"/v1/activities/{event_id}")).json()["data"]["affected_user"]
    assert person["current"] is None


async def test_meta_says_what_there_is_and_what_the_token_allows(api: Api) -> None:
    api.record(previous_license="Data Steward", new_license="Data Reader")
    api.record(previous_license="Gone", occurred_at=NOW - 400 * DAY)
    headers = {"Authorization": f"Bearer {token(scope='profile audit:export audit:read')}"}

    body = (await api.client.get("/v1/meta", headers=headers)).json()

    assert body == {
        "activity_types": ["user_creation", "user_deletion", "user_license_update", "admin_rights_update"],
        "channels": ["unknown", "ui", "api", "file_import"],
        "licenses": ["Data Reader", "Data Steward"],
        "has_more_licenses": False,
        "retention_from": "2025-11-24T09:31:07.412345Z",
        "scopes": ["audit:export", "audit:read"],
    }
    assert (await api.get("/v1/meta")).json()["scopes"] == ["audit:read"]


async def test_whoever_has_a_word_that_begins_so_comes_before_whoever_contains_it(api: Api) -> None:
    for number, (person, name) in enumerate(
        [("usr_1", "Andrea Costa"), ("usr_2", "Hubert Internan"), ("usr_3", "Hana Martinová")]
    ):
        api.record(person, occurred_at=NOW - (9 - number) * DAY)
        api.name(person, f"{person}@example.com", name)

    assert [person["display_name"] for person in await persons(api, q="an")] == [
        *("Andrea Costa", "Hana Martinová", "Hubert Internan")
    ]
    assert [person["id"] for person in await persons(api, q="an", limit="1")] == ["usr_1"]
    assert [person["id"] for person in await persons(api, q="MARTIN hana")] == ["usr_3"]
    assert await persons(api, q="hana costa") == []
