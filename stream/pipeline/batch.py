"""Make one batch of chunks. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.person_ref import PersonRefs
from stream.fetch.records import Chunk
from stream.pipeline.accept import Accepted, Refused, SchemasById, accept
from stream.pipeline.rows.rows import Rows, rows_of


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that must be written before the offsets of *chunks* are committed: rows and dead letters.

    *accepted* is what *rows* were made of: it finds the event behind a row that the store refuses. *expired* counts the
    events that were older than the retention when the broker recorded them.
    """

    chunks: tuple[Chunk, ...]
    accepted: list[Accepted]
    refusals: list[tuple[Chunk, Refused]]
    rows: Rows
    expired: int = 0


def build_batch(chunks: Iterable[Chunk], *, schemas: SchemasById, refs: PersonRefs) -> Batch:
    """One batch of *chunks*. *schemas* has an entry for the id of every framed record."""
    all_chunks = tuple(chunks)
    accepted: list[Accepted] = []
    refusals: list[tuple[Chunk, Refused]] = []
    for chunk in all_chunks:
        of_chunk, refused = accept(chunk, schemas)
        accepted += of_chunk
        refusals += [(chunk, one) for one in refused]
    rows = rows_of(accepted, refs)
    expired = sum(not one.is_contested for one in accepted) - len(rows.activities)
    return Batch(all_chunks, accepted, refusals, rows, expired=expired)
