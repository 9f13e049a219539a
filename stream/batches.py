"""Outcomes become one batch: everything that a set of chunks leaves behind before their offsets may move. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from schemas.rows import ActivityRow, PersonLifetimeRow, PersonNameRow
from stream.projection import Accepted, Outcome, Refused
from stream.records import Chunk


@dataclass(slots=True)
class Rows:
    """Rows for the three tables, in the order in which they must be inserted.

    Lifetimes first: a line that the reader sees after its person was deleted must find the deletion there. Names
    second: a line without its names would show none.
    """

    lifetimes: list[PersonLifetimeRow] = field(default_factory=list)
    names: list[PersonNameRow] = field(default_factory=list)
    activities: list[ActivityRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is written before the offsets of *chunks* are committed: *rows*, and a dead letter for each refusal.

    *accepted* is what *rows* were made of, for the case that the store refuses one of them.
    """

    chunks: tuple[Chunk, ...]
    accepted: list[tuple[Chunk, Accepted]]
    refusals: list[tuple[Chunk, Refused]]
    rows: Rows


def build_batch(outcomes: Iterable[tuple[Chunk, Sequence[Outcome]]]) -> Batch:
    """One batch of chunks, each with the outcome of every record of it."""
    chunks: list[Chunk] = []
    accepted: list[tuple[Chunk, Accepted]] = []
    refusals: list[tuple[Chunk, Refused]] = []
    for chunk, of_chunk in outcomes:
        chunks.append(chunk)
        for outcome in of_chunk:
            if isinstance(outcome, Refused):
                refusals.append((chunk, outcome))
            else:
                accepted.append((chunk, outcome))
    return Batch(tuple(chunks), accepted, refusals, fold_rows(accepted))


def fold_rows(accepted: Iterable[tuple[Chunk, Accepted]]) -> Rows:
    """The rows of *accepted*; sightings of one name become one row, as their table would fold them."""
    rows = Rows()
    names: dict[tuple[str, UUID, str, str], PersonNameRow] = {}
    for _, outcome in accepted:
        if outcome.activity is not None:
            rows.activities.append(outcome.activity)
        if outcome.lifetime is not None:
            rows.lifetimes.append(outcome.lifetime)
        for row in outcome.names:
            key = (row.client_space_id, row.person_ref, row.username, row.display_name)
            known = names.get(key)
            if known is None:
                names[key] = row
            elif row.first_seen < known.first_seen:
                names[key] = known._replace(first_seen=row.first_seen)
            elif row.last_seen > known.last_seen:
                names[key] = known._replace(last_seen=row.last_seen)
    rows.names = list(names.values())
    return rows
