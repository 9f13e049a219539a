"""How a line names its persons: pure rules over what the store knows of their lives and names.

`schemas/clickhouse/0003_activities_view.sql` states the same in SQL for analysts; a test holds the two together.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from schemas.lifetimes import Erasure

DELETED_USER = "Deleted User"
NAME_UNAVAILABLE = "Name unavailable"

_BEGINNING, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_REF_BYTES = 16


class KnownName(NamedTuple):
    """A name and when it was seen. An absent name is an empty text."""

    first_seen: datetime
    last_seen: datetime
    username: str
    display_name: str


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person's id and every name under which they were seen, in any order."""

    person_id: str
    names: tuple[KnownName, ...]


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """A person as a line shows them. Where *deleted*, nothing here tells who it was.

    *current* is today's username and display name, where they differ from the line's.
    """

    ref: UUID
    id: str | None
    username: str | None
    display_name: str | None
    deleted: bool
    current: tuple[str | None, str | None] | None = None


def deleted_ref(key: bytes, client_space_id: str, ref: UUID) -> UUID:
    """The ref under which the deleted lives of the person *ref* are shown.

    A later life of the same id is shown under *ref*, and the old lines must not lead to it. The label keeps the result
    apart from every output of `schemas.person_ref`, whose messages begin with a length.
    """
    space = client_space_id.encode()
    message = b"deleted person" + len(space).to_bytes(4, "big") + space + ref.bytes
    return UUID(bytes=hmac.digest(key, message, hashlib.sha256)[:_REF_BYTES])


def name_at(names: Iterable[KnownName], life_start: datetime, at: datetime) -> KnownName | None:
    """The name of a person at the time *at*, in the life that began at *life_start*.

    A name is in use from its first to its last sighting. Of several names in use at *at*, the one whose use began last
    counts. Where none is in use, the one used last before *at* counts, and else the first one after it. Names that were
    last seen before the life began belong to a former life and are ignored.

    First and last sightings do not show that a person alternates between two names. A line may then show the other one.
    """
    of_life = (
        KnownName(max(name.first_seen, life_start), *name[1:])
        for name in names
        if name.last_seen >= life_start and (name.username or name.display_name)
    )
    return min(of_life, key=lambda name: _remoteness(name, at), default=None)


def _remoteness(name: KnownName, at: datetime) -> tuple[int, timedelta, timedelta, str, str]:
    """The order of preference at the time *at*: the least of several names counts."""
    first, last, username, display_name = name
    if first > at:
        return 2, first - at, last - at, username, display_name
    if last >= at:
        # Of two that came up together, the one that ended first says more.
        return 0, at - first, last - at, username, display_name
    return 1, at - last, at - first, username, display_name


@dataclass(frozen=True, slots=True)
class Persons:
    """The persons of a page. *known* is `None` where their names could not be read."""

    key: bytes
    client_space_id: str
    lifetimes: Mapping[UUID, Erasure]
    known: Mapping[UUID, KnownPerson] | None

    def show(self, ref: UUID, at: datetime) -> ShownPerson:
        """What a line of the time *at* may show of the person whom it stores as *ref*."""
        lifetime = self.lifetimes.get(ref)
        if lifetime is not None and lifetime.is_deleted(at):
            shown_ref = deleted_ref(self.key, self.client_space_id, ref)
            return ShownPerson(shown_ref, None, None, DELETED_USER, deleted=True)
        if self.known is None:
            return ShownPerson(ref, None, None, NAME_UNAVAILABLE, deleted=False)
        person = self.known.get(ref)
        if person is None:
            return ShownPerson(ref, None, None, None, deleted=False)
        life_start = _BEGINNING if lifetime is None or lifetime.recreated_at is None else lifetime.recreated_at
        then = now = _texts(name_at(person.names, life_start, at))
        if len(person.names) > 1:
            now = _texts(name_at(person.names, life_start, _END))
        return ShownPerson(ref, person.person_id or None, *then, deleted=False, current=None if now == then else now)

    def show_now(self, ref: UUID) -> ShownPerson:
        """The person *ref* by their present names."""
        return self.show(ref, _END)


def _texts(name: KnownName | None) -> tuple[str | None, str | None]:
    return (None, None) if name is None else (name.username or None, name.display_name or None)
