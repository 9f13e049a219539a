"""Whom the ref of a "Deleted User" stands for, found without holding up anybody who does not ask for one."""

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
    """The way back from the refs that deleted lives are shown under to those that their lines are stored under.

    A shown ref is a function of the stored one that only the key computes, so a search goes through everyone who was
    ever deleted in the client space. It runs in a thread, one at a time, and what it found holds for ever: a pair
    says nothing of whether, or since when, the person is deleted. What was not found is not remembered, so that who
    is deleted now is found now.
    """

    def __init__(self, reader: LogReader, key: bytes) -> None:
        self._reader = reader
        self._key = key
        self._found: OrderedDict[tuple[str, UUID], UUID] = OrderedDict()
        self._turn = asyncio.Lock()

    async def stored(self, caller: Caller, shown: Collection[UUID]) -> set[UUID]:
        """The stored refs of those who are shown as deleted under one of *shown*. Raises `StoreError`."""
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
    """By shown ref, the stored one. It ends with the last that is found: one that nobody bears is sought to the end."""
    found: dict[UUID, UUID] = {}
    for stored in deleted:
        if (ref := deleted_ref(key, space, stored)) in shown:
            found[ref] = stored
            if len(found) == len(shown):
                break
    return found
