"""One run of an import, in its order: read and judge everything, settle which run it is, publish, sum up."""

import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from producers.activities import Clock, utc_now
from producers.commands.progress import Progress
from producers.file_import.file_import import FileImport, ImportRequest
from producers.file_import.import_record import Act, ImportRecords
from producers.file_import.resolver import MappingFileResolver
from producers.file_import.rows import Account, BadRows, Role, RowError
from producers.file_import.which_run import Run, Wanted, which_run
from producers.publisher import Publisher
from schemas.errors import InvalidEvent
from schemas.events import ActivityType
from schemas.retention import retention_start

_NOTE_EVERY_EVENTS = 10_000


class OnError(StrEnum):
    """What bad rows mean for the good ones."""

    ABORT = "abort"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run an import. *imported_at* is the operator's word on its time; for *again* and *repeat* see `Run`."""

    state_dir: Path
    imported_at: datetime | None = None
    on_error: OnError = OnError.ABORT
    dry_run: bool = False
    again: bool = False
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did. It names rows, never persons.

    *run* says what the run was taken for, and *occurred_at* is the import's time: pass it on where the same import may
    run on another machine. Both are `None` where nothing was published. *events* counts what the good rows say,
    *published* what the broker has acknowledged in this run, *earlier* what it acknowledged in the run before.
    *refusal* says why nothing was published; `unusable` names the row, if any, that no option can skip.
    """

    import_id: UUID | None
    occurred_at: datetime | None
    run: Run | None
    events: dict[ActivityType, int]
    published: int
    earlier: int
    accounts: dict[Role, Account]
    file_names: dict[Role, str]
    bad_rows: BadRows
    unusable: RowError | None
    doubt: str | None
    dry_run: bool
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The summary as JSON's types."""
        return {
            "type": "summary",
            "import_id": None if self.import_id is None else str(self.import_id),
            "occurred_at": None if self.occurred_at is None else self.occurred_at.isoformat(),
            "run": self.run,
            "dry_run": self.dry_run,
            "events": self.events,
            "published": self.published,
            "published_earlier": self.earlier,
            "doubt": self.doubt,
            "files": [
                {"file": self.file_names[role], "role": role, **asdict(account)}
                for role, account in self.accounts.items()
            ],
            "bad_rows": {
                "total": self.bad_rows.total,
                "first": [
                    {
                        "file": error.role,
                        "row": error.row_number,
                        "column": error.column,
                        "code": error.code,
                        "reason": error.reason,
                    }
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
    """Publish the events of *file_import* (entered), unless bad rows, a doubt or a dry run stand against it.

    Raises what `Publisher` and `which_run` raise. An event that proves invalid while others were handed over is an
    `ExceptionGroup`, as from `Publisher.publish_all`: something was published.
    """
    bad_rows, unusable, doubt = file_import.bad_rows, file_import.unusable, file_import.doubt
    events = Counter[ActivityType]() if unusable else file_import.survey().counts
    is_refused = bool(unusable or doubt or (bad_rows.total and options.on_error is OnError.ABORT))
    run, act, published, earlier = None, None, 0, 0
    if options.imported_at is not None and options.imported_at < retention_start(clock()):
        file_import.warnings.append("--occurred-at is before the last 12 months: the log shows no action of that time")
    if not is_refused:
        records = ImportRecords(options.state_dir, file_import.files_id)
        run, act = which_run(records.last(), _wanted(file_import, options, events.total(), clock()))
        earlier = act.acknowledged if run is Run.RESUMED else 0
        if options.dry_run:
            run, act = None, None
        else:
            act = records.begin(act) if run in {Run.FIRST, Run.AGAIN} else act
            publication = _Publication(records, act, earlier)
            published = await publication.publish(file_import, open_publisher, progress)
    return Summary(
        import_id=None if act is None else file_import.import_id(act.occurred_at),
        occurred_at=None if act is None else act.occurred_at,
        run=run,
        events={activity_type: events[activity_type] for activity_type in ActivityType},
        published=published,
        earlier=earlier,
        accounts=file_import.accounts(),
        file_names=_file_names(file_import.request),
        bad_rows=bad_rows,
        unusable=unusable,
        doubt=doubt,
        dry_run=options.dry_run,
        warnings=tuple(file_import.warnings),
    )


class _Publication:
    """The publishing of one act, with a note of how far it is: a run that breaks off is gone on with from there."""

    def __init__(self, records: ImportRecords, act: Act, acknowledged: int) -> None:
        self._records = records
        self._act = act
        self._start = acknowledged
        self._acknowledged = self._noted = acknowledged

    async def publish(
        self,
        file_import: FileImport,
        open_publisher: Callable[[], AbstractAsyncContextManager[Publisher]],
        progress: Progress,
    ) -> int:
        """Publish what is left of the events, and return how many were."""
        is_done = False
        try:
            async with open_publisher() as publisher:
                with progress.phase("publishing", total=self._act.events) as advance:
                    advance(self._start)

                    def step(count: int) -> None:
                        advance(count)
                        self._count(count)

                    events = file_import.events(self._act.occurred_at, skip=self._start)
                    await publisher.publish_all(events, on_acknowledged=step)
            is_done = True
        except InvalidEvent as error:
            raise ExceptionGroup("publishing broke off", [error]) from None
        finally:
            # Killed before this: the next run publishes some events once more, which doubles no line.
            self._records.note(self._act, self._acknowledged, is_done=is_done)
        return self._acknowledged - self._start

    def _count(self, count: int) -> None:
        self._acknowledged += count
        if self._acknowledged - self._noted >= _NOTE_EVERY_EVENTS:
            self._noted = self._acknowledged
            self._records.note(self._act, self._acknowledged, is_done=False)


def _wanted(file_import: FileImport, options: RunOptions, events: int, now: datetime) -> Wanted:
    request = file_import.request
    resolver = request.resolver
    mapping = resolver.digest.hex() if isinstance(resolver, MappingFileResolver) else type(resolver).__name__
    given = {
        "admin": repr(request.admin),
        "service": request.service,
        "id mapping": mapping,
        "encoding": f"{request.how.encoding} {request.before_encoding}",
        "format": f"{request.how.format.name} {sorted(request.how.format.headings.items())}",
        "sheet": request.how.sheet or "",
        "on error": options.on_error,
    }
    hashed = {name: hashlib.sha256(value.encode("utf-8", "replace")).hexdigest() for name, value in given.items()}
    digest = file_import.survey().digest
    return Wanted(events, digest, hashed, now, options.imported_at, options.again, options.repeat)


def _file_names(request: ImportRequest) -> dict[Role, str]:
    if request.before is None:
        return {Role.ACTIONS: request.file.name}
    return {Role.BEFORE: request.before.name, Role.AFTER: request.file.name}
