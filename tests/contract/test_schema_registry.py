"""Every `SchemaRegistry` keeps its promises: the in-memory one, and a real registry."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from uuid import uuid4

import pytest
from aiohttp import web

from schemas.avro_schemas import current_event_schema, current_event_schema_text, event_schema_texts
from schemas.errors import IncompatibleSchema, InvalidEvent, Reason, RegistryUnavailable, UnknownSchemaId
from schemas.registry import HttpSchemaRegistry, SchemaRegistry
from schemas.topics import EVENTS_SUBJECT
from tests.fakes.stream import InMemoryRegistry

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(params=["in memory", "http"])
async def registry(request: pytest.FixtureRequest) -> AsyncIterator[SchemaRegistry]:
    if request.param == "in memory":
        yield InMemoryRegistry()
        return
    address = request.getfixturevalue("stack_environment")["SCHEMA_REGISTRY_URL"]
    # A minute passes between two looks at the clock.
    async with HttpSchemaRegistry(address, clock=count(0, 60).__next__) as real:
        yield real


@pytest.fixture
async def real(stack_environment: dict[str, str]) -> AsyncIterator[HttpSchemaRegistry]:
    async with HttpSchemaRegistry(stack_environment["SCHEMA_REGISTRY_URL"]) as connected:
        yield connected


async def test_a_schema_is_found_under_the_id_that_registering_gave(registry: SchemaRegistry) -> None:
    schema_id = await registry.register(EVENTS_SUBJECT, current_event_schema_text())
    assert await registry.event_schema(schema_id) is current_event_schema()


async def test_registering_again_gives_the_same_id(registry: SchemaRegistry) -> None:
    first = await registry.register(EVENTS_SUBJECT, current_event_schema_text())
    assert await registry.register(EVENTS_SUBJECT, current_event_schema_text()) == first


@pytest.mark.parametrize("schema_id", [2_000_000_000, 2**32 - 1])
async def test_an_id_that_does_not_exist_is_unknown_in_the_end(registry: SchemaRegistry, schema_id: int) -> None:
    # The first answer may be that of a node that lags behind; the registry's word counts after a while.
    with suppress(RegistryUnavailable, UnknownSchemaId):
        await registry.event_schema(schema_id)
    with pytest.raises(UnknownSchemaId):
        await registry.event_schema(schema_id)


async def test_the_id_of_something_else_is_unexpected(real: HttpSchemaRegistry) -> None:
    other = json.dumps({"type": "record", "name": "Other", "fields": []})
    schema_id = await real.register(f"other-{uuid4().hex}", other)
    with pytest.raises(InvalidEvent) as refused:
        await real.event_schema(schema_id)
    assert refused.value.reason is Reason.UNEXPECTED_SCHEMA


async def test_the_registry_refuses_a_version_that_older_readers_cannot_follow(real: HttpSchemaRegistry) -> None:
    broken = json.loads(current_event_schema_text())
    broken["fields"].append({"name": "must_be_there", "type": "string"})
    with pytest.raises(IncompatibleSchema):
        await real.register(EVENTS_SUBJECT, json.dumps(broken))


async def test_the_registry_takes_every_released_version_in_order(real: HttpSchemaRegistry) -> None:
    subject = f"evolution-{uuid4().hex}"
    for text in event_schema_texts().values():
        await real.register(subject, text)
        await real.set_compatibility(subject)


@asynccontextmanager
async def answering(status: int, body: bytes) -> AsyncIterator[HttpSchemaRegistry]:
    """A registry that answers everything alike."""

    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with HttpSchemaRegistry(f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>no such page</html>"),  # a proxy, or a wrong base URL
        (404, b"{}"),
        (404, b'{"error_code": 40401, "message": "Subject not found"}'),
        (500, b'{"error_code": 50001}'),
        (200, b""),
        (200, b"[]"),
        (200, b'{"id": 3}'),
        (401, b'{"error_code": 40101}'),
    ],
)
async def test_no_other_answer_makes_a_good_record_bad(status: int, body: bytes) -> None:
    async with answering(status, body) as registry:
        with pytest.raises(RegistryUnavailable):
            await registry.event_schema(7)


async def test_a_registry_that_does_not_answer_is_unavailable() -> None:
    async with HttpSchemaRegistry("http://127.0.0.1:9") as nobody:
        with pytest.raises(RegistryUnavailable):
            await nobody.event_schema(7)
        with pytest.raises(RegistryUnavailable):
            await nobody.register(EVENTS_SUBJECT, current_event_schema_text())
