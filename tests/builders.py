"""Values for tests: valid by default, and each test names only what it is about."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from schemas.codec import encode
from schemas.events import Activity, Channel, Event, Person, Source, UserCreation, UserDeletion
from schemas.fields import to_micros
from schemas.rows import PersonLifetimeRow, precedence
from schemas.wire import frame
from stream.fetch.records import Chunk

NOW = datetime(2026, 11, 24, 9, 31, 7, 412_345, tzinfo=UTC)
NOW_MS = to_micros(NOW) // 1000
KEY = b"k" * 32
SCHEMA_ID = 7
ADMIN = Person("usr_admin", "grace@example.com", "Grace Hopper")
USER = Person("usr_ada", "ada@example.com", "Ada Lovelace")


def an_event(activity: Activity | None = None, **fields: Any) -> Event:
    """A valid event; the affected user of a deletion is nameless, as it must be."""
    activity = activity or UserCreation()
    defaults: dict[str, Any] = {
        "event_id": uuid4(),
        "occurred_at": NOW,
        "client_space_id": "acme",
        "channel": Channel.UI,
        "admin": ADMIN,
        "affected_user": Person(USER.id) if isinstance(activity, UserDeletion) else USER,
        "activity": activity,
        "source": Source("user-service", request_id="req-1"),
    }
    return Event(**{**defaults, **fields})


@dataclass(frozen=True)
class FakeRecord:
    """A Kafka record without a broker."""

    offset: int
    value: bytes | None
    key: bytes | None = b"acme/usr_ada"
    timestamp: int = NOW_MS
    headers: tuple[tuple[str, bytes | None], ...] = ()


def a_record(event: Event, offset: int = 0, *, recorded_at: datetime = NOW) -> FakeRecord:
    """*event* as it lies in Kafka, appended at *recorded_at*."""
    value = frame(SCHEMA_ID, encode(event, now=max(event.occurred_at, recorded_at)))
    return FakeRecord(offset, value, timestamp=to_micros(recorded_at) // 1000)


def a_chunk(*records: FakeRecord, partition: int = 0, generation: int = 1) -> Chunk:
    """*records* as one fetch brought them."""
    return Chunk("user-management.events", partition, generation, records)


def a_lifetime(
    client_space_id: str, ref: UUID, change: str, at: datetime, *, recorded_at: datetime | None = None, **fields: Any
) -> PersonLifetimeRow:
    """The beginning or end of a life, recorded when it happened unless the test says otherwise."""
    order = precedence(to_micros(recorded_at or at) // 1000, 0)
    event_id = uuid5(ref, f"{client_space_id} {change} {at}")
    return PersonLifetimeRow(client_space_id, ref, change, at, event_id, order)._replace(**fields)


def a_uuid(number: int) -> UUID:
    """A UUID that sorts in ClickHouse, which compares the second half first, as *number* does."""
    return UUID(int=number)
