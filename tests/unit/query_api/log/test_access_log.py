import asyncio
import json
from typing import Any

import pytest

from query_api.errors import StoreUnavailable
from query_api.log import access_log
from query_api.log.access_log import Access, AccessRecorder, Action
from schemas.person_ref import person_ref
from tests.builders import KEY, NOW, a_uuid
from tests.fakes.reader import InMemoryAccessLog
from tests.unit.query_api.api import SPACE, Api, ref_of
from tests.unit.query_api.http.test_problems import assert_problem


def an_access(number: int = 1) -> Access:
    return Access(SPACE, NOW, a_uuid(number), a_uuid(0), Action.LIST, "{}", "r")


async def settled(recorded: InMemoryAccessLog, count: int) -> list[Access]:
    async with asyncio.timeout(60):
        while len(recorded.accesses) < count:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0)
    return recorded.accesses


async def test_every_view_is_recorded_with_who_and_which_filters(api: Api) -> None:
    event_id = api.record()
    asked = {"channel": "ui", "license": "Data Reader", "admin_rights": "granted", "order": "asc"}
    await api.get("/v1/activities", affected_user="usr_ada", **asked)
    await api.get(f"/v1/activities/{event_id}")
    await api.get("/v1/activities/stats", activity_type="user_creation", facet=["license", "channel"])
    await api.get("/v1/users", q="Ada Lovelace")
    await api.get("/v1/admins")
    await api.get("/v1/imports", admin="usr_ada")
    await api.get("/v1/meta")

    accesses = await settled(api.access_log, 7)

    assert [(access.action, json.loads(access.filters)) for access in accesses] == [
        (
            Action.LIST,
            {
                "affected_user": [str(ref_of("usr_ada"))],
                "channel": ["ui"],
                "license": ["Data Reader"],
                "admin_rights": ["granted"],
                "order": "asc",
            },
        ),
        (Action.DETAIL, {"event_id": event_id}),
        (Action.STATS, {"activity_type": ["user_creation"], "interval": "day", "facet": ["channel", "license"]}),
        (Action.USERS, {"is_search": True}),
        (Action.ADMINS, {"is_search": False}),
        (Action.IMPORTS, {"admin": [str(ref_of("usr_ada"))]}),
        (Action.META, {}),
    ]
    assert {access.subject_ref for access in accesses} == {person_ref(KEY, SPACE, "grace")}
    assert {access.client_space_id for access in accesses} == {SPACE}
    assert len({access.access_id for access in accesses}) == 7
    assert all(word not in str(accesses) for word in ("usr_ada", "Lovelace", "grace"))


async def test_a_page_that_the_client_has_is_a_view_too(api: Api) -> None:
    first = await api.get("/v1/activities")
    headers = {"Authorization": first.request.headers["Authorization"], "If-None-Match": first.headers["ETag"]}
    await api.client.get("/v1/activities", headers=headers)

    assert len(await settled(api.access_log, 2)) == 2


async def test_no_parameter_and_no_header_switches_recording_off(api: Api) -> None:
    for parameters in ({"record": "false"}, {"access_log": "0"}, {"dry_run": "1"}):
        assert (await api.get("/v1/activities", **parameters)).status_code == 422


async def test_views_wait_while_they_cannot_be_recorded_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "FIRST_PAUSE_SECONDS", 0.001)
    recorded = InMemoryAccessLog()
    recorder = AccessRecorder(recorded)
    recorded.failure = StoreUnavailable("down")
    for number in range(3):
        recorder.record_view(an_access(number))
        await asyncio.sleep(0.005)
    assert recorded.accesses == []

    recorded.failure = None

    assert await settled(recorded, 3) == [an_access(number) for number in range(3)]


async def test_where_too_many_views_wait_the_log_is_not_read(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "MAX_WAITING", 2)
    monkeypatch.setattr(access_log, "FIRST_PAUSE_SECONDS", 0.001)
    api.access_log.failure = StoreUnavailable("down")
    answers: list[Any] = [await api.get("/v1/activities") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 503]
    assert_problem(answers[2], 503, "store-unavailable")
    api.access_log.failure = None
    await settled(api.access_log, 2)
    assert (await api.get("/v1/activities")).status_code == 200


async def test_views_that_wait_are_recorded_before_the_service_ends() -> None:
    recorded = InMemoryAccessLog()
    recorder = AccessRecorder(recorded)
    for number in range(2_500):
        recorder.record_view(an_access(number))

    await recorder.close()

    assert len(recorded.accesses) == 2_500


async def test_the_end_of_the_service_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "CLOSING_SECONDS", 0.01)
    recorded = InMemoryAccessLog()
    recorded.failure = StoreUnavailable("down")
    recorder = AccessRecorder(recorded)
    recorder.record_view(an_access())

    async with asyncio.timeout(30):
        await recorder.close()
