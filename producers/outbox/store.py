"""What a relay reads and writes in the outbox. Every call is one transaction, and may block."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import case, delete, exists, func, insert, or_, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from producers.outbox.table import BUCKETS, events, leases


@dataclass(frozen=True, slots=True)
class Row:
    """An event that waits: its number, which gives the order, and its JSON as text."""

    id: int
    event: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: how many events, since when the oldest (milliseconds since 1970), and how many were refused."""

    pending: int
    oldest_ms: int | None
    refused: int


class Outbox:
    """The tables as *relay*, one of several, uses them. Raises SQLAlchemy's errors; a call that raised did nothing."""

    def __init__(self, engine: Engine, relay: str) -> None:
        self._engine = engine
        self._relay = relay

    def prepare(self) -> None:
        """Write the lease of each bucket that has none yet."""
        while missing := self._without_lease():
            rows = [{"bucket": bucket, "relay": "", "until_ms": 0} for bucket in missing]
            with suppress(IntegrityError), self._engine.begin() as connection:  # or another relay was first
                connection.execute(insert(leases), rows)

    def _without_lease(self) -> list[int]:
        with self._engine.connect() as connection:
            return sorted(set(range(BUCKETS)) - set(connection.scalars(select(leases.c.bucket))))

    def lease(self, now_ms: int, until_ms: int) -> list[int]:
        """Take the buckets in which events wait, but for those that another relay holds."""
        with self._engine.begin() as connection:
            # A look into the index for each bucket, however much waits.
            waits = exists().where(events.c.bucket == leases.c.bucket, events.c.refused.is_(None))
            if not (waiting := list(connection.scalars(select(leases.c.bucket).where(waits)))):
                return []
            is_free = or_(leases.c.until_ms < now_ms, leases.c.relay == self._relay)
            connection.execute(
                update(leases)
                .where(leases.c.bucket.in_(sorted(waiting)), is_free)
                .values(relay=self._relay, until_ms=until_ms)
            )
            mine = select(leases.c.bucket).where(leases.c.relay == self._relay, leases.c.until_ms == until_ms)
            return list(connection.scalars(mine))

    def waiting(self, buckets: Sequence[int], limit: int) -> list[Row]:
        """The oldest events of *buckets*, in their order."""
        query = (
            select(events.c.id, events.c.event)
            .where(events.c.bucket.in_(buckets), events.c.refused.is_(None))
            .order_by(events.c.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [Row(number, text) for number, text in connection.execute(query)]

    def remove(self, ids: Sequence[int]) -> None:
        """Delete the events *ids*, which are published."""
        with self._engine.begin() as connection:
            connection.execute(delete(events).where(events.c.id.in_(ids)))

    def refuse(self, number: int, reason: str) -> None:
        """Keep the event *number* and pass over it from now on."""
        with self._engine.begin() as connection:
            connection.execute(update(events).where(events.c.id == number).values(refused=reason))

    def release(self) -> None:
        """Let other relays have this one's buckets."""
        with self._engine.begin() as connection:
            connection.execute(update(leases).where(leases.c.relay == self._relay).values(until_ms=0))

    def backlog(self) -> Backlog:
        """What waits now. Reads the whole table."""
        is_waiting = events.c.refused.is_(None)
        # `CASE`, since MySQL has no `FILTER`.
        query = select(
            func.count(case((is_waiting, 1))),
            func.min(case((is_waiting, events.c.added_at_ms))),
            func.count(events.c.refused),
        )
        with self._engine.connect() as connection:
            pending, oldest_ms, refused = connection.execute(query).one()
            return Backlog(pending, oldest_ms, refused)
