"""Which answers of a registry are believed, and when."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from aiohttp import web

from schemas.avro_schemas import current_event_schema, current_event_schema_text
from schemas.errors import RegistryUnavailable, UnknownSchemaId
from schemas.registry import BELIEVED_AFTER_SECONDS, MAX_SCHEMA_ID, HttpSchemaRegistry
from schemas.topics import EVENTS_SUBJECT

KNOWN, ASKED = 3, 7
NOT_FOUND = (404, {"error_code": 40403, "message": "Schema not found"})
NOT_A_PATH = (404, {"error_code": 404, "message": "HTTP 404 Not Found"})


class Registry:
    """A registry that has the event's schema under the id `KNOWN`, and answers for `ASKED` what it is told."""

    def __init__(self) -> None:
        self.answers: dict[int, tuple[int, object]] = {KNOWN: (200, {"schema": current_event_schema_text()})}
        self.now = 0.0
        self.asked: list[int] = []
        self.has_subject = True

    async def by_id(self, request: web.Request) -> web.Response:
        schema_id = int(request.match_info["id"])
        self.asked.append(schema_id)
        status, body = self.answers.get(schema_id, NOT_FOUND)
        return web.json_response(body, status=status)

    async def latest(self, _: web.Request) -> web.Response:
        if not self.has_subject:
            return web.json_response({"error_code": 40401}, status=404)
        return web.json_response({"id": KNOWN, "schema": current_event_schema_text()})

    @asynccontextmanager
    async def client(self) -> AsyncIterator[HttpSchemaRegistry]:
        app = web.Application()
        app.router.add_get("/schemas/ids/{id}", self.by_id)
        app.router.add_get(f"/subjects/{EVENTS_SUBJECT}/versions/latest", self.latest)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with HttpSchemaRegistry(
                f"http://127.0.0.1:{runner.addresses[0][1]}", clock=lambda: self.now
            ) as client:
                yield client
        finally:
            await runner.cleanup()


@pytest.fixture
def registry() -> Registry:
    return Registry()


async def test_an_id_that_no_registry_can_have_is_unknown_without_a_question(registry: Registry) -> None:
    async with registry.client() as client:
        with pytest.raises(UnknownSchemaId):
            await client.event_schema(MAX_SCHEMA_ID + 1)
    assert registry.asked == []


async def test_an_id_that_a_lagging_node_denies_is_found_when_it_knows_it(registry: Registry) -> None:
    async with registry.client() as client:
        for registry.now in (0, 4, 9):
            with pytest.raises(RegistryUnavailable):
                await client.event_schema(ASKED)
        registry.answers[ASKED] = registry.answers[KNOWN]
        assert await client.event_schema(ASKED) is current_event_schema()


@pytest.mark.parametrize("denial", [NOT_FOUND, NOT_A_PATH, (400, {"error_code": 400}), (422, {})])
@pytest.mark.parametrize("is_warm", [True, False])
async def test_an_id_that_is_denied_for_ten_seconds_is_unknown(
    registry: Registry, denial: tuple[int, object], *, is_warm: bool
) -> None:
    registry.answers[ASKED] = denial
    async with registry.client() as client:
        if is_warm:
            await client.event_schema(KNOWN)
        with pytest.raises(RegistryUnavailable):
            await client.event_schema(ASKED)
        registry.now = BELIEVED_AFTER_SECONDS
        with pytest.raises(UnknownSchemaId):
            await client.event_schema(ASKED)


@pytest.mark.parametrize("answer", [NOT_A_PATH, (401, {}), (429, {}), (500, {}), (200, {})])
async def test_an_answer_that_every_id_gets_is_an_outage_for_any_time(
    registry: Registry, answer: tuple[int, object]
) -> None:
    registry.answers = {KNOWN: answer, ASKED: answer}
    async with registry.client() as client:
        for registry.now in range(0, 600, 60):
            with pytest.raises(RegistryUnavailable):
                await client.event_schema(ASKED)


@pytest.mark.parametrize("answer", [(429, {}), (500, {"error_code": 50001}), (200, {"id": 3})])
async def test_an_error_of_the_moment_is_no_denial(registry: Registry, answer: tuple[int, object]) -> None:
    registry.answers[ASKED] = answer
    async with registry.client() as client:
        for registry.now in range(0, 600, 60):
            with pytest.raises(RegistryUnavailable):
                await client.event_schema(ASKED)


async def test_a_denial_that_was_taken_back_begins_anew(registry: Registry) -> None:
    async with registry.client() as client:
        for registry.now, registry.answers[ASKED] in ((0, NOT_FOUND), (8, (500, {})), (11, NOT_FOUND)):
            with pytest.raises(RegistryUnavailable):
                await client.event_schema(ASKED)


async def test_a_registry_without_the_subject_denies_nothing_but_by_its_own_word(registry: Registry) -> None:
    registry.has_subject = False
    registry.answers[ASKED] = NOT_A_PATH
    async with registry.client() as client:
        for registry.now in (0, 60):
            with pytest.raises(RegistryUnavailable):
                await client.event_schema(ASKED)


async def test_what_is_remembered_of_denials_is_bounded(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemas.registry._MAX_DENIED", 5)
    async with registry.client() as client:
        for schema_id, _ in zip(count(100), range(20), strict=False):
            with pytest.raises(RegistryUnavailable):
                await client.event_schema(schema_id)
        assert len(client._denied_since) == 5


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "see user and password in SCHEMA_REGISTRY_URL"), (404, "see the path of"), (500, "500")],
)
async def test_a_registry_that_refuses_says_what_to_mend(registry: Registry, status: int, advice: str) -> None:
    registry.answers[ASKED], registry.has_subject = (status, {}), False
    async with registry.client() as client:
        with pytest.raises(RegistryUnavailable, match=advice):
            await client.event_schema(ASKED)


async def test_a_registry_that_is_away_is_named_by_its_setting() -> None:
    async with HttpSchemaRegistry("http://127.0.0.1:9") as client:
        with pytest.raises(RegistryUnavailable, match="see SCHEMA_REGISTRY_URL"):
            await client.event_schema(ASKED)
