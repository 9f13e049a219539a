"""The stored ref behind the ref that a "Deleted User" is shown under."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from uuid import UUID

from query_api.access.auth import Caller
from query_api.log.persons import deleted_ref
from query_api.log.reader import LogReader

REMEMBERED = 10_000
"""How many deleted persons' refs are remembered, of all client spaces together: some 4 MB."""


class DeletedPersons:
    """Maps the refs that deleted lives are shown under to the refs that their lines are stored under.

    The shown ref is a keyed function of the stored one, so a search goes through everybody who was ever deleted in the
    client space. Searches run in a thread, one at a time. Pairs that were found stay true and are remembered. Refs that
    were not found are searched for again, so a new deletion counts at once.
    """

    def __init__(self, reader: LogReader, key: bytes) -> None:
        self._reader = reader
        self._key = key
        self._found: OrderedDict[tuple[str, UUID], UUID] = OrderedDict()
        self._turn = asyncio.Lock()

    async def stored(self, caller: Caller, shown: Collection[UUID]) -> set[UUID]:
        """The stored refs of the deleted persons who are shown under *shown*. Raises `StoreError`."""
        space = caller.client_space_id
        remembered = {ref: self._found[space, ref] for ref in shown if (space, ref) in self._found}
        for ref in remembered:
            self._found.move_to_end((space, ref))
        stored = set(remembered.values())
        if missing := set(shown) - remembered.keys():
            deleted = await self._reader.deleted(caller)
            async with self._turn:
                found = await asyncio.to_thread(_search, missing, deleted, self._key, space)
            stored.update(found.values())
            self._remember(space, found)
        return stored

    def _remember(self, space: str, found: dict[UUID, UUID]) -> None:
        self._found.update({(space, shown): stored for shown, stored in found.items()})
        while len(self._found) > REMEMBERED:
            self._found.popitem(last=False)


def _search(shown: Collection[UUID], deleted: Collection[UUID], key: bytes, space: str) -> dict[UUID, UUID]:
    """Map shown refs to stored refs. Stops once all are found; an unknown ref costs a full scan."""
    found: dict[UUID, UUID] = {}
    for stored in deleted:
        if (ref := deleted_ref(key, space, stored)) in shown:
            found[ref] = stored
            if len(found) == len(shown):
                break
    return found
