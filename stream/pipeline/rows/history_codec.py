"""Keys and values of the two long-lived topics, from which the whole log can be built again.

Values are Avro in single-object encoding: two bytes of magic, the schema's 64-bit fingerprint, the datum. The rebuild
is for the day on which other things are lost too, so reading it back needs this package and no schema registry.

Keys of the person names, which the broker compacts:

    <client space>/<ref>/name/<epoch>/<serial>              a name; the eraser overwrites it
    <client space>/<ref>/created|erased/<microseconds>/<precedence>/<event>
                                                            a beginning or end of a life; stays for ever
    <client space>/off-boarded                              the client space has left; stays for ever
    segment-roll/<partition>                                says nothing; the broker ends a segment at an append only
"""

import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, cast
from uuid import UUID

from fastavro import schemaless_reader, schemaless_writer
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from schemas.avro_schemas import AvroSchema
from schemas.fields import from_micros, to_micros
from schemas.rows import CREATED, ERASED, ActivityRow, PersonLifetimeRow, PersonNameRow, precedence
from stream.pipeline.rows.lines import LineColumns, Lines
from stream.pipeline.rows.persons import LifetimeRows

_MAGIC = b"\xc3\x01"
_HEADER_BYTES = 10
_REF_BYTES = 16
_NOT_THE_MATTER = 2
_NO_ROW_NUMBER = -1
_MILLI = 1000
_KEY = re.compile(r"(.+)/([0-9a-f-]{36})/(name|created|erased)/([0-9a-f]+)/([0-9]+)(?:/([0-9a-f-]{36}))?", re.DOTALL)
_SEGMENT_ROLL = re.compile(r"segment-roll/([0-9]+)")
_OFF_BOARDED = re.compile(r"(.+)/off-boarded", re.DOTALL)
_NAME = "name"
_FACT = b"1"
"""The value of a lifetime's record. The key says it all, but a record without a value would be a tombstone."""


class UnreadableHistory(ValueError):
    """A record of the history that this version cannot read; the text never quotes it."""


class NameKey(NamedTuple):
    """Where a name lies in its topic. No two processes share an *epoch*, so none overwrites what it has not written."""

    client_space_id: str
    person_ref: UUID
    epoch: str
    serial: int

    def encoded(self) -> bytes:
        """The key as it is in Kafka."""
        return name_key(self.client_space_id, str(self.person_ref), self.epoch, self.serial)


def name_key(client_space_id: str, person_ref: str, epoch: str, serial: int) -> bytes:
    """What `NameKey.encoded` returns, sooner: *person_ref* is a canonical text."""
    return f"{client_space_id}/{person_ref}/{_NAME}/{epoch}/{serial}".encode()


class SegmentRoll(NamedTuple):
    """A record for its own sake, the last one of which compaction keeps in each *partition*. Who reads passes over it.

    Kafka compacts no segment that it writes to, and ends one no earlier than at the first append after its time.
    """

    partition: int


def segment_roll_record(partition: int) -> tuple[bytes, bytes]:
    """Key and value of a segment roll."""
    return f"segment-roll/{partition}".encode(), _FACT


class OffBoarded(NamedTuple):
    """A *client_space_id* that has left. No other key ends as this one does, whatever the client space is called."""

    client_space_id: str


def off_boarded_record(client_space_id: str, at: datetime) -> tuple[bytes, bytes]:
    """Key and value of the mark of a client space that left *at* that time."""
    return f"{client_space_id}/off-boarded".encode(), str(to_micros(at)).encode()


def read_off_boarded(value: bytes) -> datetime:
    """When the client space left. Raises `UnreadableHistory`."""
    try:
        return from_micros(int(value))
    except (ValueError, OverflowError):
        raise UnreadableHistory("a record of a client space that has left has no time") from None


def lifetime_records(rows: Sequence[PersonLifetimeRow]) -> list[tuple[bytes, bytes]]:
    """Key and value of each lifetime."""
    return [
        (f"{space}/{ref}/{change}/{occurred_at:x}/{precedence}/{event_id}".encode(), _FACT)
        for space, ref, change, occurred_at, event_id, precedence in zip(*LifetimeRows.of(rows).columns, strict=True)
    ]


PersonKeyRecord = NameKey | PersonLifetimeRow | SegmentRoll | OffBoarded
"""What a key of the person names stands for."""


def read_person_key(key: bytes | None) -> PersonKeyRecord:
    """What the key of a record of the person names stands for. Raises `UnreadableHistory`."""
    try:
        place = _read_key((key or b"").decode())
    except (ValueError, OverflowError):
        # Not chained: the error of a text that is no UTF-8 holds the text.
        place = None
    if place is None:
        raise UnreadableHistory("a key of the person names is none that this version knows")
    return place


def _read_key(text: str) -> PersonKeyRecord | None:
    if roll := _SEGMENT_ROLL.fullmatch(text):
        return SegmentRoll(int(roll[1]))
    if left := _OFF_BOARDED.fullmatch(text):
        return OffBoarded(left[1])
    found = _KEY.fullmatch(text)
    if found is None:
        return None
    space, ref, kind, first, second, event_id = found.groups()
    if (kind == _NAME) == (event_id is not None):
        return None
    if kind == _NAME:
        return NameKey(space, UUID(ref), first, int(second))
    change = {CREATED: CREATED, ERASED: ERASED}[kind]
    return PersonLifetimeRow(space, UUID(ref), change, from_micros(int(first, 16)), UUID(event_id), int(second))


def encode_name(row: PersonNameRow) -> bytes:
    """The value of a name's record."""
    first_seen, last_seen = to_micros(row.first_seen), to_micros(row.last_seen)
    return encode_sightings(row.person_id, row.username, row.display_name, first_seen, last_seen)


def encode_sightings(person_id: str, username: str, display_name: str, first_seen: int, last_seen: int) -> bytes:
    """What `encode_name` returns, sooner: times are microseconds since 1970."""
    return _encode(
        "person_name",
        {
            "person_id": person_id,
            "username": username,
            "display_name": display_name,
            "first_seen": first_seen,
            "last_seen": last_seen,
        },
    )


def decode_name(key: NameKey, value: bytes) -> PersonNameRow:
    """The name in a record. Raises `UnreadableHistory`."""
    datum = _decode("person_name", value)
    try:
        span = from_micros(datum["first_seen"]), from_micros(datum["last_seen"])
    except OverflowError as error:
        raise UnreadableHistory("a record of person_name has a time that is none") from error
    texts = datum["person_id"], datum["username"], datum["display_name"]
    return PersonNameRow(key.client_space_id, key.person_ref, *texts, *span)


def encode_lines(client_space_id: str, rows: Sequence[ActivityRow]) -> bytes:
    """The value of a record that holds *rows*, all of them lines of *client_space_id*. At least one is given.

    By columns, as row by row it would take four times as long, and the worker does it for every line.
    """
    column = Lines.of(rows).columns
    return _encode(
        "activity_log_rows",
        {
            "client_space_id": client_space_id,
            "occurred_at": column.occurred_at,
            "event_id": _uuids(column.event_id),
            "activity_type": _texts(column.activity_type),
            "channel": _texts(column.channel),
            "admin_ref": _uuids(column.admin_ref),
            "affected_user_ref": _uuids(column.affected_user_ref),
            "previous_license": _texts(column.previous_license),
            "new_license": _texts(column.new_license),
            "admin_rights_granted": bytes([_NOT_THE_MATTER if g is None else g for g in column.admin_rights_granted]),
            "source_service": _texts(column.source_service),
            "request_id": _texts(column.request_id),
            "import_id": _texts(column.import_id),
            "import_file_sha256": _texts(column.import_file_sha256),
            "import_row_number": [_NO_ROW_NUMBER if n is None else n for n in column.import_row_number],
            "recorded_at": column.recorded_at,
            "kafka_partition": column.kafka_partition,
            "kafka_offset": column.kafka_offset,
            "schema_id": column.schema_id,
        },
    )


def decode_lines(value: bytes) -> Lines:
    """The lines in a record, by columns. Raises `UnreadableHistory`."""
    datum = _decode("activity_log_rows", value)
    recorded_at, offsets = datum["recorded_at"], datum["kafka_offset"]
    try:
        columns = LineColumns(
            client_space_id=[datum["client_space_id"]] * len(recorded_at),
            occurred_at=datum["occurred_at"],
            event_id=_read_uuids(datum["event_id"]),
            activity_type=_read_texts(datum["activity_type"]),
            channel=_read_texts(datum["channel"]),
            admin_ref=_read_uuids(datum["admin_ref"]),
            affected_user_ref=_read_uuids(datum["affected_user_ref"]),
            previous_license=_read_texts(datum["previous_license"]),
            new_license=_read_texts(datum["new_license"]),
            admin_rights_granted=[None if g == _NOT_THE_MATTER else bool(g) for g in datum["admin_rights_granted"]],
            source_service=_read_texts(datum["source_service"]),
            request_id=_read_texts(datum["request_id"]),
            import_id=_read_texts(datum["import_id"]),
            import_file_sha256=_read_texts(datum["import_file_sha256"]),
            import_row_number=[None if n == _NO_ROW_NUMBER else n for n in datum["import_row_number"]],
            recorded_at=recorded_at,
            kafka_partition=datum["kafka_partition"],
            kafka_offset=offsets,
            schema_id=datum["schema_id"],
            precedence=[precedence(at // _MILLI, offset) for at, offset in zip(recorded_at, offsets, strict=True)],
        )
    except (ValueError, IndexError) as error:
        raise UnreadableHistory("the columns of a record of the activity log do not fit together") from error
    if any(len(column) != len(recorded_at) for column in columns):
        raise UnreadableHistory("the columns of a record of the activity log are not of one length")
    return Lines(columns)


def _uuids(column: Iterable[str]) -> bytes:
    return bytes.fromhex("".join(column).replace("-", ""))


def _read_uuids(column: bytes) -> list[str]:
    digits = column.hex()
    return [
        f"{digits[at : at + 8]}-{digits[at + 8 : at + 12]}-{digits[at + 12 : at + 16]}"
        f"-{digits[at + 16 : at + 20]}-{digits[at + 20 : at + 32]}"
        for at in range(0, len(digits), 2 * _REF_BYTES)
    ]


def _texts(column: Iterable[str | None]) -> dict[str, Any]:
    places = {value: place for place, value in enumerate(dict.fromkeys(column))}
    return {"values": list(places), "indexes": list(map(places.__getitem__, column))}


def _read_texts(column: dict[str, Any]) -> list[Any]:
    return list(map(column["values"].__getitem__, column["indexes"]))


@cache
def history_schemas(name: str) -> dict[bytes, AvroSchema]:
    """Every released version of the record *name* by its header, oldest first."""
    file_name = re.compile(re.escape(name) + r"\.v(\d+)\.avsc")
    texts = {}
    for file in (files("schemas") / "avro").iterdir():
        if match := file_name.fullmatch(file.name):
            texts[int(match[1])] = file.read_text(encoding="utf-8")
    return {_header(text): cast("AvroSchema", parse_schema(json.loads(text))) for _, text in sorted(texts.items())}


def _header(schema_text: str) -> bytes:
    canonical = to_parsing_canonical_form(json.loads(schema_text))
    return _MAGIC + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


def _encode(name: str, datum: dict[str, Any]) -> bytes:
    header, schema = _newest(name)
    buffer = io.BytesIO()
    buffer.write(header)
    schemaless_writer(buffer, schema, datum)
    return buffer.getvalue()


@cache
def _newest(name: str) -> tuple[bytes, AvroSchema]:
    return list(history_schemas(name).items())[-1]


def _decode(name: str, value: bytes) -> dict[str, Any]:
    versions = history_schemas(name)
    written = versions.get(value[:_HEADER_BYTES])
    if written is None:
        raise UnreadableHistory(f"a record of {name} was written with a schema that this version does not know")
    buffer = io.BytesIO(value)
    buffer.seek(_HEADER_BYTES)
    try:
        # With a reader's schema fastavro resolves field by field, which takes longer than the reading.
        newest = list(versions.values())[-1]
        datum = schemaless_reader(buffer, written, None if written is newest else newest)
    except Exception as error:
        raise UnreadableHistory(f"a record of {name} is damaged") from error
    if buffer.tell() != len(value):
        raise UnreadableHistory(f"a record of {name} is longer than its content")
    return cast("dict[str, Any]", datum)
