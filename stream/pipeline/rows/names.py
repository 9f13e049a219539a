"""Names of persons by columns, as `stream.pipeline.rows.lines` has lines."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from schemas.fields import from_micros, to_micros
from schemas.rows import PersonNameRow
from stream.pipeline.rows.columns import ByColumns


class NameColumns(NamedTuple):
    """The columns of `PersonNameRow`, all of one length. Times are microseconds since 1970, refs canonical texts."""

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
    columns_type = NameColumns

    @staticmethod
    def to_values(row: PersonNameRow) -> tuple[str, str, str, str, str, int, int]:
        space, ref, person_id, username, display_name, first_seen, last_seen = row
        return space, str(ref), person_id, username, display_name, to_micros(first_seen), to_micros(last_seen)

    @staticmethod
    def to_row(*values: Any) -> PersonNameRow:  # noqa: ANN401 - one of each column, in their order
        space, ref, person_id, username, display_name, first_seen, last_seen = values
        first, last = from_micros(first_seen), from_micros(last_seen)
        return PersonNameRow(space, UUID(ref), person_id, username, display_name, first, last)
