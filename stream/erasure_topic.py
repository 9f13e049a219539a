"""The topic of names, as the eraser needs it: what must go is found by reading it, and overwritten."""

from datetime import datetime
from typing import Protocol

from schemas.history import NameKey, decode_name, encode_name, read_person_key, tick_record
from schemas.topics import PERSON_NAMES_TOPIC
from stream.erasure_rules import Erasures, living_name
from stream.history import Message, TopicWriter
from stream.history_reader import open_reader


class NameTopic(Protocol):
    """The topic of names."""

    async def sweep(self, erasures: Erasures, expired: datetime) -> int:
        """Overwrite every name that must go for *erasures*, or that was seen last before *expired*; tell how many.

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

    async def sweep(self, erasures: Erasures, expired: datetime) -> int:
        """See `NameTopic.sweep`."""
        due: dict[bytes, bytes | None] = {}
        async with open_reader(self._bootstrap_servers) as reader:
            extents = await reader.extents(PERSON_NAMES_TOPIC)
            async for records, _ in reader.records(PERSON_NAMES_TOPIC, extents):
                for record in records:
                    # The last record of a key is the one that counts.
                    due.pop(record.key, None)
                    if record.value is not None:
                        is_due, value = _successor(record.key, record.value, erasures, expired)
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
        return len(due)


def _successor(key: bytes, value: bytes, erasures: Erasures, expired: datetime) -> tuple[bool, bytes | None]:
    """Whether *value* must be overwritten, and with what."""
    place = read_person_key(key)
    if not isinstance(place, NameKey):
        return False, None
    row = decode_name(place, value)
    kept = living_name(row, erasures) if row.last_seen >= expired else None
    return kept != row, None if kept is None else encode_name(kept)
