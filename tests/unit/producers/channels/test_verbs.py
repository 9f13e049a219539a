"""The four verbs and the two live adapters."""

import asyncio
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from producers import (
    ApiRequest,
    DeliveryUnknown,
    InvalidEvent,
    NothingChanged,
    Person,
    ProducerError,
    Stamp,
    UiSession,
)
from producers.activities import ActionContext, license_updated, live_stamp, user_created, user_deleted
from producers.asgi import Caller
from producers.channels.web import WebChannel
from producers.in_memory import InMemoryPublisher
from schemas.events import (
    AdminRightsUpdate,
    Channel,
    Event,
    Source,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)
from tests.builders import ADMIN, NOW, USER

STAMP = Stamp(UUID(int=7), NOW)
CONTEXT = ActionContext("acme", Channel.UI, ADMIN, Source("user-service"))


def ui_session(publisher: InMemoryPublisher) -> UiSession:
    return UiSession(
        publisher, client_space_id="acme", admin=ADMIN, service="user-service", request_id="r1", clock=lambda: NOW
    )


def api_request(publisher: InMemoryPublisher, idempotency_key: str | None = None) -> ApiRequest:
    return ApiRequest(
        publisher,
        client_space_id="acme",
        token_owner=ADMIN,
        request_id="r1",
        service="scim",
        idempotency_key=idempotency_key,
        first_received_at=None if idempotency_key is None else NOW,
    )


def test_an_event_is_a_function_of_context_user_and_stamp() -> None:
    assert user_created(CONTEXT, USER, STAMP) == Event(
        STAMP.event_id, NOW, "acme", Channel.UI, ADMIN, USER, UserCreation(), Source("user-service")
    )


def test_a_deletion_does_not_name_its_affected_user() -> None:
    assert user_deleted(CONTEXT, USER, STAMP).affected_user == Person(USER.id)


async def test_of_calls_that_are_gathered_one_that_is_refused_stops_no_other() -> None:
    async with InMemoryPublisher() as publisher:
        ui = ui_session(publisher)
        created, refused = await asyncio.gather(
            ui.user_created(USER),
            ui.license_updated(USER, previous_license=None, new_license=None),
            return_exceptions=True,
        )
    assert isinstance(refused, NothingChanged)
    assert [type(event.activity) for event in publisher.events] == [UserCreation]
    assert not isinstance(created, BaseException)


@pytest.mark.parametrize("license_name", [None, "Data Reader"])
def test_an_update_that_changes_nothing_is_refused(license_name: str | None) -> None:
    with pytest.raises(NothingChanged):
        license_updated(CONTEXT, USER, STAMP, previous_license=license_name, new_license=license_name)


def test_live_events_have_increasing_version_7_ids_and_the_time_of_the_clock() -> None:
    stamps = [live_stamp(lambda: NOW) for _ in range(100)]
    assert {stamp.event_id.version for stamp in stamps} == {7}
    assert stamps == sorted(stamps, key=lambda stamp: stamp.event_id)
    assert {stamp.occurred_at for stamp in stamps} == {NOW}


async def test_the_ui_adapter_publishes_all_four_activities_for_its_admin() -> None:
    async with InMemoryPublisher() as publisher:
        ui = ui_session(publisher)
        await ui.user_created(USER)
        await ui.license_updated(USER, previous_license=None, new_license="Data Reader")
        await ui.admin_rights_updated(USER, granted=True)
        await ui.user_deleted(USER)
    assert [event.activity for event in publisher.events] == [
        UserCreation(),
        UserLicenseUpdate(None, "Data Reader"),
        AdminRightsUpdate(granted=True),
        UserDeletion(),
    ]
    assert {event.channel for event in publisher.events} == {Channel.UI}
    assert {event.admin for event in publisher.events} == {ADMIN}
    assert {event.source for event in publisher.events} == {Source("user-service", request_id="r1")}


async def test_the_api_adapter_names_the_token_owner_and_the_request() -> None:
    async with InMemoryPublisher() as publisher:
        await api_request(publisher).user_created(USER)
    (event,) = publisher.events
    assert (event.channel, event.admin, event.source) == (Channel.API, ADMIN, Source("scim", request_id="r1"))
    assert event.event_id.version == 7


async def test_a_repeated_request_with_an_idempotency_key_publishes_the_same_events() -> None:
    async with InMemoryPublisher() as publisher:
        for _ in range(2):
            request = api_request(publisher, "key-1")
            await request.user_created(USER)
            await request.admin_rights_updated(USER, granted=True)
            await request.admin_rights_updated(USER, granted=False)
    assert publisher.events[:3] == publisher.events[3:]
    assert len({event.event_id for event in publisher.events}) == 3
    times = [event.occurred_at for event in publisher.events[:3]]
    assert times == sorted(set(times))
    assert times[-1] - NOW < timedelta(milliseconds=1)


async def test_another_idempotency_key_makes_other_events() -> None:
    async with InMemoryPublisher() as publisher:
        for key in ("key-1", "key-2"):
            await api_request(publisher, key).user_created(USER)
    assert len({event.event_id for event in publisher.events}) == 2


async def test_a_repetition_that_leaves_out_what_was_done_publishes_the_rest_as_the_same_events() -> None:
    others = [Person("usr_1"), Person("usr_2")]
    async with InMemoryPublisher() as publisher:
        first, again = (api_request(publisher, "key-1") for _ in range(2))
        for user in others:
            await first.user_created(user)
        await again.user_created(others[1])
    assert publisher.events[2] == publisher.events[1]


def test_the_request_id_which_the_line_shows_is_no_idempotency_key() -> None:
    with pytest.raises(ValueError, match="must be a secret"):
        api_request(InMemoryPublisher(), "r1")


async def test_what_is_no_person_is_refused_by_the_name_of_its_field() -> None:
    async with InMemoryPublisher() as publisher:
        with pytest.raises(InvalidEvent, match=r"affected_user: wrong_type \(pass a Person\)"):
            await ui_session(publisher).user_deleted("usr_ada")  # type: ignore[arg-type]
        with pytest.raises(InvalidEvent, match="affected_user: wrong_type"):
            await api_request(publisher, "k").user_created("usr_ada")  # type: ignore[arg-type]
        admin: Any = "usr_grace"
        with pytest.raises(InvalidEvent, match="admin: wrong_type"):
            await UiSession(publisher, client_space_id="acme", admin=admin, service="users").user_deleted(USER)
    assert publisher.events == []


async def test_a_member_of_an_enum_gives_the_key_that_its_value_gives() -> None:
    """Else the events of one user would lie in two partitions, and lose their order."""

    class Space(str, Enum):  # noqa: UP042 - the kind whose format is its name
        ACME = "acme"

    async with InMemoryPublisher() as publisher:
        for space in (Space.ACME, "acme"):
            await UiSession(publisher, client_space_id=space, admin=ADMIN, service="users").user_created(USER)
    assert [key for key, _ in publisher.records] == [f"acme/{USER.id}".encode()] * 2


async def test_what_is_no_stamp_and_no_event_is_refused_by_its_name() -> None:
    async with InMemoryPublisher() as publisher:
        ui = ui_session(publisher)
        stamp: Any = UUID(int=7)
        with pytest.raises(InvalidEvent, match=r"stamp: wrong_type \(pass a Stamp"):
            await ui.user_deleted(USER, stamp=stamp)
        for given in ("usr_ada", None, STAMP):
            events: Any = [ui.events.user_deleted(USER), given]
            with pytest.raises(InvalidEvent, match=r"event: wrong_type \(pass events"):
                await publisher.publish_all(events)


@pytest.mark.parametrize("key", ["", " ", 7, b"key"])
def test_an_idempotency_key_that_many_requests_share_or_that_is_no_text_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match="idempotency_key must be a text"):
        api_request(InMemoryPublisher(), key)


def test_the_time_of_a_keys_first_arrival_is_a_time() -> None:
    first_received_at: Any = NOW.isoformat()
    with pytest.raises(ValueError, match="first_received_at must be a datetime"):
        ApiRequest(
            InMemoryPublisher(),
            client_space_id="acme",
            token_owner=ADMIN,
            request_id="r",
            service="scim",
            idempotency_key="k",
            first_received_at=first_received_at,
        )


async def test_the_time_of_a_keys_first_arrival_is_kept_in_the_hour_that_clocks_repeat() -> None:
    local = datetime(2025, 10, 26, 2, 30, tzinfo=ZoneInfo("Europe/Paris"), fold=1)
    async with InMemoryPublisher() as publisher:
        for first_received_at in (local, local.astimezone(UTC)):
            caller = Caller("acme", ADMIN, idempotency_key="a-secret-key", first_received_at=first_received_at)
            await publisher.publish(WebChannel(Channel.API, "users").events(caller, "r-1").user_created(USER))
    first, repeated = publisher.events
    assert repeated == first
    assert first.occurred_at.astimezone(UTC) == datetime(2025, 10, 26, 1, 30, tzinfo=UTC)


def test_neither_request_id_nor_idempotency_key_is_no_secret_that_is_shown() -> None:
    request_id: Any = None
    ApiRequest(InMemoryPublisher(), client_space_id="acme", token_owner=ADMIN, request_id=request_id, service="scim")


def test_an_idempotency_key_is_in_no_text_that_a_log_may_keep() -> None:
    request = api_request(InMemoryPublisher(), "a-secret-key")
    assert "a-secret-key" not in repr(request)
    caller = Caller("acme", ADMIN, idempotency_key="a-secret-key", first_received_at=NOW)
    assert "a-secret-key" not in f"{request!r} {request.events!r} {caller!r}"


def test_an_idempotency_key_without_the_time_of_its_first_arrival_is_refused() -> None:
    with pytest.raises(ValueError, match="come together"):
        ApiRequest(
            InMemoryPublisher(),
            client_space_id="acme",
            token_owner=ADMIN,
            request_id="r",
            service="scim",
            idempotency_key="k",
        )


async def test_the_stamp_of_an_unknown_delivery_publishes_the_same_event_again() -> None:
    async with InMemoryPublisher() as publisher:
        publisher.fail_at[0] = "done"
        ui = ui_session(publisher)
        with pytest.raises(DeliveryUnknown) as caught:
            await ui.user_created(USER)
        await ui.user_created(USER, stamp=caught.value.stamp)
    first, again = publisher.events
    assert first == again


async def test_an_event_that_breaks_the_contract_is_refused() -> None:
    async with InMemoryPublisher() as publisher:
        with pytest.raises(InvalidEvent, match=r"affected_user\.id"):
            await ui_session(publisher).user_created(Person(" "))
    assert publisher.events == []


async def test_no_error_carries_a_name() -> None:
    async with InMemoryPublisher() as publisher:
        publisher.fail_at = {0: "lost", 1: "done"}
        ui = ui_session(publisher)
        for _ in range(2):
            with pytest.raises(ProducerError) as caught:
                await ui.user_created(USER)
            assert not any(text in repr(vars(caught.value)) + str(caught.value) for text in ("ada", "usr_", "grace"))
