"""Fields to bytes by fastavro, whatever bound they break."""

import io
from typing import Any

from fastavro import schemaless_writer

from schemas.avro_schemas import EVENT_NAMESPACE, current_event_schema
from schemas.events import AdminRightsUpdate, UserLicenseUpdate
from schemas.fields import EventFields


def by_fastavro(fields: EventFields) -> bytes:
    """The datum of *fields* in the current schema."""
    buffer = io.BytesIO()
    schemaless_writer(buffer, current_event_schema(), _to_datum(fields), strict_allow_default=True)
    return buffer.getvalue()


def _to_datum(fields: EventFields) -> dict[str, Any]:
    """*fields* as the nested values that fastavro writes."""
    return {
        "event_id": fields.event_id,
        "occurred_at": fields.occurred_at,
        "client_space_id": fields.client_space_id,
        "channel": fields.channel,
        "admin": {
            "id": fields.admin_id,
            "username": fields.admin_username,
            "display_name": fields.admin_display_name,
        },
        "affected_user": {
            "id": fields.affected_user_id,
            "username": fields.affected_user_username,
            "display_name": fields.affected_user_display_name,
        },
        "activity": (f"{EVENT_NAMESPACE}.{fields.activity}", _activity_to_datum(fields)),
        "source": None if fields.service is None else _source_to_datum(fields),
    }


def _activity_to_datum(fields: EventFields) -> dict[str, Any]:
    if fields.activity == UserLicenseUpdate.__name__:
        return {"previous_license": fields.previous_license, "new_license": fields.new_license}
    return {"granted": fields.granted} if fields.activity == AdminRightsUpdate.__name__ else {}


def _source_to_datum(fields: EventFields) -> dict[str, Any]:
    return {
        "service": fields.service,
        "request_id": fields.request_id,
        "import_id": fields.import_id,
        "file_sha256": fields.file_sha256,
        "row_number": fields.row_number,
    }
