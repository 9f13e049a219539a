"""The JSON Schema of what the intake takes, derived from the event's Avro schema and its bounds."""

import json
from typing import Any

from producers.event_json import ACTIVITIES
from producers.intake.settings import MAX_EVENTS
from schemas.avro_schemas import current_event_schema_text
from schemas.limits import MAX_LENGTHS, MAX_ROW_NUMBER

JsonSchema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS: dict[str, JsonSchema] = {
    "boolean": {"type": "boolean"},
    "int": {"type": "integer", "minimum": 1, "maximum": MAX_ROW_NUMBER},
}


def json_schema() -> JsonSchema:
    """The schema of a request's body: one event, or a list of them."""
    types = _Types()
    event = types.object(json.loads(current_event_schema_text()))
    many = {"type": "array", "items": {"$ref": "#/$defs/event"}, "minItems": 1, "maxItems": MAX_EVENTS}
    return {
        "$schema": _DIALECT,
        "title": "User-management events",
        "anyOf": [{"$ref": "#/$defs/event"}, many],
        "$defs": {"event": event},
    }


class _Types:
    """Avro's types as JSON's. A name stands for the type that was defined under it before."""

    def __init__(self) -> None:
        self._named: dict[str, JsonSchema] = {}

    def object(self, record: dict[str, Any], tag: str | None = None) -> JsonSchema:
        """A record. Fields with a default may be left out, but for those of an activity, whose *tag* is its type."""
        properties = {field["name"]: self._field(field) for field in record["fields"]}
        required = [f["name"] for f in record["fields"] if tag is not None or "default" not in f]
        if tag is not None:
            properties = {"activity_type": {"const": tag}, **properties}
            required = ["activity_type", *required]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def _field(self, field: dict[str, Any]) -> JsonSchema:
        found = self._type(field["type"], field["name"])
        return {**found, "description": field["doc"]} if "doc" in field else found

    def _type(self, avro: Any, name: str) -> JsonSchema:  # noqa: ANN401 - a schema is any JSON
        if isinstance(avro, list):
            return self._union(avro, name)
        if isinstance(avro, str):
            return self._named[avro] if avro in self._named else _SCALARS.get(avro) or _text(name)
        if (found := _simple(avro)) is None:
            found = self._named[avro["name"]] = self.object(avro)
        return found

    def _union(self, branches: list[Any], name: str) -> JsonSchema:
        if "null" not in branches:
            tags = {kind.__name__: tag for tag, kind in ACTIVITIES.items()}
            return {"oneOf": [self.object(branch, tags[branch["name"]]) for branch in branches]}
        (other,) = (branch for branch in branches if branch != "null")
        return {"anyOf": [{"type": "null"}, self._type(other, name)]}


def _text(name: str) -> JsonSchema:
    longest = MAX_LENGTHS["license" if name.endswith("_license") else name]
    return {"type": "string", "minLength": 1, "maxLength": longest, "pattern": r"\S"}


def _simple(avro: dict[str, Any]) -> JsonSchema | None:
    """A type that is one text in JSON; `None` for a record."""
    match avro.get("logicalType", avro["type"]):
        case "uuid":
            return {"type": "string", "format": "uuid"}
        case "timestamp-micros":
            return {"type": "string", "format": "date-time"}
        case "enum":
            # A reader's word for a channel that it does not know; nobody may send it.
            return {"enum": [symbol for symbol in avro["symbols"] if symbol != avro["default"]]}
        case "fixed":
            return {"type": "string", "pattern": f"^[0-9a-f]{{{avro['size'] * 2}}}$"}
    return None
