"""One run of an import, in its order: read and judge everything, fix the time, publish, sum up."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from producers.activities import Clock, utc_now
from producers.file_import.file_import import FileImport
from producers.file_import.import_record import recorded_time, settle_time
from producers.file_import.rows import BadRows, RowError
from producers.progress import Progress
from producers.publisher import Publisher
from schemas.events import ActivityType


class OnError(StrEnum):
    """What bad rows mean for the good ones."""

    ABORT = "abort"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run an import. *imported_at* is the operator's word on its time, which must not contradict the record."""

    state_dir: Path
    imported_at: datetime | None = None
    on_error: OnError = OnError.ABORT
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did. It names rows, never persons.

    *occurred_at* is the import's time: pass it on where the same import may run on another machine. *events* counts
    what the good rows say, *published* what the broker has acknowledged. *publishable* is false where bad rows stood
    against it; `unusable` then names the row, if any, that no option can skip.
    """

    import_id: UUID
    occurred_at: datetime | None
    ran_before: bool
    events: dict[ActivityType, int]
    published: int
    bad_rows: BadRows
    publishable: bool
    unusable: RowError | None
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The summary as JSON's types."""
        return {
            "import_id": str(self.import_id),
            "occurred_at": None if self.occurred_at is None else self.occurred_at.isoformat(),
            "ran_before": self.ran_before,
            "events": self.events,
            "published": self.published,
            "bad_rows": {
                "total": self.bad_rows.total,
                "first": [
                    {"file": error.role, "row": error.row_number, "column": error.column, "reason": error.reason}
                    for error in self.bad_rows.first
                ],
            },
            "warnings": list(self.warnings),
        }


async def run_import(
    file_import: FileImport,
    open_publisher: Callable[[], AbstractAsyncContextManager[Publisher]],
    options: RunOptions,
    *,
    progress: Progress,
    clock: Clock = utc_now,
) -> Summary:
    """Publish the events of *file_import* (entered), unless bad rows or a dry run stand against it.

    Running it again, after a crash or by mistake, publishes the same events again: same ids, same times, no second
    line. So nothing is remembered of how far a run came. Raises what `Publisher` and `settle_time` raise.
    """
    bad_rows = file_import.bad_rows
    events = Counter[ActivityType]() if file_import.unusable else file_import.counts()
    publishable = file_import.unusable is None and (bad_rows.total == 0 or options.on_error is OnError.SKIP)
    recorded = recorded_time(options.state_dir, file_import.import_id)
    time, published = recorded or options.imported_at, 0
    if publishable and not options.dry_run:
        # A crash from here on leaves a record and some of the events: the next run completes them at the same time.
        time = settle_time(options.state_dir, file_import.import_id, given=options.imported_at, now=clock())
        async with open_publisher() as publisher:
            with progress.phase("publishing", total=events.total()) as advance:
                published = await publisher.publish_all(file_import.events(time), on_acknowledged=advance)
    return Summary(
        import_id=file_import.import_id,
        occurred_at=time,
        ran_before=recorded is not None,
        events={activity_type: events[activity_type] for activity_type in ActivityType},
        published=published,
        bad_rows=bad_rows,
        publishable=publishable,
        unusable=file_import.unusable,
        warnings=tuple(file_import.warnings),
    )
