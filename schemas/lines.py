"""Rows of the log by columns: what the worker builds, inserts and publishes without making an object of every row."""

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, cast, overload
from uuid import UUID

from schemas.fields import from_micros, to_micros
from schemas.rows import ActivityRow


class LineColumns(NamedTuple):
    """The columns of `ActivityRow`, all of one length. Times are microseconds since 1970, UUIDs canonical texts."""

    client_space_id: Sequence[str]
    occurred_at: Sequence[int]
    event_id: Sequence[str]
    activity_type: Sequence[str]
    channel: Sequence[str]
    admin_ref: Sequence[str]
    affected_user_ref: Sequence[str]
    previous_license: Sequence[str | None]
    new_license: Sequence[str | None]
    admin_rights_granted: Sequence[bool | None]
    source_service: Sequence[str | None]
    request_id: Sequence[str | None]
    import_id: Sequence[str | None]
    import_file_sha256: Sequence[str | None]
    import_row_number: Sequence[int | None]
    recorded_at: Sequence[int]
    kafka_partition: Sequence[int]
    kafka_offset: Sequence[int]
    schema_id: Sequence[int]
    precedence: Sequence[int]


_NAMES = LineColumns._fields
_BETWEEN_REFS_AND_IMPORT = slice(_NAMES.index("affected_user_ref") + 1, _NAMES.index("import_id"))
_BEHIND_RECORDED_AT = slice(_NAMES.index("recorded_at") + 1, None)


class Lines(Sequence[ActivityRow]):
    """Rows of the log, held by columns. It reads as the sequence of its rows, each made when it is asked for."""

    __slots__ = ("columns",)

    def __init__(self, columns: LineColumns) -> None:
        self.columns = columns

    @classmethod
    def of(cls, rows: Sequence[ActivityRow]) -> "Lines":
        """*rows* by columns; the very same object where they are."""
        return rows if isinstance(rows, Lines) else cls(LineColumns._make(_transposed(map(_values, rows))))

    def by_client_space(self) -> "dict[str, Lines]":
        """The lines of each client space, in their order."""
        places: dict[str, list[int]] = {}
        for place, space in enumerate(self.columns.client_space_id):
            places.setdefault(space, []).append(place)
        return {space: self._taken(some) for space, some in places.items()}

    def _taken(self, places: Sequence[int]) -> "Lines":
        if len(places) == 1:
            # One place would be answered with the value itself.
            return self[places[0] : places[0] + 1]
        take = itemgetter(*places)
        return Lines(LineColumns._make(map(take, self.columns)))

    def __len__(self) -> int:
        return len(self.columns.client_space_id)

    def __iter__(self) -> Iterator[ActivityRow]:
        return map(_row, *self.columns)

    @overload
    def __getitem__(self, place: int) -> ActivityRow: ...

    @overload
    def __getitem__(self, place: slice) -> "Lines": ...

    def __getitem__(self, place: "int | slice") -> "ActivityRow | Lines":
        if isinstance(place, slice):
            return Lines(LineColumns._make(column[place] for column in self.columns))
        return _row(*(column[place] for column in self.columns))


def _transposed(rows: Iterable[tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
    return list(zip(*rows, strict=True)) or [()] * len(_NAMES)


def _values(row: ActivityRow) -> tuple[Any, ...]:
    """The values of *row* as columns hold them."""
    values: tuple[Any, ...] = row
    return (
        row.client_space_id,
        to_micros(row.occurred_at),
        str(row.event_id),
        row.activity_type,
        row.channel,
        str(row.admin_ref),
        str(row.affected_user_ref),
        *values[_BETWEEN_REFS_AND_IMPORT],
        None if row.import_id is None else str(row.import_id),
        row.import_file_sha256,
        row.import_row_number,
        to_micros(row.recorded_at),
        *values[_BEHIND_RECORDED_AT],
    )


def _row(*values: Any) -> ActivityRow:  # noqa: ANN401 - one of each column, in their order
    """The row of *values*, one of each column."""
    row = cast("Any", LineColumns._make(values))
    return ActivityRow._make(
        (
            row.client_space_id,
            from_micros(row.occurred_at),
            UUID(row.event_id),
            row.activity_type,
            row.channel,
            UUID(row.admin_ref),
            UUID(row.affected_user_ref),
            *row[_BETWEEN_REFS_AND_IMPORT],
            None if row.import_id is None else UUID(row.import_id),
            row.import_file_sha256,
            row.import_row_number,
            from_micros(row.recorded_at),
            *row[_BEHIND_RECORDED_AT],
        )
    )
