"""The blocking client: the verbs and errors of the publisher, from any thread."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from producers import (
    AuditLog,
    DeliveryUnknown,
    InvalidEvent,
    NothingChanged,
    Person,
    PublisherClosed,
    PublishFailed,
    Stamp,
)
from producers import audit_log as module
from producers.in_memory import InMemoryPublisher
from producers.publisher import Acknowledgement
from schemas.events import Channel, Event
from tests.builders import ADMIN, USER, an_event

pytest_plugins = ["producers.pytest_plugin"]


class Interrupting(InMemoryPublisher):
    """A publisher that has its caller's process signaled before the broker answers, which the test allows later."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()

    async def publish(self, event: Event) -> Acknowledgement:
        os.kill(os.getpid(), signal.SIGUSR1)
        await self.may_answer.wait()
        return await super().publish(event)


@pytest.fixture
def log() -> Iterator[module.InMemoryAuditLog]:
    with AuditLog.in_memory() as log:
        yield log


def act(log: AuditLog) -> None:
    session = log.ui_session(client_space_id="acme", admin=ADMIN, service="users")
    session.user_created(USER)
    session.license_updated(USER, previous_license=None, new_license="Data Reader")
    session.admin_rights_updated(USER, granted=True)
    session.user_deleted(USER)


def test_all_verbs_record_what_the_publisher_s_verbs_do(log: module.InMemoryAuditLog) -> None:
    act(log)
    assert [str(event.activity.activity_type) for event in log.events] == [
        "user_creation",
        "user_license_update",
        "admin_rights_update",
        "user_deletion",
    ]
    assert {(event.channel, event.admin) for event in log.events} == {(Channel.UI, ADMIN)}


def test_several_events_of_a_request_are_one_call(log: module.InMemoryAuditLog) -> None:
    request = log.api_request(client_space_id="acme", token_owner=ADMIN, request_id="req-1", service="scim")
    created = request.events.user_created(USER)
    granted = request.events.admin_rights_updated(USER, granted=True)
    assert log.publish_all([created, granted]) == 2
    assert log.events == [created, granted]


def test_the_errors_are_the_publisher_s(log: module.InMemoryAuditLog) -> None:
    session = log.ui_session(client_space_id="acme", admin=ADMIN, service="users")
    with pytest.raises(InvalidEvent, match=r"^affected_user\.id: blank$"):
        session.user_created(Person(" "))
    with pytest.raises(NothingChanged):
        session.license_updated(USER, previous_license="a", new_license="a")
    done: Any = [session.user_created(USER)]
    with pytest.raises(InvalidEvent, match="event: wrong_type"):
        log.publish_all(done)
    log.publisher.fail_at = {1: "lost", 2: "done"}
    with pytest.raises(PublishFailed):
        session.user_created(USER)
    with pytest.raises(DeliveryUnknown):
        session.user_created(USER)


def test_many_threads_may_record_at_once(log: module.InMemoryAuditLog) -> None:
    threads = [threading.Thread(target=act, args=[log]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.events) == 32


def test_a_closed_log_refuses(log: module.InMemoryAuditLog) -> None:
    act(log)
    log.close()
    log.close()
    with pytest.raises(PublisherClosed):
        act(log)


@pytest.fixture
def broken_off() -> Iterator[tuple[AuditLog, Interrupting, Event]]:
    """A log, and the event of a call that a signal's handler ended."""

    def leave(*_: object) -> None:
        raise SystemExit

    publisher, event = Interrupting(), an_event()
    log = AuditLog(open_publisher=lambda: publisher)
    before = signal.signal(signal.SIGUSR1, leave)
    try:
        with pytest.raises(SystemExit):
            log.publish(event)
    finally:
        signal.signal(signal.SIGUSR1, before)
    yield log, publisher, event
    with suppress(DeliveryUnknown):
        log.close()


def test_closing_names_the_events_of_calls_that_were_broken_off(
    broken_off: tuple[AuditLog, Interrupting, Event],
) -> None:
    log, _, event = broken_off
    log._patience = 0.01
    with pytest.raises(DeliveryUnknown) as unknown:
        log.close()
    assert [stamp.event_id for stamp in unknown.value.stamps] == [event.event_id]


def test_closing_waits_for_calls_that_were_broken_off(broken_off: tuple[AuditLog, Interrupting, Event]) -> None:
    log, publisher, event = broken_off
    assert log._thread is not None
    log._thread._loop.call_soon_threadsafe(publisher.may_answer.set)
    log.close()
    assert publisher.events == [event]


def test_the_process_s_end_names_what_was_not_acknowledged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stamp_of = an_event()

    def close() -> None:
        raise DeliveryUnknown([Stamp(stamp_of.event_id, stamp_of.occurred_at)])

    with AuditLog.in_memory() as log:
        monkeypatch.setattr(log, "close", close)
        module._close_all()
        monkeypatch.undo()
    assert str(stamp_of.event_id) in caplog.text


def test_the_fixture_for_upstream_services_records_in_memory(audit_log: module.InMemoryAuditLog) -> None:
    act(audit_log)
    assert len(audit_log.events) == 4


def test_a_call_that_another_thread_s_close_overtakes_ends(log: module.InMemoryAuditLog) -> None:
    log.publish(an_event())
    thread = log._thread
    assert thread is not None
    log.close()
    # It was let in before the close, and its turn comes after: nobody runs the loop, and it must not wait for that.
    with pytest.raises(PublisherClosed):
        thread.call(lambda publisher: publisher.publish(an_event()), [])
    assert len(log.events) == 1
