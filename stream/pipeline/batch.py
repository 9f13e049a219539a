"""Make one batch of chunks. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from schemas.person_ref import PersonRefs
from stream.fetch.records import Chunk
from stream.pipeline.accept import Accepted, Refused, SchemasById, accept
from stream.pipeline.rows.rows import Rows, rows_of


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that must be written before the offsets of *chunks* are committed: rows and dead letters.

    *accepted* is what *rows* were made of: it finds the event behind a row that the store refuses. *expired* counts the
    events that were older than the retention when the broker recorded them, *off_boarded* those of each
    client space that has left.
    """

    chunks: tuple[Chunk, ...]
    accepted: list[Accepted]
    refusals: list[tuple[Chunk, Refused]]
    rows: Rows
    expired: int = 0
    off_boarded: Counter[str] = field(default_factory=Counter)


def build_batch(
    chunks: Iterable[Chunk], *, schemas: SchemasById, refs: PersonRefs, off_boarded: Collection[str] = ()
) -> Batch:
    """One batch of *chunks*. *schemas* has an entry for the id of every framed record.

    Nothing is stored of the client spaces *off_boarded*, and none of their events becomes a dead letter.
    """
    all_chunks = tuple(chunks)
    accepted: list[Accepted] = []
    refusals: list[tuple[Chunk, Refused]] = []
    for chunk in all_chunks:
        of_chunk, refused = accept(chunk, schemas)
        accepted += of_chunk
        refusals += [(chunk, one) for one in refused]
    dropped: Counter[str] = Counter()
    if off_boarded:
        left = [one for one in accepted if one.fields.client_space_id in off_boarded]
        # One that is contested is a dead letter, and counts as that.
        dropped.update(one.fields.client_space_id for one in left if not one.is_contested)
        accepted = [one for one in accepted if one.fields.client_space_id not in off_boarded] if left else accepted
    rows = rows_of(accepted, refs)
    expired = sum(not one.is_contested for one in accepted) - len(rows.activities)
    return Batch(all_chunks, accepted, refusals, rows, expired=expired, off_boarded=dropped)
