"""The persons whom lines mention, to choose a filter from."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from query_api.access.auth import Caller
from query_api.log.activity_log import ActivityLog
from query_api.log.persons import DELETED_USER, ShownPerson
from query_api.log.reader import LogReader, Role
from query_api.log.search import folded, found_by
from schemas.retention import retention_start


@dataclass(frozen=True, slots=True)
class MentionedPerson:
    """A person, and how many lines of the range mention them. *person* is `None` for all deleted ones together."""

    person: ShownPerson | None
    activities: int


class Directory:
    """Living persons by their present names. All deleted persons are one entry, and none can be found alone."""

    def __init__(self, log: ActivityLog, reader: LogReader) -> None:
        self._log = log
        self._reader = reader

    async def mentioned(
        self, caller: Caller, role: Role, search: str, since: datetime | None, until: datetime | None, limit: int
    ) -> list[MentionedPerson]:
        """At most *limit* living persons, those mentioned last first, then the entry of the deleted where it fits.

        *search* finds a part of the id, or of any name of the current life. The entry of the deleted is found by its
        own words. Raises `StoreError`.
        """
        start = retention_start(self._log.now())
        start = start if since is None else max(start, since)
        among = None
        if search:
            # In a thread: a large client space must not hold up other requests.
            among = await asyncio.to_thread(found_by, search, await self._reader.named_persons(caller))
        found = await self._reader.mentions(caller, role, among, start, until, limit)
        persons = await self._log.persons(caller, {ref for ref, *_ in found if ref is not None})
        shown = [MentionedPerson(None if ref is None else persons.show_now(ref), lines) for ref, lines, _ in found]
        finds_deleted = folded(search) in folded(DELETED_USER)
        return [
            entry
            for entry in shown
            # Somebody deleted while this was read belongs to the other entry, which counts them the next time.
            if (finds_deleted if entry.person is None else not entry.person.deleted)
        ]
