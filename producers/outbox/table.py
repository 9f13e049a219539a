"""The outbox's two tables, and the way of an event into them."""

import json
import time
import zlib
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, SmallInteger, String, Table, Text, insert
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session

from producers.activities import utc_now
from producers.event_json import to_json
from producers.prepared import prepared
from producers.publisher import record_key
from schemas.events import Event

BUCKETS = 64
"""All events of an affected user share a bucket, and one relay at a time publishes a bucket. Never change the number:
relays that count differently would not exclude one another."""

metadata = MetaData()
"""For Alembic: `target_metadata = [app.metadata, outbox.metadata]`."""

events = Table(
    "audit_outbox",
    metadata,
    # SQLite numbers rows by itself only where the type is INTEGER; without AUTOINCREMENT it would use a number twice.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("bucket", SmallInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
    Column("refused", String(255)),
    Index("audit_outbox_by_bucket", "bucket", "id"),
    sqlite_autoincrement=True,
)

leases = Table(
    "audit_outbox_leases",
    metadata,
    Column("bucket", SmallInteger, primary_key=True, autoincrement=False),
    Column("relay", String(36), nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)


def add(session: Session | Connection, event: Event) -> None:
    """Write *event* in the transaction of *session*: it is published if that commits, and not if it rolls back.

    Call it after the change itself, so that two transactions on one user add their events in the order in which they
    hold the user's row. Raises `InvalidEvent`. With an `AsyncSession`: `await session.run_sync(outbox.add, event)`.
    """
    session.execute(insert(events).values(**row_of(event)))


def add_by_cursor(cursor: Any, event: Event) -> None:  # noqa: ANN401 - what DB-API cursors share has no name
    """`add` for what is no SQLAlchemy: *cursor* takes `%s`, as those of Django's `connection.cursor()` do."""
    row = row_of(event)
    cursor.execute(f"INSERT INTO audit_outbox ({', '.join(row)}) VALUES (%s, %s, %s)", list(row.values()))  # noqa: S608 - our own names


def row_of(event: Event) -> dict[str, Any]:
    """The columns that an event gives. Raises `InvalidEvent`."""
    event, _ = prepared(event, now=utc_now())
    bucket = zlib.crc32(record_key(event)) % BUCKETS
    return {"bucket": bucket, "event": json.dumps(to_json(event)), "added_at_ms": now_ms()}


def create_tables(engine: Engine) -> None:
    """Create what is missing, for applications that have no migrations."""
    metadata.create_all(engine)


def now_ms() -> int:
    """This machine's clock in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
