"""Every released version of the event reads every other."""

import io
import json
from itertools import product
from typing import Any

import pytest
from fastavro import schemaless_reader, schemaless_writer
from fastavro.schema import parse_schema

from schemas.avro_schemas import event_schema_texts, parse_event_schema
from schemas.codec import encode
from tests.builders import NOW, an_event
from tests.decoding import decode

VERSIONS = event_schema_texts()


def test_versions_are_numbered_without_a_gap() -> None:
    assert list(VERSIONS) == list(range(1, len(VERSIONS) + 1))


@pytest.mark.parametrize(("writer", "reader"), list(product(VERSIONS, VERSIONS)))
def test_an_event_of_any_version_is_read_by_any_other(writer: int, reader: int) -> None:
    event = an_event()
    written_as_newest = encode(event, now=NOW)
    newest = parse_event_schema(list(VERSIONS.values())[-1])
    datum = schemaless_reader(
        io.BytesIO(written_as_newest),
        newest,
        parse_event_schema(VERSIONS[writer]),
        return_record_name=True,
        return_record_name_override=True,
    )
    buffer = io.BytesIO()
    schemaless_writer(buffer, parse_event_schema(VERSIONS[writer]), datum)
    read = schemaless_reader(
        io.BytesIO(buffer.getvalue()), parse_event_schema(VERSIONS[writer]), parse_event_schema(VERSIONS[reader])
    )
    assert isinstance(read, dict)
    assert read["client_space_id"] == event.client_space_id
    assert decode(buffer.getvalue(), writer_schema=parse_event_schema(VERSIONS[writer]), recorded_at=NOW) == event


def test_a_channel_of_a_newer_version_is_read_as_unknown() -> None:
    newer = json.loads(list(VERSIONS.values())[-1])
    channel = next(field for field in newer["fields"] if field["name"] == "channel")
    channel["type"]["symbols"].append("carrier_pigeon")
    event = an_event()
    buffer = io.BytesIO()
    datum = schemaless_reader(
        io.BytesIO(encode(event, now=NOW)),
        parse_event_schema(list(VERSIONS.values())[-1]),
        None,
        return_record_name=True,
        return_record_name_override=True,
    )
    assert isinstance(datum, dict)
    schemaless_writer(buffer, parse_schema(newer), {**datum, "channel": "carrier_pigeon"})
    read = decode(buffer.getvalue(), writer_schema=parse_event_schema(json.dumps(newer)), recorded_at=NOW)
    assert read.channel.value == "unknown"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_enum_has_a_default_and_nothing_is_recursive_or_free_of_charge(version: int) -> None:
    seen: list[str] = []
    for kind, schema, inside in _types(json.loads(VERSIONS[version]), ()):
        if kind == "enum":
            assert schema["default"] in schema["symbols"]
        assert kind not in {"array", "map"}, "unbounded"
        if kind in {"record", "enum", "fixed"}:
            seen.append(schema["name"])
        elif kind not in {"null", "string", "long", "int", "boolean"}:
            assert kind in seen, kind
            assert kind not in inside, f"{kind} is recursive"


def _types(schema: Any, inside: tuple[str, ...]) -> list[tuple[str, Any, tuple[str, ...]]]:
    if isinstance(schema, list):
        return [found for branch in schema for found in _types(branch, inside)]
    if isinstance(schema, str):
        return [(schema, schema, inside)]
    if schema["type"] == "record":
        within = (*inside, schema["name"])
        return [("record", schema, inside)] + [f for field in schema["fields"] for f in _types(field["type"], within)]
    return [(schema["type"], schema, inside)]
