"""The port to the store: what the query API asks of it, and what an answer promises."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from query_api.access.auth import Caller
from query_api.log.filters import Position, Selection
from query_api.log.persons import KnownPerson
from schemas.lifetimes import Erasure


class Line(NamedTuple):
    """A line as it is stored: refs, no names. The fields are columns of `activity_log`."""

    occurred_at: datetime
    event_id: UUID
    activity_type: str
    channel: str
    admin_ref: UUID
    affected_user_ref: UUID
    previous_license: str | None
    new_license: str | None
    admin_rights_granted: bool | None
    source_service: str | None
    request_id: str | None
    import_id: UUID | None
    import_row_number: int | None
    recorded_at: datetime
    precedence: int


class StoredLine(NamedTuple):
    """A row as the worker stored it, and its place in the topic. Not every row is a line: copies are among them."""

    line: Line
    kafka_partition: int
    kafka_offset: int


class StoredPage(NamedTuple):
    """Rows in the order `recorded`. *is_complete*: no row that the broker took in time is held back."""

    rows: list[StoredLine]
    has_more: bool
    is_complete: bool


class Count(NamedTuple):
    """How many lines of one activity type fall into a bucket, which is named by its start."""

    start: datetime
    activity_type: str
    lines: int


class ValueCount(NamedTuple):
    """How many lines have these values together."""

    activity_type: str
    channel: str
    previous_license: str | None
    new_license: str | None
    lines: int


class Role(StrEnum):
    """What a person is on a line."""

    AFFECTED_USER = "affected_user"
    ADMIN = "admin"


class Mentions(NamedTuple):
    """How often lines mention a living person, or (*ref* is `None`) all deleted ones together."""

    ref: UUID | None
    lines: int
    last: datetime


class FileImport(NamedTuple):
    """What lines say of one file import: the times of its first and last line, and its lines by activity type.

    *admin_ref* and *precedence* are those of the last line.
    """

    import_id: UUID
    first_at: datetime
    last_at: datetime
    admin_ref: UUID
    precedence: int
    lines: Mapping[str, int]


class LogReader(Protocol):
    """Where the log is read.

    Every answer holds rows of the caller's client space only. Each method may be called at any time and concurrently;
    it waits for the store, but not for ever, and raises `StoreUnavailable` or `QueryTimeout` instead of guessing.
    Nothing is cached: a row that is durable before the call is in the answer.
    """

    async def lines(self, caller: Caller, selection: Selection) -> list[Line]:
        """The first `limit` lines of *selection* behind `after`, in its order; fewer only where there are no more.

        A line is an event's first copy, the one with the largest precedence, however many copies are stored and
        whether or not they agree: a selection that fits only another copy does not find the event. Lines of one time
        are in a fixed order of the store's own: walking on from the last line of an answer meets each exactly once.
        """
        ...

    async def line(self, caller: Caller, event_id: UUID, since: datetime) -> Line | None:
        """The first copy of the event, unless there is none that occurred at *since* or later."""
        ...

    async def stored(
        self, caller: Caller, selection: Selection, met: Mapping[int, int], before: datetime
    ) -> StoredPage:
        """The first `limit` rows of *selection*, by partition and offset, beyond the offset that *met* has of each.

        Rows of an insert that may be under way are held back, and take no room of the limit. The page is complete where
        the broker took none of these before *before*. Whoever goes on from `advanced` meets each row once.
        """
        ...

    async def winners(self, caller: Caller, lines: list[Line]) -> list[Line]:
        """Those of *lines*, of which none is given twice, that are the first copy of their event."""
        ...

    async def counts(self, caller: Caller, selection: Selection, starts: Sequence[datetime]) -> list[Count]:
        """The lines of *selection*, each counted once, by bucket and activity type; `limit` and order mean nothing.

        A bucket begins at one of *starts*, which are in order, and ends at the next. No line lies before the first.
        """
        ...

    async def value_counts(self, caller: Caller, selection: Selection) -> list[ValueCount]:
        """The lines of *selection*, each counted once, by their values; `limit` and order mean nothing."""
        ...

    async def imports(self, caller: Caller, selection: Selection, behind: Position | None) -> list[FileImport]:
        """The first `limit` file imports behind *behind*, by the lines of *selection*, each counted once.

        The import with the latest line comes first; the order of *selection* means nothing. The time of an import's
        last line and its id are its place.
        """
        ...

    async def mentions(  # noqa: PLR0913 - who, in which range, and how many
        self,
        caller: Caller,
        role: Role,
        among: Collection[UUID] | None,
        since: datetime,
        until: datetime | None,
        limit: int,
        *,
        with_deleted: bool,
    ) -> list[Mentions]:
        """The persons in *role* on lines of the time, those mentioned last first.

        At most *limit* living ones, of those in *among* where it is given; and *with_deleted* one entry for all deleted
        ones, if any line mentions one. A line counts for the life that it belongs to.
        """
        ...

    async def named_persons(self, caller: Caller) -> list[str]:
        """Everybody of whom an id or a name is stored that was seen in their current life, at least once a name.

        Each is one text: the ref, the id, the username and the display name, with a NUL between them.
        """
        ...

    async def licenses(self, caller: Caller, since: datetime, limit: int) -> list[str]:
        """The licenses that lines since then name, in order; the first *limit* of them."""
        ...

    async def lifetimes(self, caller: Caller, refs: Collection[UUID]) -> dict[UUID, Erasure]:
        """The lives of those of *refs* that were ever deleted."""
        ...

    async def deleted(self, caller: Caller) -> list[UUID]:
        """The refs of everyone who was ever deleted, each once."""
        ...

    async def known_persons(self, caller: Caller, refs: Collection[UUID]) -> dict[UUID, KnownPerson]:
        """The ids and names of those of *refs* that have any, deleted or not: `Persons` decides what may be shown."""
        ...

    async def schema_difference(self) -> str | None:
        """What separates the database's schema from this version's, in words; `None` where the log can be read."""
        ...

    async def close(self) -> None:
        """Release what is held. The reader is not used afterwards."""
        ...
