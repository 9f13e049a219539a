"""Confluent's wire format: a zero byte, the schema id (four bytes, big-endian), the Avro datum.

https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
"""

import struct

from schemas.errors import InvalidEvent, Reason

_HEADER = struct.Struct(">bI")
HEADER_BYTES = _HEADER.size
_MAGIC = 0


def frame(schema_id: int, datum: bytes) -> bytes:
    """The value of a Kafka record that holds *datum*, written with the schema *schema_id*."""
    return _HEADER.pack(_MAGIC, schema_id) + datum


def unframe(value: bytes | None) -> tuple[int, bytes]:
    """The schema id and the datum of a record's value. Raises `InvalidEvent` where there is no such header."""
    if not value:
        raise InvalidEvent(Reason.EMPTY_RECORD)
    if len(value) < HEADER_BYTES or value[0] != _MAGIC:
        raise InvalidEvent(Reason.WRONG_MAGIC)
    return _HEADER.unpack_from(value)[1], value[HEADER_BYTES:]
