"""When a person's life on the platform began and ended: the one rule that worker, query API and the SQL views follow.

Two clocks tell the order of a deletion and a creation: the producer's (`occurred_at`) and the broker's, which
`precedence` holds. A producer's clock may be wrong. So a new life counts only where both agree, and an event counts no
later than the broker recorded it. In doubt the person stays deleted.

`erased_persons` in `schemas/clickhouse/0002_persons.sql` states the same in SQL.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from schemas.fields import from_micros
from schemas.rows import CREATED, ERASED, recorded_ms

_MILLISECOND = 1_000
_NEXT_INSTANT = timedelta(microseconds=1)

Fact = tuple[str, datetime, UUID, int]
"""A change (`CREATED` or `ERASED`), its `occurred_at`, its event, and the precedence of its record."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """The last deletion of a person, and when the life after it began; `None` where none is known to have begun.

    *is_doubtful* marks a person who stays deleted although one of the two clocks tells of a later creation.
    """

    erased_at: datetime
    recreated_at: datetime | None = None
    is_doubtful: bool = False

    def is_deleted(self, at: datetime) -> bool:
        """Whether a line that happened *at* (see `happened_at`) mentions a life that has ended."""
        return self.recreated_at is None or at < self.recreated_at


def happened_at(occurred_at: datetime, precedence: int) -> datetime:
    """The time that counts for a person's life and names: *occurred_at*, but not after the broker recorded the event.

    A later *occurred_at* comes from a clock that runs ahead. *precedence* tells when the event was recorded
    (`schemas.rows.precedence`), cut to the millisecond.
    """
    return min(occurred_at, from_micros((recorded_ms(precedence) + 1) * _MILLISECOND))


def erasure_of(facts: Iterable[Fact]) -> Erasure | None:
    """What *facts*, in any order and with any repetition, amount to; `None` for a person who was never deleted.

    Of several records of one event the first that the broker appended counts. A life began with the first creation
    that happened no earlier than the last deletion, and that the broker recorded after every deletion.
    """
    first: dict[tuple[str, datetime, UUID], int] = {}
    for change, occurred_at, event_id, precedence in facts:
        key = change, occurred_at, event_id
        first[key] = max(precedence, first.get(key, 0))
    events = [(change, happened_at(at, precedence), precedence) for (change, at, _), precedence in first.items()]
    erased = [(at, precedence) for change, at, precedence in events if change == ERASED]
    if not erased:
        return None
    erased_at = max(at for at, _ in erased)
    last_precedence = min(precedence for _, precedence in erased)
    created = [(at, precedence) for change, at, precedence in events if change == CREATED]
    began = [at for at, precedence in created if at >= erased_at and precedence < last_precedence]
    if began:
        # A line of the very moment of the deletion is the deleted life's.
        return Erasure(erased_at, max(min(began), erased_at + _NEXT_INSTANT))
    is_doubtful = any(at > erased_at or precedence < last_precedence for at, precedence in created)
    return Erasure(erased_at, is_doubtful=is_doubtful)
