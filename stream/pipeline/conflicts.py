"""Refuse a record that contradicts an earlier account of its event. Pure.

The `event_id` names an event. A copy says the same under the same key (client space, `occurred_at`), and the tables
keep one. A known id under another key would be a second line. Other content under the same key would vanish in a merge.
Both become dead letters, `conflicting_event`.

The check misses a first account that `event_keys` no longer holds (recorded more than 8 days before, no import), and
two accounts that two workers store in the same moment. `audit-stream conflicts` finds those in the whole log.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from schemas.errors import Reason
from schemas.events import UserDeletion
from schemas.person_ref import PersonRefs
from schemas.rows import ActivityRow
from stream.fetch.records import Chunk
from stream.pipeline.accept import Accepted, Refused
from stream.pipeline.batch import Batch
from stream.pipeline.rows.lines import Lines
from stream.pipeline.rows.rows import is_line, rows_of

_PLACE_FIELDS = frozenset({"recorded_at", "kafka_partition", "kafka_offset", "schema_id", "precedence"})
CONTENT_FIELDS = tuple(name for name in ActivityRow._fields if name not in _PLACE_FIELDS)
"""What a row says about its event: all of it but how it came here. The first three are its key."""
_CONTENT_PLACES = [ActivityRow._fields.index(name) for name in CONTENT_FIELDS]

Account = tuple[object, ...]
"""What one record says about its event."""


def account(row: ActivityRow) -> Account:
    """What *row* says."""
    return tuple(row[place] for place in _CONTENT_PLACES)


def without_conflicts(batch: Batch, known: Sequence[ActivityRow], refs: PersonRefs) -> Batch:
    """*batch*, with each record refused that contradicts an earlier account of its event.

    What is *known* comes first, then what the broker recorded first. An event that is known under several accounts was
    in conflict before this check: a copy of any of them is kept.
    """
    event_ids = Lines.of(batch.rows.activities).columns.event_id
    if not known and len(set(event_ids)) == len(event_ids):
        return batch
    first = _first_accounts(batch, known)
    rows = iter(batch.rows.activities)
    kept: list[Accepted] = []
    refusals: list[tuple[Chunk, Refused]] = []
    for one in batch.accepted:
        # Rows are in the order of what they were made of.
        row = next(rows) if is_line(one) else None
        if row is None or account(row) in first[row.event_id]:
            kept.append(one)
            continue
        refusals.append((one.chunk, Refused(one.record, Reason.CONFLICTING_EVENT, "event_id")))
        if one.fields.activity == UserDeletion.__name__:
            # Whose line this is can be disputed; that somebody asked for a person's erasure cannot.
            kept.append(one._replace(is_contested=True))
    if not refusals:
        return batch
    return replace(batch, accepted=kept, refusals=[*batch.refusals, *refusals], rows=rows_of(kept, refs))


def _first_accounts(batch: Batch, known: Iterable[ActivityRow]) -> dict[UUID, set[Account]]:
    accounts: dict[UUID, set[Account]] = {}
    for row in known:
        accounts.setdefault(row.event_id, set()).add(account(row))
    first: dict[UUID, ActivityRow] = {}
    for row in batch.rows.activities:
        earlier = first.get(row.event_id)
        if earlier is None or row.precedence > earlier.precedence:
            first[row.event_id] = row
    for event_id, row in first.items():
        accounts.setdefault(event_id, {account(row)})
    return accounts
