"""What processes wrote into logs names no person: neither one that the suite published nor one that a file held."""

import asyncio
import os
import re
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from schemas.avro_schemas import current_event_schema
from schemas.codec import read_fields
from schemas.errors import InvalidEvent
from schemas.kafka_address import KafkaAddress
from schemas.topics import EVENTS_TOPIC
from schemas.wire import unframe
from stream.clients.topic_reader import open_reader

_INVENTED = re.compile(
    r"[\w.+-]+(?:@|%40)(?:[\w-]+\.)*example\.(?:com|org)|\busr_\w+|Ada Lovelace|Grace Hopper|User Number \d+",
    re.IGNORECASE,
)
"""How the suite spells persons, those in files and in topics of trials among them."""
_SHORTEST = 5
"""Shorter names, such as "U 7", are in many a line that means nobody."""
_LOG = re.compile(r"log|.*\.(?:log|log\.1|err)")
_SEGMENT = re.compile(r"\d{20}\.log")
"""Kafka's data, which has this ending too."""


def published_persons(bootstrap_servers: str) -> set[str]:
    """Every id, username and display name in the events topic, deleted persons' among them."""
    with ThreadPoolExecutor(1) as thread:  # whatever loop runs here, this one is its own
        return thread.submit(asyncio.run, _published_persons(bootstrap_servers)).result()


async def _published_persons(bootstrap_servers: str) -> set[str]:
    found: set[str] = set()
    async with open_reader(KafkaAddress(bootstrap_servers)) as reader:
        async for records, _ in reader.records(EVENTS_TOPIC, await reader.extents(EVENTS_TOPIC)):
            for record in records:
                with suppress(InvalidEvent):
                    found |= _persons(unframe(record.value)[1])
    return found


def _persons(datum: bytes) -> set[str]:
    fields = read_fields(datum, writer_schema=current_event_schema())
    admin = fields.admin_id, fields.admin_username, fields.admin_display_name
    user = fields.affected_user_id, fields.affected_user_username, fields.affected_user_display_name
    return {text for text in (*admin, *user) if text}


def log_files(folders: Iterable[Path]) -> list[Path]:
    """The logs of processes under *folders*."""
    # `os.walk` passes over what a server removes meanwhile.
    found = (Path(place, name) for folder in folders for place, _, names in os.walk(folder) for name in names)
    return sorted({file for file in found if _LOG.fullmatch(file.name) and not _SEGMENT.fullmatch(file.name)})


def persons_named(text: str, persons: Collection[str]) -> set[str]:
    """What in *text* tells of a person: one of *persons*, or whoever the suite invents."""
    words = set(re.findall(r"[\w.+@-]+", text))
    known = {person for person in persons if len(person) >= _SHORTEST}
    named = {person for person in known if person in words or (" " in person and person in text)}
    return named | set(_INVENTED.findall(text))


def assert_no_person_is_named(folders: Iterable[Path], persons: Collection[str]) -> None:
    """Fail where a log under *folders* tells of a person; the failure names the file."""
    found = {
        str(file): named
        for file in log_files(folders)
        if (named := persons_named(file.read_text(encoding="utf-8", errors="replace"), persons))
    }
    assert not found, f"logs name persons: {found}"
