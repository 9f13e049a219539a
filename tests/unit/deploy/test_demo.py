"""The demo's story: what it shows, and that running it again tells the same one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Callable, Iterable
from datetime import UTC, datetime

from deploy.local.demo.scenario import SHORT_LIVED, TOUCHED, act_by_api, act_in_ui, open_import
from producers.publisher import Acknowledgement
from schemas.events import ActivityType, Channel, Event

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
