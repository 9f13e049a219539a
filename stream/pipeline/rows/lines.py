"""Rows of the log by columns: what the worker builds, inserts and publishes without making an object of every row."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.rows import ActivityRow
from stream.pipeline.rows.columns import ByColumns


class LineColumns(NamedTuple):
    """The columns of `ActivityRow`."""

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


class Lines(ByColumns[ActivityRow, LineColumns]):
    """Rows of the log, held by columns."""

    __slots__ = ()
    row_type = ActivityRow
    columns_type = LineColumns

    def by_client_space(self) -> "dict[str, Lines]":
        """The lines of each client space, in their order."""
        places: dict[str, list[int]] = {}
        for place, space in enumerate(self.columns.client_space_id):
            places.setdefault(space, []).append(place)
        return {space: self.taken(some) for space, some in places.items()}
