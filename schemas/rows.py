"""The rows of ClickHouse as tuples: the one definition of their columns that worker, API and tests share.

A row is a pure function of its Kafka record and the deployment's pseudonymization key, so a replay writes the same
row again and the tables' engines fold it away. Column order is the tuples' order; `schemas/clickhouse/` has the types.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

ACTIVITY_LOG = "activity_log"
PERSON_NAMES = "person_names"
PERSON_LIFETIMES = "person_lifetimes"
STORED_THROUGH = "stored_through"
TOPIC_EPOCHS = "topic_epochs"
OFF_BOARDED_SPACES = "off_boarded_spaces"


class ActivityRow(NamedTuple):
    """A line of the log. It holds refs, never an id or a name."""

    client_space_id: str
    occurred_at: datetime
    event_id: UUID
    activity_type: str
    channel: str
    admin_ref: UUID
    affected_user_ref: UUID
    previous_license: str | None
    new_license: str | None
    admin_rights_granted: bool | None
    source_service: str | None
    request_id: str | None
    import_id: UUID | None
    import_file_sha256: str | None
    import_row_number: int | None
    recorded_at: datetime
    kafka_partition: int
    kafka_offset: int
    schema_id: int
    precedence: int


class PersonNameRow(NamedTuple):
    """One name under which a person was seen, and when. An absent name is an empty text: present names never are."""

    client_space_id: str
    person_ref: UUID
    person_id: str
    username: str
    display_name: str
    first_seen: datetime
    last_seen: datetime


class PersonLifetimeRow(NamedTuple):
    """One beginning or end of a person's life on the platform: a user creation or a user deletion.

    Of copies of one event the largest *precedence* counts. It tells when the broker recorded the event, which
    `schemas.lifetimes` compares with *occurred_at*.
    """

    client_space_id: str
    person_ref: UUID
    change: str
    occurred_at: datetime
    event_id: UUID
    precedence: int


CREATED = "created"
ERASED = "erased"

_EPOCH_SHIFT = 48


def row_offset(epoch: int, offset: int) -> int:
    """What a row has as its `kafka_offset`: the record's *offset*, and above it the *epoch* of its topic.

    A topic that is made anew gives the same offsets again. With the epoch above, the places of a partition's rows only
    ever grow, and no two records share one.
    """
    return epoch << _EPOCH_SHIFT | offset


def record_offset(kafka_offset: int) -> int:
    """The offset that the record of a row has in its topic."""
    return kafka_offset & ((1 << _EPOCH_SHIFT) - 1)


def epoch_of(kafka_offset: int) -> int:
    """The epoch of the topic that the record of a row was in."""
    return kafka_offset >> _EPOCH_SHIFT


_OFFSET_BITS = 22
_MAX_UINT64 = 2**64 - 1


def precedence(recorded_at_ms: int, kafka_offset: int) -> int:
    """How strongly a copy of an event claims its line: the first copy that the broker appended has the largest.

    *recorded_at_ms* is the broker's append time in milliseconds since 1970.

    ReplacingMergeTree keeps the copy with the largest version, and an audit log keeps the first account of an event:
    a later one with the same id must not rewrite history. The offset breaks ties within a millisecond
    (modulo 2**22, which two copies within one millisecond do not span). The 42 bits of time last until the year 2109.
    """
    return _MAX_UINT64 - ((recorded_at_ms << _OFFSET_BITS) | (kafka_offset & ((1 << _OFFSET_BITS) - 1)))


def recorded_ms(precedence: int) -> int:
    """The broker's append time in milliseconds since 1970, read back from *precedence*."""
    return (_MAX_UINT64 - precedence) >> _OFFSET_BITS
