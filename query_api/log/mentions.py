"""The persons whom lines mention, to choose a filter from."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from query_api.access.auth import Caller
from query_api.log.activity_log import ActivityLog
from query_api.log.persons import DELETED_USER, ShownPerson
from query_api.log.reader import LogReader, Mentions, Role
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

        Each word of *search* finds a part of the id, or of any name of the current life. Persons of whom a word begins
        so come before others. The entry of the deleted is found by its own words. Raises `StoreError`.
        """
        start = retention_start(self._log.now())
        start = start if since is None else max(start, since)
        finds_deleted = folded(search) in folded(DELETED_USER)
        found: list[Mentions] = []
        for among in await self._ranks(caller, search, finds_deleted=finds_deleted):
            living = [entry for entry in found if entry.ref is not None]
            if len(living) < limit:
                found = living + await self._reader.mentions(
                    caller, role, among, start, until, limit - len(living), with_deleted=finds_deleted
                )
        persons = await self._log.persons(caller, {ref for ref, *_ in found if ref is not None})
        shown = [MentionedPerson(None if ref is None else persons.show_now(ref), lines) for ref, lines, _ in found]
        # Somebody deleted while this was read belongs to the other entry, which counts them the next time.
        return [entry for entry in shown if entry.person is None or not entry.person.deleted]

    async def _ranks(self, caller: Caller, search: str, *, finds_deleted: bool) -> list[frozenset[UUID] | None]:
        """The persons to choose from, the best first; `None` for everybody."""
        if not search:
            return [None]
        # In a thread: a large client space must not hold up other requests.
        found = await asyncio.to_thread(found_by, search, await self._reader.named_persons(caller))
        ranks: list[frozenset[UUID] | None] = [rank for rank in found if rank]
        # Lines mention deleted persons also where nobody is found.
        return ranks or ([frozenset()] if finds_deleted else [])
