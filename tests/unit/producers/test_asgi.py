"""The adapter for ASGI applications, under a FastAPI application."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request

from producers.asgi import AuditMiddleware, Caller, NoRequest, Scope, current
from producers.in_memory import InMemoryPublisher
from schemas.events import Channel, Person, Source
from tests.builders import ADMIN, NOW, USER


def authenticate(request: Request) -> None:
    """As an application does: it verifies, and says who it is."""
    request.state.caller = request.headers["authorization"]


def identify(scope: Scope) -> Caller:
    key = dict(scope["headers"]).get(b"idempotency-key", b"").decode() or None
    client_space_id = scope["state"]["caller"]
    return Caller(client_space_id, ADMIN, idempotency_key=key, first_received_at=NOW if key else None)


def application(publisher: InMemoryPublisher, channel: Channel) -> FastAPI:
    app = FastAPI(dependencies=[Depends(authenticate)])

    @app.post("/users/{user_id}/license")
    async def license_(user_id: str) -> None:
        await current().license_updated(Person(user_id), previous_license=None, new_license="Data Reader")
        await current().admin_rights_updated(Person(user_id), granted=True)

    @app.get("/users")
    def users() -> None:
        return None

    app.add_middleware(
        AuditMiddleware,
        publisher=lambda: publisher,
        identify=identify,
        channel=channel,
        service="users",
    )
    return app


@pytest.fixture
async def publisher() -> AsyncIterator[InMemoryPublisher]:
    async with InMemoryPublisher() as publisher:
        yield publisher


async def post(app: FastAPI, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as http:
        sent: dict[str, Any] = {"authorization": "acme", **{name.replace("_", "-"): v for name, v in headers.items()}}
        return await http.post(f"/users/{USER.id}/license", headers=sent)


@pytest.mark.parametrize("channel", [Channel.UI, Channel.API])
async def test_the_request_says_who_acts_where_and_through_which_channel(
    publisher: InMemoryPublisher, channel: Channel
) -> None:
    assert (await post(application(publisher, channel), x_request_id="req-7")).is_success
    for event in publisher.events:
        assert (event.client_space_id, event.admin, event.channel) == ("acme", ADMIN, channel)
        assert event.source == Source("users", request_id="req-7")
    assert len(publisher.events) == 2


async def test_a_request_id_that_may_name_somebody_is_replaced(publisher: InMemoryPublisher) -> None:
    await post(application(publisher, Channel.UI), x_request_id="/users/ada@example.com")
    for event in publisher.events:
        assert event.source is not None
        assert len(event.source.request_id or "") == 32


async def test_a_repeated_request_is_the_same_events(publisher: InMemoryPublisher) -> None:
    app = application(publisher, Channel.API)
    for _ in range(2):
        await post(app, idempotency_key="0b2d6f4c", x_request_id="req-7")
    assert publisher.events[:2] == publisher.events[2:]
    assert len({event.event_id for event in publisher.events}) == 2


def test_outside_a_request_there_are_no_verbs() -> None:
    with pytest.raises(NoRequest):
        current()


def test_a_file_import_is_no_channel_of_requests(publisher: InMemoryPublisher) -> None:
    with pytest.raises(ValueError, match="ui or api"):
        application(publisher, Channel.FILE_IMPORT).build_middleware_stack()
