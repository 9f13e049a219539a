"""Beginnings and ends of lives by columns, as `stream.pipeline.rows.lines` has lines."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from schemas.fields import from_micros, to_micros
from schemas.rows import PersonLifetimeRow
from stream.pipeline.rows.columns import ByColumns


class LifetimeColumns(NamedTuple):
    """The columns of `PersonLifetimeRow`, all of one length. Times are microseconds since 1970, UUIDs texts."""

    client_space_id: Sequence[str]
    person_ref: Sequence[str]
    change: Sequence[str]
    occurred_at: Sequence[int]
    event_id: Sequence[str]
    precedence: Sequence[int]


class LifetimeRows(ByColumns[PersonLifetimeRow, LifetimeColumns]):
    """Beginnings and ends of lives, held by columns."""

    __slots__ = ()
    columns_type = LifetimeColumns

    @staticmethod
    def to_values(row: PersonLifetimeRow) -> tuple[str, str, str, int, str, int]:
        space, ref, change, occurred_at, event_id, precedence = row
        return space, str(ref), change, to_micros(occurred_at), str(event_id), precedence

    @staticmethod
    def to_row(*values: Any) -> PersonLifetimeRow:  # noqa: ANN401 - one of each column, in their order
        space, ref, change, occurred_at, event_id, precedence = values
        return PersonLifetimeRow(space, UUID(ref), change, from_micros(occurred_at), UUID(event_id), precedence)
