"""The event's Avro schema, every released version of it, from the files in `schemas/avro/`.

A version is a file that is never edited after its release: records written with it stay in Kafka, and the registry
knows it by its exact text. A new version is a new file.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, cast

from fastavro.schema import parse_schema

EVENT_NAMESPACE = "user_management"
EVENT_FULLNAME = f"{EVENT_NAMESPACE}.UserManagementEvent"
_FILE = re.compile(r"user_management_event\.v(\d+)\.avsc")

AvroSchema = dict[str, Any]
"""A schema as `fastavro.parse_schema` returns it: parsed, named types resolved."""


@cache
def event_schema_texts() -> dict[int, str]:
    """The text of each released version, by version, oldest first."""
    found = {}
    for file in Path(__file__).with_name("avro").iterdir():
        if match := _FILE.fullmatch(file.name):
            found[int(match[1])] = file.read_text(encoding="utf-8")
    return dict(sorted(found.items()))


@cache
def current_event_schema() -> AvroSchema:
    """The newest version: what producers write and what every reader resolves to."""
    return parse_event_schema(current_event_schema_text())


def current_event_schema_text() -> str:
    """The newest version as it is registered."""
    return list(event_schema_texts().values())[-1]


def parse_event_schema(text: str) -> AvroSchema:
    """Parse *text*, a schema file's or a registry's. Raises `ValueError` where it is no schema of the event.

    An id can name any schema of the registry. Only another version of the event can be resolved; anything else would
    at best fail and at worst decode into nonsense.
    """
    schema = json.loads(text)
    if not isinstance(schema, dict) or f"{schema.get('namespace')}.{schema.get('name')}" != EVENT_FULLNAME:
        raise ValueError(f"not a schema of {EVENT_FULLNAME}")
    return _parse(json.dumps(schema, sort_keys=True))


@cache
def _parse(normalized_text: str) -> AvroSchema:
    """One object a schema, however it was spelled: `decode` tells a version that needs no resolution by identity."""
    return cast("AvroSchema", parse_schema(json.loads(normalized_text)))
