"""The adapter for Django: its middleware, and the outbox in Django's own transaction."""

import json
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from sqlalchemy import create_engine

from producers import AuditLog, Channel, UiEvents, outbox
from producers.asgi import Caller, NoRequest
from producers.audit_log import InMemoryAuditLog
from producers.django import audit_middleware, current
from producers.event_json import from_json
from producers.outbox.store import Outbox
from producers.outbox.table import BUCKETS
from schemas.events import Source
from tests.builders import ADMIN, NOW, USER


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Django's database, which has the outbox's tables."""
    path = tmp_path_factory.mktemp("django") / "app.db"
    settings.configure(
        ALLOWED_HOSTS=["*"], DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}}
    )
    django.setup()
    engine = create_engine(f"sqlite:///{path}")
    outbox.create_tables(engine)
    engine.dispose()
    return path


@pytest.fixture
def log() -> Iterator[InMemoryAuditLog]:
    with AuditLog.in_memory() as log:
        yield log


def identify(request: HttpRequest) -> Caller:
    key = request.headers.get("Idempotency-Key")
    return Caller("acme", ADMIN, idempotency_key=key, first_received_at=NOW if key else None)


def view(_: HttpRequest) -> HttpResponse:
    current().license_updated(USER, previous_license=None, new_license="Data Reader")
    current().user_deleted(USER)
    return HttpResponse()


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("channel", [Channel.UI, Channel.API])
def test_the_request_says_who_acts_where_and_through_which_channel(log: InMemoryAuditLog, channel: Channel) -> None:
    app = audit_middleware(log=log, identify=identify, channel=channel, service="users")(view)
    app(RequestFactory(headers={"X-Request-ID": "req-7"}).post("/users"))
    assert [event.source for event in log.events] == [Source("users", request_id="req-7")] * 2
    assert {(event.client_space_id, event.admin, event.channel) for event in log.events} == {("acme", ADMIN, channel)}


@pytest.mark.usefixtures("database")
def test_a_repeated_request_is_the_same_events(log: InMemoryAuditLog) -> None:
    app = audit_middleware(log=log, identify=identify, channel=Channel.API, service="users")(view)
    for _ in range(2):
        app(RequestFactory(headers={"X-Request-ID": "req-7", "Idempotency-Key": "0b2d6f4c"}).post("/users"))
    assert log.events[:2] == log.events[2:]


def test_outside_a_request_there_are_no_verbs() -> None:
    with pytest.raises(NoRequest):
        current()


def test_the_outbox_is_part_of_django_s_transaction(database: Path) -> None:
    event = UiEvents(client_space_id="acme", admin=ADMIN, service="users").user_created(USER)
    with transaction.atomic(), connection.cursor() as cursor:
        outbox.add_by_cursor(cursor, event)
    with transaction.atomic(), connection.cursor() as cursor:
        outbox.add_by_cursor(cursor, event)
        transaction.set_rollback(True)
    connection.close()
    engine = create_engine(f"sqlite:///{database}")
    (row,) = Outbox(engine, "one").waiting(range(BUCKETS), limit=10)
    assert from_json(json.loads(row.event)) == event
    engine.dispose()
