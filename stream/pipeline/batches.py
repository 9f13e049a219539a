"""Events become rows, and chunks become one batch: what they leave behind before their offsets may move. Pure.

A row is made of its record and the pseudonymization key alone, so a replay makes the same one again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any
from uuid import UUID

from schemas.events import UserCreation, UserDeletion
from schemas.fields import ACTIVITY_TYPES, MICROSECOND, EventFields, from_micros
from schemas.person_ref import PersonRefs
from schemas.retention import SHORTEST_RETENTION, retention_start
from schemas.rows import CREATED, ERASED, ActivityRow, PersonLifetimeRow, PersonNameRow, precedence
from stream.fetch.records import MICROS_PER_MILLI, Chunk
from stream.pipeline.accept import Accepted, Refused, SchemasById, judge
from stream.pipeline.rows.lines import LineColumns, Lines
from stream.pipeline.rows.names import NameColumns, Names


@dataclass(slots=True)
class Rows:
    """Rows for the three tables, in the order in which they must be inserted.

    Lifetimes first: a line that the reader sees after its person was deleted must find the deletion there. Names
    second: a line without its names would show none.
    """

    lifetimes: list[PersonLifetimeRow] = field(default_factory=list)
    names: Sequence[PersonNameRow] = ()
    activities: Sequence[ActivityRow] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """What is written before the offsets of *chunks* are committed: *rows*, and a dead letter for each refusal.

    *accepted* is what *rows* were made of, for the case that the store refuses one of them. *expired* of them were
    older than the retention when the broker recorded them.
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
        of_chunk, refused = judge(chunk, schemas)
        accepted += of_chunk
        refusals += [(chunk, one) for one in refused]
    rows = rows_of(accepted, refs)
    return Batch(all_chunks, accepted, refusals, rows, expired=len(accepted) - len(rows.activities))


def rows_of(accepted: Sequence[Accepted], refs: PersonRefs) -> Rows:
    """The rows that *accepted* stand for; sightings of one name become one row, as their table would fold them."""
    lines = accepted if _are_all_lines(accepted) else [one for one in accepted if is_line(one)]
    if not lines:
        return Rows(_lifetimes(accepted, refs))
    columns = _columns(lines)
    return Rows(_lifetimes(accepted, refs), _names(columns, refs), _lines(lines, columns, refs))


def is_line(one: Accepted) -> bool:
    """Whether *one* is shown: it is not contested, and the broker recorded it within the retention.

    Older ones are never shown, but a deletion among them still erases. The worker's clock is not asked: a replay, and
    another worker, decide the same.
    """
    recorded_at = from_micros(one.record.timestamp * MICROS_PER_MILLI)
    return not one.is_contested and from_micros(one.fields.occurred_at) >= retention_start(recorded_at)


def _are_all_lines(accepted: Sequence[Accepted]) -> bool:
    """Whether `is_line` says so of all, told without a calendar; it may be in doubt."""
    if not accepted or any(one.is_contested for one in accepted):
        return False
    newest_recorded_at = max(one.record.timestamp for one in accepted) * MICROS_PER_MILLI
    return newest_recorded_at - min(one.fields.occurred_at for one in accepted) <= _SHORTEST_RETENTION


_SHORTEST_RETENTION = SHORTEST_RETENTION // MICROSECOND


def _columns(accepted: Sequence[Accepted]) -> Any:  # noqa: ANN401 - `EventFields`, each field the tuple of its values
    return EventFields._make(zip(*[one.fields for one in accepted], strict=True))


def _lines(accepted: Sequence[Accepted], columns: Any, refs: PersonRefs) -> Lines:  # noqa: ANN401 - as above
    spaces = columns.client_space_id
    milliseconds = [one.record.timestamp for one in accepted]
    offsets = [one.record.offset for one in accepted]
    return Lines(
        LineColumns(
            client_space_id=spaces,
            occurred_at=columns.occurred_at,
            event_id=columns.event_id,
            activity_type=list(map(ACTIVITY_TYPES.__getitem__, columns.activity)),
            channel=columns.channel,
            admin_ref=list(map(refs, spaces, columns.admin_id)),
            affected_user_ref=list(map(refs, spaces, columns.affected_user_id)),
            previous_license=columns.previous_license,
            new_license=columns.new_license,
            admin_rights_granted=columns.granted,
            source_service=columns.service,
            request_id=columns.request_id,
            import_id=columns.import_id,
            import_file_sha256=[None if value is None else value.hex() for value in columns.file_sha256],
            import_row_number=columns.row_number,
            recorded_at=[at * MICROS_PER_MILLI for at in milliseconds],
            kafka_partition=[one.chunk.partition for one in accepted],
            kafka_offset=offsets,
            schema_id=[one.schema_id for one in accepted],
            precedence=list(map(precedence, milliseconds, offsets)),
        )
    )


_LIFETIME_CHANGES = {UserCreation.__name__: CREATED, UserDeletion.__name__: ERASED}


def _lifetimes(accepted: Sequence[Accepted], refs: PersonRefs) -> list[PersonLifetimeRow]:
    return [
        PersonLifetimeRow(
            fields.client_space_id,
            _uuid(refs(fields.client_space_id, fields.affected_user_id)),
            _LIFETIME_CHANGES[fields.activity],
            from_micros(fields.occurred_at),
        )
        for _, _, _, fields, _ in accepted
        if fields.activity in _LIFETIME_CHANGES
    ]


def _names(columns: Any, refs: PersonRefs) -> Names:  # noqa: ANN401 - as above
    """What events tell of their persons' names. A deletion tells nothing of the deleted person, their id included."""
    spaces, times = columns.client_space_id, columns.occurred_at
    admins = zip(spaces, columns.admin_id, columns.admin_username, columns.admin_display_name, strict=True)
    users = zip(
        spaces,
        columns.affected_user_id,
        columns.affected_user_username,
        columns.affected_user_display_name,
        strict=True,
    )
    sightings = chain(
        zip(admins, times, strict=True),
        (
            (name, at)
            for name, at, activity in zip(users, times, columns.activity, strict=True)
            if activity != UserDeletion.__name__
        ),
    )
    first: dict[tuple[str, str, str | None, str | None], int] = {}
    last: dict[tuple[str, str, str | None, str | None], int] = {}
    for name, at in sightings:
        if at < first.setdefault(name, at):
            first[name] = at
        if at > last.setdefault(name, at):
            last[name] = at
    name_spaces, ids, usernames, display_names = zip(*first, strict=True)
    return Names(
        NameColumns(
            client_space_id=name_spaces,
            person_ref=list(map(refs, name_spaces, ids)),
            person_id=ids,
            username=[username or "" for username in usernames],
            display_name=[display_name or "" for display_name in display_names],
            first_seen=list(first.values()),
            last_seen=list(last.values()),
        )
    )


_uuid = lru_cache(50_000)(UUID)
