"""The race's events: real ones, made fast."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from schemas.codec import encode
from schemas.events import (
    Activity,
    AdminRightsUpdate,
    Channel,
    Event,
    Person,
    Source,
    UserCreation,
    UserLicenseUpdate,
)
from schemas.fields import MICROSECOND, to_micros
from schemas.wire import frame

USERS = 20_000
SPACES = 50
STEP = timedelta(days=90) / 1_000_000
_ACTIVITIES: tuple[Activity, ...] = (
    UserCreation(),
    UserLicenseUpdate("Data Reader", "Data Steward"),
    AdminRightsUpdate(granted=True),
    UserLicenseUpdate("Data Steward", None),
)
_UUID_TEXT = slice(1, 37)
_TIME_START = 37


def records(schema_id: int, count: int, *, end: datetime, first: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of *count* events before *end*, a million in 90 days, in 50 client spaces, by 20,000 users.

    How soon a user comes again does not depend on *count*: it decides what names cost. Ids are numbered from *first*.

    An event is encoded once for each user and activity; id and time, which come first in the datum, are put in anew.
    """
    start = to_micros(end - count * STEP)
    step = STEP // MICROSECOND
    tails: dict[int, tuple[bytes, bytes]] = {}
    for number in range(count):
        variant = number % (USERS * len(_ACTIVITIES))
        if variant not in tails:
            tails[variant] = _tail(variant, end)
        key, tail = tails[variant]
        event_id = str(UUID(int=((first + number) << 64) | (0x8000 << 48) | number)).encode()
        datum = b"\x48" + event_id + _zigzag(start + number * step) + tail
        yield key, frame(schema_id, datum)


def _tail(variant: int, now: datetime) -> tuple[bytes, bytes]:
    user, activity = variant % USERS, _ACTIVITIES[variant // USERS]
    space = f"space-{user % SPACES}"
    event = Event(
        UUID(int=0),
        now,
        space,
        Channel.API,
        Person(f"usr_admin_{user % SPACES}", f"admin{user % SPACES}@example.com", "Grace Hopper"),
        Person(f"usr_{user:06}", f"user.{user:06}@example.com", f"First{user} Last{user}"),
        activity,
        Source("user-service", request_id=f"req-{variant:08}"),
    )
    datum = encode(event, now=now)
    end = _TIME_START
    while datum[end] & 0x80:
        end += 1
    return f"{space}/{event.affected_user.id}".encode(), datum[end + 1 :]


def _zigzag(value: int) -> bytes:
    code, encoded = value << 1, bytearray()
    while code > 0x7F:
        encoded.append((code & 0x7F) | 0x80)
        code >>= 7
    encoded.append(code)
    return bytes(encoded)


def now() -> datetime:
    """The end of the events' time."""
    return datetime.now(UTC)
