from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from query_api.access import rate_limit
from query_api.access.auth import Caller
from query_api.errors import RateLimited
from tests.builders import NOW
from tests.unit.query_api.api import Api, running_api, token
from tests.unit.query_api.http.test_problems import assert_problem

PATHS = ["/v1/activities", "/v1/activities/stats", "/v1/users", "/v1/admins", "/v1/imports", "/v1/meta"]
DAY = timedelta(days=1)


async def get(api: Api, path: str, **headers: str) -> httpx.Response:
    sent = {"Authorization": f"Bearer {token()}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await api.client.get(path, headers=sent)


@pytest.mark.parametrize("path", [*PATHS, "detail"])
async def test_what_the_client_has_is_not_sent_again(api: Api, path: str) -> None:
    event_id = api.record()
    path = f"/v1/activities/{event_id}" if path == "detail" else path
    first = await get(api, path)

    api.clock[0] = NOW + timedelta(minutes=1)
    second = await get(api, path, If_None_Match=first.headers["ETag"])

    assert second.status_code == 304
    assert second.content == b""
    assert second.headers["ETag"] == first.headers["ETag"]
    assert second.headers["Cache-Control"] == "private, no-cache"
    assert second.headers["Vary"] == first.headers["Vary"]


@pytest.mark.parametrize(
    ("lines", "accept_encoding", "coding"),
    [
        (50, "br, gzip", "gzip"),
        (50, "gzip;q=0, *", None),
        (50, "identity", None),
        (1, "gzip", None),
        (50, "gzip; q=0", None),
        (50, "gzip;q=0.0", None),
    ],
)
async def test_a_long_answer_is_compressed_for_a_client_that_takes_it(
    api: Api, lines: int, accept_encoding: str, coding: str | None
) -> None:
    for _ in range(lines):
        api.record()

    answer = await get(api, "/v1/activities", Accept_Encoding=accept_encoding)

    assert answer.headers.get("Content-Encoding") == coding
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert len(answer.json()["data"]) == lines
    assert (int(answer.headers["Content-Length"]) < len(answer.content) / 3) == (coding is not None)


@pytest.mark.parametrize("path", ["/v1/activities", "/v1/users", "/v1/admins", "/v1/imports", "detail"])
async def test_a_deletion_is_shown_to_a_client_that_has_the_page_from_before(api: Api, path: str) -> None:
    event_id = api.record("usr_ada", "usr_ada", import_id=uuid4())
    api.name("usr_ada", "ada@example.com", "Ada")
    path = f"/v1/activities/{event_id}" if path == "detail" else path
    first = await get(api, path)
    assert "Ada" in first.text

    api.delete("usr_ada", NOW + DAY)
    second = await get(api, path, If_None_Match=first.headers["ETag"])

    assert second.status_code == 200
    assert "Ada" not in second.text


@pytest.mark.parametrize("path", PATHS[:5])
async def test_a_new_line_is_shown(api: Api, path: str) -> None:
    api.record()
    first = await get(api, path)

    api.record("usr_other", "usr_another", import_id=uuid4())

    assert (await get(api, path, If_None_Match=first.headers["ETag"])).status_code == 200


async def test_a_kept_page_is_renewed_before_its_cursor_ends(api: Api) -> None:
    for _ in range(2):
        api.record(occurred_at=NOW)
    first = await get(api, "/v1/activities?limit=1")

    api.clock[0] = NOW + timedelta(hours=12)

    assert (await get(api, "/v1/activities?limit=1", If_None_Match=first.headers["ETag"])).status_code == 200


async def test_client_spaces_and_filters_share_no_tag_where_they_show_something_else(api: Api) -> None:
    api.record(channel="api")
    api.record(space="globex")
    tags = {
        (await api.get("/v1/activities", space, **filters)).headers["ETag"]
        for space, filters in (("acme", {}), ("globex", {}), ("acme", {"channel": "ui"}))
    }

    assert len(tags) == 3


@pytest.mark.parametrize("given", ["*", '"x", {tag}', "{strong}", '{tag} , "y"'])
async def test_every_spelling_of_a_tag_is_understood(api: Api, given: str) -> None:
    tag = (await get(api, "/v1/meta")).headers["ETag"]

    answer = await get(api, "/v1/meta", If_None_Match=given.format(tag=tag, strong=tag.removeprefix("W/")))

    assert answer.status_code == 304


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html, application/*;q=0.2"])
async def test_json_is_sent_to_who_takes_it(api: Api, accept: str) -> None:
    assert (await get(api, "/v1/activities", Accept=accept)).status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/xml, text/*"])
async def test_who_takes_no_json_is_told_so(api: Api, accept: str) -> None:
    assert_problem(await get(api, "/v1/activities", Accept=accept), 406, "not-acceptable")


async def test_every_answer_has_the_security_headers(api: Api) -> None:
    for path in "/v1/activities", "/nowhere", "/healthz":
        headers = (await get(api, path)).headers

        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Strict-Transport-Security"] == "max-age=31536000"
        assert headers["Cross-Origin-Resource-Policy"] == "same-site"


async def test_a_page_of_a_listed_origin_may_read_and_no_other() -> None:
    async with running_api(AUDIT_CORS_ORIGINS="https://app.example.com https://admin.example.com:8443") as api:
        allowed = await get(api, "/v1/activities", Origin="https://admin.example.com:8443")
        other = await get(api, "/v1/activities", Origin="https://evil.example.com")
        asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
        preflight = await api.client.options(
            "/v1/activities", headers={**asked, "Access-Control-Request-Headers": "authorization,if-none-match"}
        )
        refused = await api.client.options("/v1/activities", headers={**asked, "Origin": "https://evil.example.com"})

    assert allowed.headers["Access-Control-Allow-Origin"] == "https://admin.example.com:8443"
    assert "ETag" in allowed.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in allowed.headers
    assert "Access-Control-Allow-Origin" not in other.headers
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"Origin": "https://evil.example.com"}, "origin"),
        ({"Access-Control-Request-Method": "DELETE"}, "method"),
        ({"Access-Control-Request-Headers": "x-evil"}, "headers"),
    ],
)
async def test_a_refused_preflight_is_a_problem_that_names_the_fault(changed: dict[str, str], fault: str) -> None:
    async with running_api(AUDIT_CORS_ORIGINS="https://app.example.com") as api:
        asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
        answer = await api.client.options("/v1/activities", headers={**asked, **changed})

    body = assert_problem(answer, 400, "preflight-refused")
    assert body["detail"].startswith(f"Not allowed: {fault}. Pages of ")
    assert "evil" not in answer.text
    assert "Origin" in answer.headers["Vary"]


async def test_no_origin_may_read_unless_one_is_listed(api: Api) -> None:
    answer = await get(api, "/v1/activities", Origin="https://app.example.com")

    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


async def test_too_many_requests_are_refused_until_the_window_has_moved_on() -> None:
    async with running_api(AUDIT_RATE_LIMIT_PER_MINUTE=3) as api:
        answers: list[Any] = [await api.get("/v1/activities") for _ in range(4)]
        other_subject = await get(api, "/v1/meta", Authorization=f"Bearer {token(sub='ada')}")
        other_space = await api.get("/v1/meta", "globex")

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"requests";q=3;w=60'
    assert answers[0].headers["RateLimit"].startswith('"requests";r=2;t=')
    assert_problem(answers[3], 429, "rate-limited")
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    assert (other_subject.status_code, other_space.status_code) == (200, 200)


async def test_a_client_space_asks_as_often_as_ten_of_its_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "CALLERS_PER_SPACE", 2)
    async with running_api(AUDIT_RATE_LIMIT_PER_MINUTE=2) as api:
        answers = [await get(api, "/v1/meta", Authorization=f"Bearer {token(sub=str(n))}") for n in range(5)]
        other_space = await api.get("/v1/meta", "globex")

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert 1 <= int(answers[4].headers["Retry-After"]) <= 60
    assert other_space.status_code == 200


def test_a_client_space_runs_as_many_exports_as_two_of_its_callers() -> None:
    limiter = rate_limit.RateLimiter(None)
    with ExitStack() as running:
        for subject in "ab":
            for _ in range(rate_limit.EXPORTS_AT_ONCE):
                running.enter_context(limiter.export(Caller("acme", subject)))
        with pytest.raises(RateLimited):
            running.enter_context(limiter.export(Caller("acme", "c")))
        running.enter_context(limiter.export(Caller("globex", "c")))
    with limiter.export(Caller("acme", "c")):
        pass


async def test_two_callers_whose_texts_join_to_the_same_have_a_limit_each() -> None:
    async with running_api(AUDIT_RATE_LIMIT_PER_MINUTE=1) as api:
        for space, subject in (("a/b", "c"), ("a", "b/c")):
            bearer = f"Bearer {token(client_space_id=space, sub=subject)}"
            assert (await get(api, "/v1/meta", Authorization=bearer)).status_code == 200


async def test_development_has_no_limit_unless_one_is_set(api: Api) -> None:
    answers = [await api.get("/v1/meta") for _ in range(310)]

    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[0].headers
