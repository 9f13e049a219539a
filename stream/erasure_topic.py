"""The topic of names, as the eraser needs it: what must go is found by reading it, and overwritten."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from schemas.history import NameKey, UnreadableHistory, decode_name, encode_name, read_person_key, tick_record
from schemas.topics import PERSON_NAMES_TOPIC
from stream.erasure_rules import Erasures, PersonKey, living_name
from stream.history import Message, TopicWriter
from stream.history_reader import open_reader
from stream.unreadable import place_of


@dataclass(frozen=True, slots=True)
class Swept:
    """How many names a sweep overwrote, and where the records lie that it left since this version cannot read them."""

    overwritten: int
    unreadable: tuple[str, ...] = ()


class NameTopic(Protocol):
    """The topic of names."""

    async def sweep(self, erasures: Erasures, expired: datetime) -> Swept:
        """Overwrite every name that must go for *erasures*, or that was seen last before *expired*.

        A name that this version cannot read goes where its key tells that its person was ever deleted; it comes back
        with the next event that bears it. Everybody else's is left: a newer version may have written it. What has no
        key that this version can read is left, too, and nothing unreadable keeps the others from being erased.

        On return the broker has the overwriting records, and no reader that reads to the end is left with such a name.
        The overwritten bytes leave its disk when it next compacts, which the sweeps after this one bring about without
        any other traffic. Raises `Unavailable`; then sweep again.
        """
        ...


class KafkaNameTopic:
    """`NameTopic` on the real one.

    It is read whole. To know the keys of a person instead would take an index, and that would have to be right under
    every race between a worker that publishes a name and one that learns of the deletion; what is read is right.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers

    async def sweep(self, erasures: Erasures, expired: datetime) -> Swept:
        """See `NameTopic.sweep`."""
        due: dict[bytes, bytes | None] = {}
        unreadable: dict[bytes, str] = {}
        async with open_reader(self._bootstrap_servers) as reader:
            extents = await reader.extents(PERSON_NAMES_TOPIC)
            async for records, _ in reader.records(PERSON_NAMES_TOPIC, extents):
                for record in records:
                    # The last record of a key is the one that counts.
                    due.pop(record.key, None)
                    unreadable.pop(record.key, None)
                    if record.value is None:
                        continue
                    try:
                        is_due, value = _successor(record.key, record.value, erasures, expired)
                    except UnreadableHistory:
                        unreadable[record.key] = place_of(record)
                        continue
                    if is_due:
                        due[record.key] = value
        writer = TopicWriter(self._bootstrap_servers)
        messages = [Message(PERSON_NAMES_TOPIC, key, value) for key, value in due.items()]
        # The broker compacts no segment that it writes to. Where nobody publishes, these end the last sweep's.
        messages += [Message(PERSON_NAMES_TOPIC, *tick_record(partition), partition=partition) for partition in extents]
        try:
            # A worker may have published under one of these keys since. It is swept the next time.
            await writer.write(messages)
        finally:
            await writer.close()
        return Swept(len(due), tuple(sorted(unreadable.values())))


def _successor(key: bytes, value: bytes, erasures: Erasures, expired: datetime) -> tuple[bool, bytes | None]:
    """Whether *value* must be overwritten, and with what. Raises `UnreadableHistory` where it must not for that."""
    place = read_person_key(key)
    if not isinstance(place, NameKey):
        return False, None
    try:
        row = decode_name(place, value)
    except UnreadableHistory:
        if PersonKey(place.client_space_id, place.person_ref) in erasures:
            return True, None
        raise
    kept = living_name(row, erasures) if row.last_seen >= expired else None
    return kept != row, None if kept is None else encode_name(kept)
