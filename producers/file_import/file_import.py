"""The adapter for file import: files become a checked and repeatable sequence of events (channel `file_import`)."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from producers.activities import ActionContext, Clock, build_event, canonical, utc_now
from producers.errors import InvalidImport, Stamp
from producers.file_import.action_list import is_action_list, require_action_list
from producers.file_import.deletions import SHOWN_ROWS, Deletions
from producers.file_import.identity import files_id, import_id, stamp
from producers.file_import.reading import Reader, require_same_identity
from producers.file_import.resolver import EmailAsId, IdResolver
from producers.file_import.rows import Account, BadRows, Column, Role, RowError
from producers.file_import.staging import Staging
from producers.file_import.table import HowToRead, Table, open_table
from producers.file_import.user_list import require_same_state
from schemas.events import ActivityType, Channel, Event, Person, Source, UserDeletion
from schemas.limits import check_event
from schemas.retention import retention_start


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import, and on whose behalf.

    *file* is an action list, or the user list after the change if *before* is given. *resolver* finds the ids of
    users in lists without an id column; without one the e-mail is the id. *allow_deletions* is the number of users
    whose deletion somebody has confirmed; see `Deletions`.
    """

    file: Path
    _: KW_ONLY
    client_space_id: str
    admin: Person
    service: str
    before: Path | None = None
    resolver: IdResolver | None = None
    how: HowToRead = field(default_factory=HowToRead)
    before_encoding: str | None = None
    allow_deletions: int | None = None

    def how_to_read(self, role: Role) -> HowToRead:
        """How to read the file in *role*: the list before may have an encoding of its own."""
        if role is Role.BEFORE and self.before_encoding is not None:
            return replace(self.how, encoding=self.before_encoding)
        return self.how


@dataclass(slots=True)
class Survey:
    """What the good rows say: how many events of each type, from how many rows, and a digest of every value."""

    counts: Counter[ActivityType]
    rows: Counter[Role]
    digest: bytes
    deletions: Deletions


class FileImport:
    """One import, read and judged: a context manager that holds its rows on disk.

    Entering reads each file once and publishes nothing. Raises `InvalidImport` where the files or their headers do
    not make an import, and `InvalidEvent` where the request's own fields break the contract. Bad rows are values:
    look at `bad_rows`, `unusable` and `doubt` before you take the events.
    """

    def __init__(
        self, request: ImportRequest, *, clock: Clock = utc_now, on_rows: Callable[[int], None] = lambda _: None
    ) -> None:
        self.request = request
        self._clock = clock
        self._on_rows = on_rows
        self._resources = ExitStack()
        self._sha256s: dict[Role, bytes] = {}
        self._reader: Reader | None = None
        self._survey: Survey | None = None
        self.warnings: list[str] = []
        self.files_id = UUID(int=0)

    def __enter__(self) -> Self:
        now = self._clock()
        self._check_request(now)
        staging = Staging()
        with ExitStack() as resources:
            resources.callback(staging.close)
            self._reader = Reader(staging, self.request.resolver, now, self._on_rows)
            self._read(self._reader)
            self._resources = resources.pop_all()
        self.files_id = files_id(self.request.client_space_id, *self._sha256s.values())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._resources.close()

    @property
    def bad_rows(self) -> BadRows:
        """What is wrong with the rows."""
        return self._entered.bad_rows

    @property
    def rejected(self) -> int:
        """How many bad rows there are so far, while the files are read, too."""
        return 0 if self._reader is None else self._reader.bad_rows.total

    @property
    def unusable(self) -> RowError | None:
        """The fault, if any, with which the good rows prove nothing either: `events` would invent activities.

        In a user list that is a row without a readable user id, in any file a place in which rows have no boundaries.
        """
        return self._entered.unusable

    @property
    def doubt(self) -> str | None:
        """What a person must confirm before the events may be taken, with the option that confirms it."""
        return None if self.unusable else self.survey().deletions.doubt(self.request.allow_deletions)

    def survey(self) -> Survey:
        """What there is to publish, from one look at all of it."""
        if self._survey is None:
            self._survey = self._look()
        return self._survey

    def accounts(self) -> dict[Role, Account]:
        """What becomes of the rows of each file. While the import is `unusable`, no row of it is imported."""
        reader, staging = self._entered, self._entered.staging
        for role, account in reader.accounts.items():
            imported = 0 if self.unusable else self.survey().rows[role]
            if role is Role.ACTIONS:
                account.imported, account.rejected = imported, account.rows - imported
                continue
            left_out = staging.count_left_out(role)
            account.imported, account.rejected = imported, staging.count_bad(role) + left_out
            account.unchanged = staging.count_users(role) - left_out - imported
        return reader.accounts

    def import_id(self, imported_at: datetime) -> UUID:
        """The id of this import if it runs at *imported_at*."""
        return import_id(self.files_id, imported_at)

    def events(self, imported_at: datetime, *, skip: int = 0) -> Iterator[Event]:
        """The events of the good rows but the first *skip*, as if the import ran at *imported_at*.

        With the same time they are the same events. Raises `InvalidImport` where the import is unusable or in doubt.
        """
        if self.unusable is not None:
            raise InvalidImport(str(self.unusable))
        if self.doubt is not None:
            raise InvalidImport(self.doubt)
        its_id, request = self.import_id(imported_at), self.request
        space, admin = request.client_space_id, canonical(request.admin)
        for action in self.staging.actions(skip=skip):
            at = stamp(its_id, imported_at, action)
            source = Source(request.service, None, its_id, self._sha256s[action.role], action.row_number)
            user = canonical(action.affected_user)
            yield Event(at.event_id, at.occurred_at, space, Channel.FILE_IMPORT, admin, user, action.activity, source)

    @property
    def _entered(self) -> Reader:
        if self._reader is None:
            raise RuntimeError("FileImport is not open: use it inside `with`")
        return self._reader

    @property
    def staging(self) -> Staging:
        """The rows that were read."""
        return self._entered.staging

    def _read(self, reader: Reader) -> None:
        request = self.request
        role = Role.ACTIONS if request.before is None else Role.AFTER
        with ExitStack() as files:
            table = files.enter_context(open_table(request.file, role, request.how_to_read(role)))
            tables = [table]
            if request.before is not None:
                how = request.how_to_read(Role.BEFORE)
                tables = [files.enter_context(open_table(request.before, Role.BEFORE, how)), table]
            _require_kind(tables, request.resolver)
            ids_are_emails = any(Column.USER_ID not in each.columns for each in tables) and request.resolver is None
            if ids_are_emails:
                reader.resolver = EmailAsId()
            self._warn(tables, ids_are_emails=ids_are_emails)
            for each in tables:
                (reader.read_actions if request.before is None else reader.read_users)(each)
                self._sha256s[each.role] = each.sha256()
        if too_old := reader.staging.count_older_actions(retention_start(reader.now)):
            self.warnings.append(f"{too_old} action(s) took place before the last 12 months: the log shows none")
        if request.before is not None:
            reader.compare_users(ids_are_emails=ids_are_emails)

    def _warn(self, tables: list[Table], *, ids_are_emails: bool) -> None:
        if ids_are_emails:
            self.warnings.append(
                "no column user id and no id mapping: the e-mail is the user id. If UI or API publish another id, the "
                "log shows one person as two, and deleting one does not erase the other"
            )
        missing = {Column.LICENSE, Column.ADMIN_ACCESS} - tables[0].columns
        if self.request.before is not None and missing:
            self.warnings.append(f"the lists have no {' and no '.join(sorted(missing))}: such changes are not read")

    def _look(self) -> Survey:
        counts, rows = Counter[ActivityType](), Counter[Role]()
        for role, activity_type, actions, first_actions in self.staging.count_actions():
            counts[activity_type] += actions
            rows[role] += first_actions
        request = self.request
        shape = repr((request.client_space_id, request.admin, request.service))
        return Survey(
            counts,
            rows,
            hashlib.sha256(shape.encode() + self.staging.digest()).digest(),
            Deletions(
                0 if request.before is None else self.staging.count_users(Role.BEFORE),
                counts[ActivityType.USER_DELETION],
                self.staging.first_deletions(SHOWN_ROWS),
            ),
        )

    def _check_request(self, now: datetime) -> None:
        request = self.request
        context = ActionContext(request.client_space_id, Channel.FILE_IMPORT, request.admin, Source(request.service))
        somebody = build_event(context, Person("-"), UserDeletion(), Stamp(UUID(int=0), now))
        check_event(somebody, recorded_at=now, publishing=True)


def _require_kind(tables: list[Table], resolver: IdResolver | None) -> None:
    """Raise `InvalidImport` where *tables* are neither an action list nor two user lists that can be compared."""
    table = tables[-1]
    if len(tables) == 1:
        if not is_action_list(table):
            raise InvalidImport(
                f"{table.label}: no column activity. A user list needs the list before it, too: --before"
            )
        require_action_list(table)
        return
    if is_action_list(table):
        raise InvalidImport(f"{table.label}: an action list says what was done; it takes no list before it")
    require_same_identity(tables[0], table, resolver)
    require_same_state(tables[0], table)
