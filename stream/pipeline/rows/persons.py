"""What is known of persons by columns, as `stream.pipeline.rows.lines` has lines: their names and lifetimes."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.rows import PersonLifetimeRow, PersonNameRow
from stream.pipeline.rows.columns import ByColumns


class LifetimeColumns(NamedTuple):
    """The columns of `PersonLifetimeRow`."""

    client_space_id: Sequence[str]
    person_ref: Sequence[str]
    change: Sequence[str]
    occurred_at: Sequence[int]
    event_id: Sequence[str]
    precedence: Sequence[int]


class LifetimeRows(ByColumns[PersonLifetimeRow, LifetimeColumns]):
    """Beginnings and ends of lives, held by columns."""

    __slots__ = ()
    row_type = PersonLifetimeRow
    columns_type = LifetimeColumns


class NameColumns(NamedTuple):
    """The columns of `PersonNameRow`."""

    client_space_id: Sequence[str]
    person_ref: Sequence[str]
    person_id: Sequence[str]
    username: Sequence[str]
    display_name: Sequence[str]
    first_seen: Sequence[int]
    last_seen: Sequence[int]


class Names(ByColumns[PersonNameRow, NameColumns]):
    """Names, held by columns."""

    __slots__ = ()
    row_type = PersonNameRow
    columns_type = NameColumns
