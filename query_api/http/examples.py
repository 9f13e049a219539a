"""Examples of answers, for the OpenAPI document. A test holds them to the models."""

from typing import Any

_ADA = {
    "ref": "5b7c1f0e-8a44-4d0b-9a77-3f1f0a6f2c11",
    "id": "usr_8f",
    "username": "ada@example.com",
    "display_name": "Ada Lovelace",
    "deleted": False,
}
_DELETED_ADMIN = {
    "ref": "9e01d2b4-6a1f-4f6e-8f53-0b1c7d5e9a20",
    "id": None,
    "username": None,
    "display_name": "Deleted User",
    "deleted": True,
    "current": None,
}
_LINE: dict[str, Any] = {
    "event_id": "01a21352-0894-7afe-b959-d64bd5ba9c0d",
    "occurred_at": "2026-11-24T09:31:07.412000Z",
    "recorded_at": "2026-11-24T09:31:07.655000Z",
    "activity_type": "user_license_update",
    "channel": "file_import",
    "affected_user": {**_ADA, "current": {"username": "countess@example.com", "display_name": "Countess of Lovelace"}},
    "admin": _DELETED_ADMIN,
    "changes": [{"field": "license", "before": "Data Reader", "after": None}],
    "source": {
        "service": "importer",
        "request_id": None,
        "import_id": "6b1e3c58-6d5e-4c58-b8fb-0a5d2f1f0c77",
        "row_number": 42,
    },
}
LINE = {"data": _LINE}
PAGE = {
    "data": [_LINE],
    "page": {"limit": 50, "has_more": True, "next_cursor": "AgAABkRr0aVPAAAGRGu9H4AAAZbl2Q=="},
    "meta": {
        "as_of": "2026-11-24T09:32:00.000000Z",
        "from": "2025-11-24T09:32:00.000000Z",
        "to": None,
        "clamped": True,
        "complete_through": None,
    },
}
CHART = {
    "interval": "day",
    "tz": "Europe/Paris",
    "buckets": [
        {"start": "2026-11-23T00:00:00+01:00", "total": 0, "by_activity_type": {}},
        {
            "start": "2026-11-24T00:00:00+01:00",
            "total": 12,
            "by_activity_type": {"user_creation": 4, "user_license_update": 8},
        },
    ],
    "total": 12,
}
PEOPLE = {
    "data": [
        {**_ADA, "activities": 67},
        {
            "ref": "deleted",
            "id": None,
            "username": None,
            "display_name": "Deleted User",
            "deleted": True,
            "activities": 66,
        },
    ]
}
META = {
    "activity_types": ["user_creation", "user_deletion", "user_license_update", "admin_rights_update"],
    "channels": ["unknown", "ui", "api", "file_import"],
    "licenses": ["Data Reader", "Data Steward"],
    "retention_from": "2025-11-24T09:32:00.000000Z",
    "scopes": ["audit:export", "audit:read"],
}
CSV = (
    "occurred_at,activity_type,channel,affected_user_id,…\r\n"
    "2026-11-24T09:31:07.412000Z,user_license_update,file_import,usr_8f,…\r\n"
)
JSONL = '{"event_id":"01a21352-0894-7afe-b959-d64bd5ba9c0d","occurred_at":"2026-11-24T09:31:07.412000Z",…}\n'
