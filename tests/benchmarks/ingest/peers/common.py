"""What every peer does with a record: the straightforward way, with fastavro and clickhouse-connect.

No peer validates, keeps dead letters, or writes names and lifetimes; each decodes, pseudonymizes and inserts lines. It
imports nothing of this project: its environment holds other versions of our libraries.
"""

import hashlib
import hmac
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import clickhouse_connect
from fastavro import parse_schema, schemaless_reader

SERVERS = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
TOPIC = "user-management.events"
GROUP = os.environ["RACE_GROUP"]
BATCH = 20_000
COLUMNS = (
    "client_space_id",
    "occurred_at",
    "event_id",
    "activity_type",
    "channel",
    "admin_ref",
    "affected_user_ref",
    "previous_license",
    "new_license",
    "admin_rights_granted",
    "source_service",
    "request_id",
    "recorded_at",
    "kafka_partition",
    "kafka_offset",
)
Row = tuple[Any, ...]

_AVSC = Path(__file__).resolve().parents[4] / "schemas" / "avro" / "user_management_event.v1.avsc"
_SCHEMA = parse_schema(json.loads(_AVSC.read_text(encoding="utf-8")))
_KEY = b"k" * 32
_TYPES = {
    "user_management.UserCreation": "user_creation",
    "user_management.UserDeletion": "user_deletion",
    "user_management.UserLicenseUpdate": "user_license_update",
    "user_management.AdminRightsUpdate": "admin_rights_update",
}


def to_row(value: bytes, timestamp_ms: int, partition: int, offset: int) -> Row:
    """The line of one record."""
    event: Any = schemaless_reader(
        io.BytesIO(value[5:]), _SCHEMA, None, return_record_name=True, return_record_name_override=True
    )
    name, activity = event["activity"]
    space, source = event["client_space_id"], event["source"] or {}
    return (
        space,
        event["occurred_at"],
        event["event_id"],
        _TYPES[name],
        event["channel"],
        _ref(space, event["admin"]["id"]),
        _ref(space, event["affected_user"]["id"]),
        activity.get("previous_license"),
        activity.get("new_license"),
        activity.get("granted"),
        source.get("service"),
        source.get("request_id"),
        datetime.fromtimestamp(timestamp_ms / 1000, UTC),
        partition,
        offset,
    )


def connect() -> Any:
    """The same ClickHouse, through the same client."""
    address = urlsplit(os.environ["CLICKHOUSE_URL"])
    return clickhouse_connect.get_client(
        host=address.hostname, port=address.port, database=os.environ["AUDIT_CLICKHOUSE_DATABASE"]
    )


def insert(client: Any, rows: list[Row]) -> None:
    """One insert, by columns, waited for."""
    client.insert(
        "activity_log",
        list(zip(*rows, strict=True)),
        column_names=list(COLUMNS),
        column_oriented=True,
        settings={"async_insert": 0},
    )


def _ref(space: str, person_id: str) -> UUID:
    return UUID(bytes=hmac.digest(_KEY, f"{space}/{person_id}".encode(), hashlib.sha256)[:16])
