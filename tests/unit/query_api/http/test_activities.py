import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from query_api.errors import QueryTimeout, StoreUnavailable
from query_api.log.persons import deleted_ref
from schemas.retention import retention_start
from tests.builders import KEY, NOW
from tests.unit.query_api.api import SPACE, Api, ref_of

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
START = retention_start(NOW)


async def walk(api: Api, **parameters: Any) -> list[str]:
    """The `event_id` of each line, by following `next_cursor`."""
    met, page = [], await api.page(**parameters)
    while True:
        met += [line["event_id"] for line in page["data"]]
        assert page["page"]["has_more"] == (page["page"]["next_cursor"] is not None)
        if not page["page"]["has_more"]:
            return met
        page = await api.page(**parameters, cursor=page["page"]["next_cursor"])


async def test_a_page_is_shown_whole(api: Api) -> None:
    import_id = uuid4()
    event_id = api.record(
        admin_id="usr_gone",
        activity_type="user_license_update",
        channel="file_import",
        previous_license="Data Reader",
        source_service="importer",
        import_id=import_id,
        import_row_number=42,
        recorded_at=NOW.replace(microsecond=0),
    )
    api.name("usr_ada", "ada@example.com", "Ada Lovelace")
    api.delete("usr_gone", NOW + DAY)

    assert await api.page() == {
        "data": [
            {
                "event_id": event_id,
                "occurred_at": "2026-11-24T09:31:07.412345Z",
                "recorded_at": "2026-11-24T09:31:07.000000Z",
                "activity_type": "user_license_update",
                "channel": "file_import",
                "affected_user": {
                    "ref": str(ref_of("usr_ada")),
                    "id": "usr_ada",
                    "username": "ada@example.com",
                    "display_name": "Ada Lovelace",
                    "deleted": False,
                    "current": None,
                },
                "admin": {
                    "ref": str(deleted_ref(KEY, SPACE, ref_of("usr_gone"))),
                    "id": None,
                    "username": None,
                    "display_name": "Deleted User",
                    "deleted": True,
                    "current": None,
                },
                "changes": [{"field": "license", "before": "Data Reader", "after": None}],
                "source": {
                    "service": "importer",
                    "request_id": None,
                    "import_id": str(import_id),
                    "row_number": 42,
                },
            }
        ],
        "page": {"limit": 50, "has_more": False, "next_cursor": None},
        "meta": {
            "as_of": "2026-11-24T09:31:07.412345Z",
            "from": "2025-11-24T09:31:07.412345Z",
            "to": None,
            "clamped": False,
            "complete_through": None,
        },
    }


async def test_a_single_line_is_shown_as_on_its_page(api: Api) -> None:
    event_id = api.record()

    answer = await api.get(f"/v1/activities/{event_id}")

    assert answer.json() == {"data": (await api.page())["data"][0]}


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ({"activity_type": "user_creation"}, []),
        ({"activity_type": "user_deletion"}, []),
        ({"activity_type": "user_license_update"}, [{"field": "license", "before": None, "after": None}]),
        (
            {"activity_type": "admin_rights_update", "admin_rights_granted": True},
            [{"field": "admin_rights", "before": False, "after": True}],
        ),
        (
            {"activity_type": "admin_rights_update", "admin_rights_granted": False},
            [{"field": "admin_rights", "before": True, "after": False}],
        ),
    ],
)
async def test_an_update_says_what_it_changed(api: Api, fields: dict[str, Any], changes: list[Any]) -> None:
    api.record(**fields)

    (line,) = (await api.page())["data"]

    assert line["changes"] == changes
    assert line["source"] is None


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize(("lines", "limit"), [(100, 1), (500, 7), (500, 499)])
async def test_lines_of_one_time_page_exactly_once(api: Api, order: str, lines: int, limit: int) -> None:
    # Fewer for pages of one line: the fake sorts the whole log for each page.
    recorded = [api.record() for _ in range(lines)]

    met = await walk(api, order=order, limit=limit)

    assert sorted(met) == sorted(recorded)


async def test_newest_is_first_unless_asked_otherwise(api: Api) -> None:
    recorded = [api.record(occurred_at=NOW - number * DAY) for number in range(3)]

    assert await walk(api) == recorded
    assert await walk(api, order="asc") == recorded[::-1]


async def test_a_line_added_during_a_walk_is_met_once_or_not_and_moves_no_other(api: Api) -> None:
    recorded = [api.record(occurred_at=NOW - number * MICROSECOND) for number in range(4)]
    first = await api.page(limit=2)

    api.record(occurred_at=NOW + DAY)
    second = await api.page(limit=2, cursor=first["page"]["next_cursor"])

    assert [line["event_id"] for page in (first, second) for line in page["data"]] == recorded


async def test_the_link_header_leads_through_the_whole_walk(api: Api) -> None:
    recorded = [api.record(person_id="usr +&ä") for _ in range(5)]
    answer = await api.get("/v1/activities", limit=2, affected_user="usr +&ä", channel=["ui", "api"])
    met = [line["event_id"] for line in answer.json()["data"]]
    while link := answer.headers.get("Link"):
        # No path: a proxy may have taken a part of it away.
        reference = re.fullmatch(r'<(\?[!-~]+)>; rel="next"', link)
        assert reference is not None
        headers = {"Authorization": answer.request.headers["Authorization"]}
        answer = await api.client.get(answer.request.url.join(reference[1]), headers=headers)
        met += [line["event_id"] for line in answer.json()["data"]]

    assert sorted(met) == sorted(recorded)


@pytest.mark.parametrize(
    "changes",
    [{"channel": "api"}, {"order": "asc"}, {"from_": "2026-01-01T00:00:00Z"}, {"space": "globex"}, {"cursor": "x"}],
)
async def test_a_cursor_serves_no_other_walk(api: Api, changes: dict[str, Any]) -> None:
    for space in (SPACE, "globex"):
        for _ in range(2):
            api.record(space=space)
    cursor = (await api.page(limit=1))["page"]["next_cursor"]

    answer = await api.get("/v1/activities", **{"cursor": cursor, **changes})

    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/invalid-cursor"


async def test_a_cursor_takes_its_filters_in_any_order_and_another_limit(api: Api) -> None:
    recorded = [api.record() for _ in range(3)]
    first = await api.page(limit=1, channel=["ui", "api"], activity_type=["user_creation"])

    second = await api.page(
        limit=50, channel=["api", "ui", "ui"], activity_type=["user_creation"], cursor=first["page"]["next_cursor"]
    )

    assert sorted(line["event_id"] for page in (first, second) for line in page["data"]) == sorted(recorded)


async def test_an_import_is_found_by_its_id_on_every_path(api: Api) -> None:
    first, other = uuid4(), uuid4()
    wanted = {api.record(channel="file_import", import_id=first) for _ in range(3)}
    api.record(channel="file_import", import_id=other)
    api.record()

    page = await api.page(import_id=str(first), limit=2)
    cursor = page["page"]["next_cursor"]
    rest = await api.page(import_id=str(first), limit=2, cursor=cursor)

    assert {line["event_id"] for line in (*page["data"], *rest["data"])} == wanted
    assert (await api.get("/v1/activities", import_id=str(other), cursor=cursor)).status_code == 400
    assert (await api.get("/v1/activities", cursor=cursor)).status_code == 400
    assert len(await api.found(import_id=[str(first), str(other)])) == 4
    assert (await api.get("/v1/activities/stats", import_id=str(first))).json()["total"] == 3


async def test_a_license_is_found_as_the_previous_and_the_new_one(api: Api) -> None:
    changes = [("Data Reader", None), (None, "Data Reader"), ("Data Steward", "Data Explorer"), (None, None)]
    events = [api.record(previous_license=before, new_license=after) for before, after in changes]

    assert await api.found(license="Data Reader") == set(events[:2])
    assert await api.found(license="data reader") == set()
    assert await api.found(license=["Data Reader", "Data Explorer"]) == set(events[:3])
    assert (await api.get("/v1/activities/stats", license="Data Reader")).json()["total"] == 2


async def test_admin_rights_are_found_as_granted_or_removed(api: Api) -> None:
    given = {"activity_type": "admin_rights_update"}
    granted, removed = [api.record(**given, admin_rights_granted=value) for value in (True, False)]
    api.record(activity_type="user_creation")

    assert await api.found(admin_rights="granted") == {granted}
    assert await api.found(admin_rights="removed") == {removed}
    assert await api.found(admin_rights=["granted", "removed"]) == {granted, removed}
    assert (await api.get("/v1/activities/stats", admin_rights="granted")).json()["total"] == 1
    assert (await api.get("/v1/activities", admin_rights="true")).status_code == 422


async def test_a_cursor_ends_after_24_hours(api: Api) -> None:
    for _ in range(2):
        api.record()
    cursor = (await api.page(limit=1))["page"]["next_cursor"]

    api.clock[0] = NOW + timedelta(hours=24)

    assert (await api.get("/v1/activities", cursor=cursor)).status_code == 400


async def test_nothing_older_than_retention_is_shown_by_any_path(api: Api) -> None:
    kept = api.record(occurred_at=START)
    gone = api.record(occurred_at=START - MICROSECOND)

    assert await api.found() == {kept}
    assert await api.found(order="asc", from_="2000-01-01T00:00:00Z") == {kept}
    assert (await api.get(f"/v1/activities/{kept}")).status_code == 200
    assert (await api.get(f"/v1/activities/{gone}")).status_code == 404


async def test_retention_moves_on_during_a_walk(api: Api) -> None:
    recorded = [api.record(occurred_at=START + number * MICROSECOND) for number in range(4)]
    first = await api.page(limit=1, order="asc")

    api.clock[0] = NOW + 3 * MICROSECOND
    second = await api.page(order="asc", cursor=first["page"]["next_cursor"])

    assert [line["event_id"] for line in second["data"]] == recorded[3:]


async def test_a_range_that_reaches_behind_retention_is_cut_and_says_so(api: Api) -> None:
    inside = {"as_of": "2026-11-24T09:31:07.412345Z", "from": "2025-11-24T09:31:07.412345Z", "clamped": True}
    inside["complete_through"] = None

    assert (await api.page(from_="2020-01-01T00:00:00Z", to="2026-01-01T01:00:00+01:00"))["meta"] == {
        **inside,
        "to": "2026-01-01T00:00:00.000000Z",
    }
    assert (await api.page(from_="2025-11-24T09:31:07.412345Z"))["meta"]["clamped"] is False
    assert (await api.page(from_="2020-01-01T00:00:00Z", to="2021-01-01T00:00:00Z"))["data"] == []


async def test_from_is_inclusive_and_to_is_not(api: Api) -> None:
    recorded = [api.record(occurred_at=NOW + number * MICROSECOND) for number in range(3)]

    assert await api.found(from_="2026-11-24T09:31:07.412345Z", to="2026-11-24T10:31:07.412347+01:00") == set(
        recorded[:2]
    )


async def test_values_are_alternatives_and_filters_must_all_match(api: Api) -> None:
    wanted = {api.record("usr_a", "usr_x", channel="api"), api.record("usr_b", "usr_x", channel="ui")}
    api.record("usr_a", "usr_y", channel="api")
    api.record("usr_a", "usr_x", channel="file_import")
    api.record("usr_c", "usr_x", channel="api")
    api.record("usr_a", "usr_x", channel="api", activity_type="user_deletion")

    found = await api.found(
        affected_user=["usr_a", "usr_b"], admin="usr_x", channel=["ui", "api"], activity_type="user_creation"
    )

    assert found == wanted


async def test_no_client_space_sees_another(api: Api) -> None:
    event_id = api.record(space="globex")

    assert (await api.page())["data"] == []
    assert (await api.page(space="globex"))["data"] != []
    assert (await api.page(affected_user="usr_ada"))["data"] == []
    missing = await api.get(f"/v1/activities/{event_id}")
    assert missing.status_code == 404


async def test_a_line_of_another_client_space_is_missing_as_one_that_never_was(api: Api) -> None:
    elsewhere = await api.get(f"/v1/activities/{api.record(space='globex')}")
    nowhere = await api.get(f"/v1/activities/{uuid4()}")

    assert without_ids(elsewhere.json()) == without_ids(nowhere.json())


def without_ids(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("instance", "request_id", "meta")}


async def test_the_id_of_a_deleted_person_answers_as_one_that_never_was(api: Api) -> None:
    api.record("usr_gone", "usr_gone")
    api.delete("usr_gone", NOW)

    for name in "affected_user", "admin":
        for value in "usr_gone", f"ref:{ref_of('usr_gone')}":
            assert await api.page(**{name: value}) == await api.page(**{name: "usr_never"})


async def test_a_recreated_person_has_a_life_of_their_own(api: Api) -> None:
    old = api.record(occurred_at=NOW - 2 * DAY)
    api.delete("usr_ada", NOW - DAY)
    api.create("usr_ada", NOW)
    new = api.record(occurred_at=NOW)
    api.name("usr_ada", "ada@example.com", "Ada")

    before, after = (line["affected_user"] for line in (await api.page(order="asc"))["data"])

    assert (before["display_name"], before["id"], before["deleted"]) == ("Deleted User", None, True)
    assert (after["display_name"], after["id"], after["deleted"]) == ("Ada", "usr_ada", False)
    assert await api.found(affected_user="usr_ada") == {new}
    assert await api.found(affected_user=f"ref:{after['ref']}") == {new}
    assert await api.found(affected_user=f"ref:{before['ref']}") == {old}
    assert await api.found(affected_user=[f"ref:{before['ref']}", "usr_ada"]) == {old, new}


async def test_the_ref_of_a_deleted_person_finds_what_it_stands_on(api: Api) -> None:
    recorded = {api.record("usr_x", "usr_gone"), api.record("usr_y", "usr_gone")}
    api.record("usr_x", "usr_there")
    api.delete("usr_gone", NOW)
    (ref,) = {line["admin"]["ref"] for line in (await api.page())["data"] if line["admin"]["deleted"]}

    assert await api.found(admin=f"ref:{ref}") == recorded
    assert await api.found(affected_user=f"ref:{ref}") == set()


async def test_a_renamed_person_is_shown_as_they_were_called_then(api: Api) -> None:
    api.record(occurred_at=NOW)
    api.record(occurred_at=NOW + 2 * DAY)
    api.name("usr_ada", "ada", "Ada", NOW)
    api.name("usr_ada", "countess", "", NOW + DAY)

    shown = [line["affected_user"] for line in (await api.page(order="asc"))["data"]]

    assert [(person["username"], person["display_name"]) for person in shown] == [("ada", "Ada"), ("countess", None)]


async def test_a_deletion_that_lands_while_a_page_is_read_masks_it(api: Api) -> None:
    api.record()
    api.name("usr_ada", "ada", "Ada")
    api.store.before_persons = lambda: api.delete("usr_ada", NOW + DAY)

    (line,) = (await api.page())["data"]

    assert line["affected_user"]["display_name"] == "Deleted User"


async def test_a_deletion_that_lands_while_a_person_is_asked_for_leaves_no_line_that_tells(api: Api) -> None:
    for _ in range(2):
        api.record()
    api.store.before_persons = lambda: api.delete("usr_ada", NOW + DAY)

    assert (await api.page(affected_user="usr_ada"))["data"] == []


async def test_lines_are_shown_without_names_while_names_cannot_be_read(api: Api) -> None:
    api.record("usr_ada", "usr_gone")
    api.name("usr_ada", "ada", "Ada")
    api.delete("usr_gone", NOW)
    api.store.names_failure = QueryTimeout("late")

    (line,) = (await api.page())["data"]

    assert line["affected_user"] == {
        "ref": str(ref_of("usr_ada")),
        "id": None,
        "username": None,
        "display_name": "Name unavailable",
        "deleted": False,
        "current": None,
    }
    assert line["admin"]["display_name"] == "Deleted User"


async def test_no_line_is_shown_while_lives_cannot_be_read(api: Api) -> None:
    api.record()

    def fail() -> None:
        api.store.failure = StoreUnavailable("down")

    api.store.before_persons = fail

    assert (await api.get("/v1/activities")).status_code == 503


async def test_copies_of_an_event_are_one_line(api: Api) -> None:
    event_id = uuid4()
    for precedence in (1, 3, 2):
        api.record(event_id=event_id, precedence=precedence, channel="api" if precedence == 3 else "ui")

    assert [line["channel"] for line in (await api.page())["data"]] == ["api"]
    assert (await api.page(channel="ui"))["data"] == []
    assert (await api.get(f"/v1/activities/{event_id}")).json()["data"]["channel"] == "api"


async def test_text_is_shown_as_it_was_recorded(api: Api) -> None:
    text = 'Zoë "\\<script>\u2028\U0001f600'
    api.record()
    api.name("usr_ada", text, text)

    answer = await api.get("/v1/activities")

    assert answer.json()["data"][0]["affected_user"]["username"] == text
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.content.decode("utf-8")) == answer.json()


async def test_every_answer_is_private_and_revalidated(api: Api) -> None:
    for path in "/v1/activities", "/v1/activities/x", "/healthz", "/nowhere", "/openapi.json":
        headers = (await api.get(path)).headers

        assert headers["Cache-Control"] == "private, no-cache"
        assert {"Authorization", "Accept", "Origin"} <= set(headers["Vary"].split(", "))
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Request-ID"]


async def test_an_event_id_is_found_in_any_spelling_of_a_uuid(api: Api) -> None:
    event_id = api.record()

    assert (await api.get(f"/v1/activities/{event_id.upper()}")).json()["data"]["event_id"] == event_id
    assert UUID(event_id)


async def test_the_leap_day_does_not_bring_lines_back(api: Api) -> None:
    api.clock[0] = datetime(2028, 2, 29, 12, tzinfo=UTC)
    api.record(occurred_at=datetime(2027, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC))
    kept = api.record(occurred_at=datetime(2027, 3, 1, tzinfo=UTC))

    assert await api.found() == {kept}
