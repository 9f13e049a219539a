"""Make rows of events. Pure.

A row depends on its record and the pseudonymization key alone, so a replay makes the same row again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from schemas.events import UserCreation, UserDeletion
from schemas.fields import ACTIVITY_TYPES, MICROSECOND, EventFields, from_micros
from schemas.person_ref import PersonRefs
from schemas.retention import SHORTEST_RETENTION, retention_start
from schemas.rows import CREATED, ERASED, ActivityRow, PersonLifetimeRow, PersonNameRow, precedence, row_offset
from stream.fetch.records import MICROS_PER_MILLI
from stream.pipeline.accept import Accepted
from stream.pipeline.rows.lines import LineColumns, Lines
from stream.pipeline.rows.persons import LifetimeColumns, LifetimeRows, NameColumns, Names


@dataclass(slots=True)
class Rows:
    """Rows for the three tables, in the order in which they must be inserted.

    Lifetimes go first, so that no reader sees a line of a deleted person before the deletion. Names go second, so that
    no reader sees a line without its names.
    """

    lifetimes: Sequence[PersonLifetimeRow] = ()
    names: Sequence[PersonNameRow] = ()
    activities: Sequence[ActivityRow] = ()


def rows_of(accepted: Sequence[Accepted], refs: PersonRefs) -> Rows:
    """The rows of *accepted*. Several sightings of one name become one row, as their table would merge them."""
    lines = accepted if _are_all_lines(accepted) else [one for one in accepted if is_line(one)]
    if not lines:
        return Rows(_lifetimes(accepted, refs))
    columns = _columns(lines)
    return Rows(_lifetimes(accepted, refs), _names(lines, columns, refs), _lines(lines, columns, refs))


def is_line(one: Accepted) -> bool:
    """Whether *one* becomes a line: it is not contested, and the broker recorded it within the retention.

    An older record becomes no line, but an older deletion still erases. The rule reads no clock, so that a replay and
    every other worker decide the same.
    """
    recorded_at = from_micros(one.record.timestamp * MICROS_PER_MILLI)
    return not one.is_contested and from_micros(one.fields.occurred_at) >= retention_start(recorded_at)


def _are_all_lines(accepted: Sequence[Accepted]) -> bool:
    """Fast check that every record passes `is_line`. `False` may be a false negative."""
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
    offsets = [row_offset(one.chunk.epoch, one.record.offset) for one in accepted]
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


def _lifetimes(accepted: Sequence[Accepted], refs: PersonRefs) -> LifetimeRows:
    changes = [one for one in accepted if one.fields.activity in _LIFETIME_CHANGES]
    spaces = [one.fields.client_space_id for one in changes]
    return LifetimeRows(
        LifetimeColumns(
            client_space_id=spaces,
            person_ref=list(map(refs, spaces, [one.fields.affected_user_id for one in changes])),
            change=[_LIFETIME_CHANGES[one.fields.activity] for one in changes],
            occurred_at=[one.fields.occurred_at for one in changes],
            event_id=[one.fields.event_id for one in changes],
            precedence=[precedence(one.record.timestamp, one.record.offset) for one in changes],
        )
    )


def _names(accepted: Sequence[Accepted], columns: Any, refs: PersonRefs) -> Names:  # noqa: ANN401 - as above
    """The names that events show. A deletion shows no name, and no id, of the deleted person.

    Names are seen when the event happened: not after the broker recorded it (`schemas.lifetimes.happened_at`).
    """
    spaces = columns.client_space_id
    recorded_until = [(one.record.timestamp + 1) * MICROS_PER_MILLI for one in accepted]
    times = list(map(min, columns.occurred_at, recorded_until))
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
