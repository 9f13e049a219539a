"""Rows of the log by columns: what the worker builds, inserts and publishes without making an object of every row."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast
from uuid import UUID

from schemas.fields import from_micros, to_micros
from schemas.rows import ActivityRow
from stream.pipeline.rows.columns import ByColumns


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


class Lines(ByColumns[ActivityRow, LineColumns]):
    """Rows of the log, held by columns."""

    __slots__ = ()
    columns_type = LineColumns

    def by_client_space(self) -> "dict[str, Lines]":
        """The lines of each client space, in their order."""
        places: dict[str, list[int]] = {}
        for place, space in enumerate(self.columns.client_space_id):
            places.setdefault(space, []).append(place)
        return {space: self.taken(some) for space, some in places.items()}

    @staticmethod
    def to_values(row: ActivityRow) -> tuple[Any, ...]:
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

    @staticmethod
    def to_row(*values: Any) -> ActivityRow:  # noqa: ANN401 - one of each column, in their order
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
