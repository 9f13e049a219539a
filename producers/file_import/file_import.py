"""The adapter for file import: files become a checked and repeatable sequence of events (channel `file_import`)."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from producers.activities import ActionContext, Clock, build_event, utc_now
from producers.errors import InvalidImport, Stamp
from producers.file_import.action_list import is_action_list, require_action_list
from producers.file_import.difference import difference
from producers.file_import.identity import import_id, stamp
from producers.file_import.reading import Reader, require_same_identity
from producers.file_import.resolver import EmailAsId, IdResolver
from producers.file_import.rows import Action, BadRows, Column, Role, RowError
from producers.file_import.staging import Staging
from producers.file_import.table import open_table
from schemas.events import ActivityType, Channel, Event, Person, Source, UserDeletion
from schemas.limits import check_event


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import, and on whose behalf.

    *file* is an action list, or the user list after the change if *before* is given. *resolver* finds the ids of
    users in lists without an id column; without one the normalized e-mail is the id.
    """

    file: Path
    _: KW_ONLY
    client_space_id: str
    admin: Person
    service: str
    before: Path | None = None
    resolver: IdResolver | None = None
    encoding: str | None = None


class FileImport:
    """One import, read and judged: a context manager that holds its rows on disk.

    Entering reads each file once and publishes nothing. Raises `InvalidImport` where the files or their headers do
    not make an import, and `InvalidEvent` where the request's own fields break the contract. Bad rows are values:
    look at `bad_rows` and `unusable` before you take the events.
    """

    def __init__(
        self, request: ImportRequest, *, clock: Clock = utc_now, on_row: Callable[[], None] = lambda: None
    ) -> None:
        self._request = request
        self._clock = clock
        self._on_row = on_row
        self._resources = ExitStack()
        self._sha256s: dict[Role, bytes] = {}
        self._reader: Reader | None = None
        self.warnings: list[str] = []
        self.import_id = UUID(int=0)

    def __enter__(self) -> Self:
        now = self._clock()
        self._check_request(now)
        staging = Staging()
        with ExitStack() as resources:
            resources.callback(staging.close)
            self._reader = Reader(staging, self._request.resolver, now, self._on_row, BadRows())
            self._read(self._reader)
            self._resources = resources.pop_all()
        self.import_id = import_id(self._request.client_space_id, *self._sha256s.values())
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
    def unusable(self) -> RowError | None:
        """The fault, if any, with which the good rows prove nothing either: `events` would invent activities.

        In a user list that is a row without a readable user id, in any file a place from which on rows have no
        boundaries.
        """
        return self._entered.unusable

    def counts(self) -> Counter[ActivityType]:
        """How many events of each activity type there are."""
        return Counter(action.activity.activity_type for action in self._actions())

    def events(self, imported_at: datetime) -> Iterator[Event]:
        """The events of the good rows, as if the import ran at *imported_at*; with the same time, the same events."""
        for action in self._actions():
            yield self._event(action, stamp(self.import_id, imported_at, action))

    @property
    def _entered(self) -> Reader:
        if self._reader is None:
            raise RuntimeError("FileImport is used outside its context")
        return self._reader

    def _read(self, reader: Reader) -> None:
        request = self._request
        role = Role.ACTIONS if request.before is None else Role.AFTER
        with ExitStack() as files:
            table = files.enter_context(open_table(request.file, role, request.encoding))
            if request.before is None:
                if not is_action_list(table):
                    raise InvalidImport("no column activity: a user list needs the list before it, too (--before)")
                require_action_list(table)
                tables, read = [table], reader.read_actions
            else:
                if is_action_list(table):
                    raise InvalidImport("an action list says what was done; it takes no list before it")
                before = files.enter_context(open_table(request.before, Role.BEFORE, request.encoding))
                require_same_identity(before, table, request.resolver)
                tables, read = [before, table], reader.read_users
            if any(Column.USER_ID not in each.columns for each in tables) and request.resolver is None:
                reader.resolver = EmailAsId()
                self.warnings.append(
                    "no column user id and no id mapping: the e-mail stands in for the id, so the log holds a person "
                    "whom UI or API know by another id for two"
                )
            for each in tables:
                if each.encoding_is_guessed:
                    self.warnings.append(f"{each.role}: read as {each.encoding}, a guess; --encoding says otherwise")
                read(each)
                self._sha256s[each.role] = each.sha256()
        if request.before is not None:
            reader.compare_users()

    def _actions(self) -> Iterator[Action]:
        staging = self._entered.staging
        if self._request.before is None:
            return staging.actions()
        return difference(staging.changed_users(Role.BEFORE), staging.changed_users(Role.AFTER))

    def _event(self, action: Action, its_stamp: Stamp) -> Event:
        source = Source(
            self._request.service,
            import_id=self.import_id,
            file_sha256=self._sha256s[action.role],
            row_number=action.row_number,
        )
        context = ActionContext(self._request.client_space_id, Channel.FILE_IMPORT, self._request.admin, source)
        return build_event(context, action.affected_user, action.activity, its_stamp)

    def _check_request(self, now: datetime) -> None:
        request = self._request
        context = ActionContext(request.client_space_id, Channel.FILE_IMPORT, request.admin, Source(request.service))
        somebody = build_event(context, Person("-"), UserDeletion(), Stamp(UUID(int=0), now))
        check_event(somebody, recorded_at=now, publishing=True)
