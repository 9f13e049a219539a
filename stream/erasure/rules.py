"""Which names of a person must go: the decision, pure. Worker, eraser, topic sweep and rebuild all ask here.

A name is that of the present life, or it goes. What counts is when it was seen, not when it is looked at, so the order
in which sightings, deletions and creations arrive decides nothing.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from schemas.lifetimes import Erasure
from schemas.rows import PersonLifetimeRow, PersonNameRow
from stream.pipeline.rows.history_codec import NameKey, UnreadableHistory, decode_name, encode_name, read_person_key


class PersonKey(NamedTuple):
    """A person, as every store knows them."""

    client_space_id: str
    person_ref: UUID


Erasures = Mapping[PersonKey, Erasure]
"""Everybody who was ever deleted."""


def living_name(row: PersonNameRow, erasures: Erasures) -> PersonNameRow | None:
    """*row* as it may be kept; `None` where it must go.

    A name that was seen before and after the person began anew is the living person's. Its first sighting is moved to
    the beginning of this life: an earlier one would tell that there was a former life under the same name.
    """
    erasure = erasures.get(PersonKey(row.client_space_id, row.person_ref))
    if erasure is None:
        return row
    start = erasure.recreated_at
    if start is None or row.last_seen < start:
        return None
    return row if row.first_seen >= start else row._replace(first_seen=start)


def left_of_record(
    key: bytes | None,
    value: bytes | None,
    erasures: Erasures,
    expired: datetime,
    off_boarded: Collection[str] = (),
) -> bytes | None:
    """The value that a record of the names may have: its own where nothing must go, `None` where all of it must.

    Names seen last before *expired* go. So does a name that cannot be read, where its key tells that its person was
    ever deleted, and every name and fact of the client spaces *off_boarded*. Raises `UnreadableHistory` for every other
    record that this version cannot read.
    """
    if value is None:
        return None
    place = read_person_key(key)
    if isinstance(place, NameKey | PersonLifetimeRow) and place.client_space_id in off_boarded:
        return None
    if not isinstance(place, NameKey):
        return value
    try:
        row = decode_name(place, value)
    except UnreadableHistory:
        if PersonKey(place.client_space_id, place.person_ref) in erasures:
            return None
        raise
    left = living_name(row, erasures) if row.last_seen >= expired else None
    if left == row:
        return value
    return None if left is None else encode_name(left)
