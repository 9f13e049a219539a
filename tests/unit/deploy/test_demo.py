"""The demo's story and its year: what they show, and that running them again tells the same."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest

from deploy.local.demo import year
from deploy.local.demo.scenario import SHORT_LIVED, TOUCHED, act_by_api, act_in_ui, open_import
from producers.prepared import prepared
from producers.publisher import Acknowledgement
from schemas.events import (
    ActivityType,
    AdminRightsUpdate,
    Channel,
    Event,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)
from schemas.retention import retention_start

STARTED_AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Recorder:
    """A publisher that keeps the events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def publish(self, event: Event) -> Acknowledgement:
        """Keep *event*."""
        self.events.append(event)
        return Acknowledgement(event.event_id, topic="", partition=0, offset=None)

    async def publish_all(
        self, events: AsyncIterable[Event] | Iterable[Event], *, on_acknowledged: Callable[[int], None] | None = None
    ) -> int:
        """Not used by the demo's actions."""
        raise NotImplementedError


def story() -> list[Event]:
    recorder = Recorder()

    async def act() -> None:
        await act_in_ui(recorder, STARTED_AT)
        await act_by_api(recorder, STARTED_AT)

    asyncio.run(act())
    with open_import() as file_import:
        assert file_import.bad_rows.total == 0
        return [*file_import.events(STARTED_AT), *recorder.events]


def test_the_same_time_tells_the_same_story() -> None:
    assert story() == story()


def test_every_activity_and_every_channel_occurs() -> None:
    events = story()
    assert {event.channel for event in events} == {Channel.UI, Channel.API, Channel.FILE_IMPORT}
    assert Counter(event.activity.activity_type for event in events).keys() == set(ActivityType)
    assert len({event.event_id for event in events}) == len(events)


def test_one_user_is_touched_by_all_three_channels_and_their_license_never_contradicts_itself() -> None:
    events = sorted((e for e in story() if e.affected_user.id == TOUCHED.id), key=lambda event: event.occurred_at)
    assert {event.channel for event in events} == {Channel.UI, Channel.API, Channel.FILE_IMPORT}
    updates = [e.activity for e in events if e.activity.activity_type is ActivityType.USER_LICENSE_UPDATE]
    assert [(u.previous_license, u.new_license) for u in updates] == [  # type: ignore[union-attr]
        ("Data Steward", "Data Explorer"),
        ("Data Explorer", "Data Steward"),
    ]


def test_the_user_who_is_created_and_deleted_is_deleted_last() -> None:
    events = sorted((e for e in story() if e.affected_user.id == SHORT_LIVED.id), key=lambda event: event.occurred_at)
    types = [event.activity.activity_type for event in events]
    assert types[0] is ActivityType.USER_CREATION
    assert types[-1] is ActivityType.USER_DELETION


@pytest.mark.parametrize("weekday", range(7))
def test_a_year_is_whole_and_within_retention_whatever_day_it_ends(weekday: int) -> None:
    end = STARTED_AT + timedelta(days=weekday, hours=weekday)
    events = year.events(end)
    assert len({event.event_id for event in events}) == len(events) > 3_000
    times = [event.occurred_at for event in events]
    assert times == sorted(times)
    assert times[-1] < end
    # A week later the demo is still whole.
    assert retention_start(end + timedelta(days=7)) <= times[0]
    assert {event.activity.activity_type for event in events} == set(ActivityType)
    assert {person.id for person in year.ARRIVALS.values()} <= {event.affected_user.id for event in events[-400:]}
    imports = Counter(event.source.import_id for event in events if event.source and event.source.import_id)
    assert len(imports) == 4
    assert max(imports.values()) >= 400
    gone = [event for event in events if isinstance(event.activity, UserDeletion)]
    assert year.FORMER_ADMIN.id in {event.affected_user.id for event in gone}


def test_the_same_time_makes_the_same_year_of_valid_events() -> None:
    events = year.events(STARTED_AT)
    assert events == year.events(STARTED_AT)
    for event in events:
        prepared(event, now=STARTED_AT)


def test_no_change_of_the_year_contradicts_the_one_before() -> None:
    licenses: dict[str, str | None] = {}
    admins: set[str] = set()
    for event in year.events(STARTED_AT):
        user, activity = event.affected_user.id, event.activity
        if isinstance(activity, UserCreation):
            assert user not in licenses
            licenses[user] = None
        elif isinstance(activity, UserLicenseUpdate):
            assert licenses[user] == activity.previous_license != activity.new_license
            licenses[user] = activity.new_license
        elif isinstance(activity, AdminRightsUpdate):
            assert activity.granted == (user not in admins)
            admins ^= {user}
        elif user != year.FORMER_ADMIN.id:
            del licenses[user]


def test_whoever_was_deleted_does_nothing_later() -> None:
    gone: set[str] = set()
    for event in year.events(STARTED_AT):
        assert not gone & {event.admin.id, event.affected_user.id}
        if isinstance(event.activity, UserDeletion):
            gone.add(event.affected_user.id)
