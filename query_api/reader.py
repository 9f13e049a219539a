"""The port to the store: what the query API asks of it, and what an answer promises."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from query_api.auth import Caller
from query_api.filters import Selection
from query_api.people import KnownPerson, Lifetime


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

    async def lifetimes(self, caller: Caller, refs: Collection[UUID] | None) -> dict[UUID, Lifetime]:
        """The lives of those of *refs* that were ever deleted; of everyone who was, where *refs* is `None`."""
        ...

    async def known_persons(self, caller: Caller, refs: Collection[UUID]) -> dict[UUID, KnownPerson]:
        """The ids and names of those of *refs* that have any, deleted or not: `People` decides what may be shown."""
        ...

    async def schema_difference(self) -> str | None:
        """What separates the database's schema from this version's, in words; `None` where the log can be read."""
        ...

    async def close(self) -> None:
        """Release what is held. The reader is not used afterwards."""
        ...
