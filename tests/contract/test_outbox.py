"""The outbox and its relay, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import create_engine, insert, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from producers import DeliveryUnknown, InvalidEvent, Person, PublishFailed, outbox
from producers.in_memory import InMemoryPublisher
from producers.outbox.command import RelayMetrics
from producers.outbox.relay import COUNT_SECONDS, Relay
from producers.outbox.store import Backlog, Outbox
from producers.outbox.table import events, leases, now_ms
from schemas.events import Event
from tests.builders import an_event
from tests.postgresql import postgresql

LEASE_SECONDS = 60.0


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path}/app.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    engine = create_engine(url, hide_parameters=True)
    outbox.metadata.drop_all(engine)
    outbox.create_tables(engine)
    Outbox(engine, "").prepare()
    yield engine
    engine.dispose()


def event_of(user: int, number: int) -> Event:
    return an_event(event_id=UUID(int=number), affected_user=Person(f"usr_{user}"), occurred_at=datetime.now(UTC))


def add(engine: Engine, *given: Event) -> None:
    with Session(engine) as session, session.begin():
        for event in given:
            outbox.add(session, event)


def left(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.scalars(select(events.c.id)).all())


def relay(engine: Engine, publisher: InMemoryPublisher, name: str = "one") -> Relay:
    return Relay(Outbox(engine, name), publisher, lease_seconds=LEASE_SECONDS, idle_seconds=0.01)


async def test_what_commits_is_published_and_deleted_and_what_rolls_back_is_not(engine: Engine) -> None:
    kept, dropped = event_of(1, 1), event_of(2, 2)
    add(engine, kept)
    with Session(engine) as session:
        outbox.add(session, dropped)
        session.rollback()
    async with InMemoryPublisher() as publisher:
        assert await relay(engine, publisher).publish_waiting() == 1
    assert publisher.events == [kept]
    assert left(engine) == 0


async def test_every_user_s_events_keep_their_order(engine: Engine) -> None:
    added = [event_of(number % 7, number) for number in range(100)]
    add(engine, *added)
    async with InMemoryPublisher() as publisher:
        await relay(engine, publisher).publish_waiting()
    for user in range(7):
        affected = f"usr_{user}"
        assert [e for e in publisher.events if e.affected_user.id == affected] == added[user::7]


@pytest.mark.parametrize("fault", ["lost", "done"])
async def test_only_what_was_acknowledged_is_deleted(engine: Engine, fault: str) -> None:
    add(engine, *[event_of(1, number) for number in range(5)])
    async with InMemoryPublisher() as publisher:
        publisher.fail_at = {2: fault}  # type: ignore[dict-item]
        with pytest.raises((PublishFailed, DeliveryUnknown)):
            await relay(engine, publisher).publish_waiting()
        assert left(engine) == 3
        # Another relay goes on at once: the first one has given its buckets back.
        assert await relay(engine, publisher, "two").publish_waiting() == 3
    assert list(dict.fromkeys(event.event_id.int for event in publisher.events)) == [0, 1, 2, 3, 4]


def test_a_bucket_belongs_to_one_relay_until_its_lease_ends_or_is_given_back(engine: Engine) -> None:
    add(engine, event_of(1, 1))
    one, two = Outbox(engine, "one"), Outbox(engine, "two")
    (bucket,) = one.lease(now_ms=1000, until_ms=2000)
    assert two.lease(now_ms=1999, until_ms=3000) == []
    assert one.lease(now_ms=1999, until_ms=2001) == [bucket]
    assert two.lease(now_ms=2002, until_ms=3000) == [bucket]
    two.release()
    assert one.lease(now_ms=2003, until_ms=4000) == [bucket]


@pytest.mark.parametrize("secret", ['{"event_id": "ada@example.com"}', "ada@example.com"])
async def test_an_event_that_no_publisher_takes_is_kept_and_stops_no_other(
    engine: Engine, caplog: pytest.LogCaptureFixture, secret: str
) -> None:
    with engine.begin() as connection:
        connection.execute(insert(events).values(bucket=1, event=secret, added_at_ms=now_ms()))
    add(engine, event_of(1, 1))
    async with InMemoryPublisher() as publisher:
        assert await relay(engine, publisher).publish_waiting() == 1
    assert Outbox(engine, "one").backlog() == Backlog(pending=0, oldest_ms=None, refused=1)
    assert "is refused and kept" in caplog.text
    assert "ada@" not in caplog.text


def test_an_invalid_event_is_refused_before_it_is_written(engine: Engine) -> None:
    with pytest.raises(InvalidEvent, match=r"^affected_user\.id: blank$"):
        add(engine, an_event(affected_user=Person(" ")))
    assert left(engine) == 0


async def test_a_relay_waits_out_kafka_and_the_database_and_ends_when_told(
    engine: Engine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.outbox.relay._FIRST_PAUSE_SECONDS", 0.01)
    add(engine, event_of(1, 1))
    stopping, is_away = asyncio.Event(), iter([True])

    class Leaving(Outbox):
        def backlog(self) -> Backlog:
            if next(is_away, False):
                raise OperationalError("SELECT", {"event": "ada@example.com"}, Exception("away"))
            return super().backlog()

    class Ending(InMemoryPublisher):
        async def publish_all(self, *given: object, **options: object) -> int:
            count = await super().publish_all(*given, **options)  # type: ignore[arg-type]
            stopping.set()
            return count

    async with Ending() as publisher:
        publisher.fail_at = {0: "lost"}
        running = Relay(
            Leaving(engine, "one"), publisher, lease_seconds=LEASE_SECONDS, idle_seconds=0.01, on_count=lambda _: None
        )
        await running.run(stopping)
    assert len(publisher.events) == 1
    assert left(engine) == 0
    assert [record.getMessage().split(":")[1].strip() for record in caplog.records] == [
        "the database fails (OperationalError of Exception)",
        "not written",
    ]


async def test_a_relay_whose_outbox_has_no_tables_says_what_to_look_at(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stopping = asyncio.Event()

    class Empty(Outbox):
        def prepare(self) -> None:
            stopping.set()
            super().prepare()

    engine = create_engine(f"sqlite:///{tmp_path / 'app.db'}", hide_parameters=True)
    async with InMemoryPublisher() as publisher:
        await Relay(Empty(engine, "one"), publisher, lease_seconds=LEASE_SECONDS, idle_seconds=0.01).run(stopping)
    engine.dispose()
    assert "see AUDIT_OUTBOX_DATABASE_URL, and whether the outbox has its tables" in caplog.text


async def test_the_outbox_is_counted_at_most_every_so_many_seconds_however_often_it_is_looked_into(
    engine: Engine,
) -> None:
    counts: list[Backlog] = []
    now = 0.0
    async with InMemoryPublisher() as publisher:
        counting = Relay(
            Outbox(engine, "one"),
            publisher,
            lease_seconds=LEASE_SECONDS,
            idle_seconds=0.01,
            on_count=counts.append,
            seconds=lambda: now,
        )
        for now in (0.0, COUNT_SECONDS - 1, COUNT_SECONDS, COUNT_SECONDS * 2 - 1):  # noqa: B007 - read by the lambda
            await counting.count()
    assert len(counts) == 2


async def test_an_outbox_that_is_too_large_to_be_counted_is_published_between_two_counts(engine: Engine) -> None:
    class TooLarge(Outbox):
        def backlog(self) -> Backlog:
            raise OperationalError("SELECT", {}, Exception("canceling statement due to statement timeout"))

    async with InMemoryPublisher() as publisher:
        counting = Relay(
            TooLarge(engine, "one"),
            publisher,
            lease_seconds=LEASE_SECONDS,
            idle_seconds=0.01,
            on_count=lambda _: None,
            seconds=lambda: 0.0,
        )
        with pytest.raises(OperationalError):
            await counting.count()
        await counting.count()


async def test_the_age_of_the_oldest_event_grows_while_nothing_can_be_published(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert(events).values(bucket=1, event="{}", added_at_ms=now_ms() - 90_000))
    metrics = RelayMetrics()
    metrics.note(Outbox(engine, "one").backlog())
    assert metrics.registry.get_sample_value("audit_outbox_pending") == 1
    assert (metrics.registry.get_sample_value("audit_outbox_oldest_age_seconds") or 0) >= 90
    metrics.note(Backlog(0, None, 0))
    assert metrics.registry.get_sample_value("audit_outbox_oldest_age_seconds") == 0


def test_two_relays_may_prepare_at_once(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(leases.delete())
    Outbox(engine, "one").prepare()
    Outbox(engine, "two").prepare()
    with engine.connect() as connection:
        assert len(connection.scalars(select(leases.c.bucket)).all()) == 64
