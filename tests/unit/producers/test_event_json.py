"""The event as JSON: exact both ways, and refused with its field where it says something else."""

from typing import Any

import pytest
from hypothesis import given

from producers.event_json import from_json, to_json
from schemas.errors import InvalidEvent
from schemas.events import AdminRightsUpdate, Event, UserLicenseUpdate
from tests.builders import an_event
from tests.unit.schemas.strategies import events


@given(events())
def test_json_gives_every_event_back(event: Event) -> None:
    assert from_json(to_json(event)) == event


def changed(path: str, value: Any) -> dict[str, Any]:
    document = to_json(an_event(UserLicenseUpdate(None, "Data Reader")))
    *parents, name = path.split(".")
    place = document
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[name]
    else:
        place[name] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "refusal"),
    [
        ("event_id", ..., "event_id: blank"),
        ("event_id", "ada@example.com", "event_id: invalid_value"),
        ("event_id", "{00000000-0000-0000-0000-000000000001}", "event_id: invalid_value"),
        ("occurred_at", "yesterday", "occurred_at: invalid_value"),
        ("occurred_at", "2026-01-01T00:00:00", "occurred_at: naive_datetime"),
        ("occurred_at", 5, "occurred_at: wrong_type"),
        # In UTC these lie outside of the years 1 to 9999.
        ("occurred_at", "0001-01-01T00:00:00+14:00", "occurred_at: invalid_value"),
        ("occurred_at", "9999-12-31T23:59:59-10:00", "occurred_at: invalid_value"),
        ("channel", "mail", "channel: invalid_value"),
        ("admin", "usr_ada", "admin: wrong_type"),
        ("admin.id", 5, "admin.id: wrong_type"),
        ("affected_user.e_mail", "ada@example.com", "affected_user: invalid_value"),
        ("ada@example", 1, "invalid_value"),
        ("activity.activity_type", "rename", "activity.activity_type: invalid_value"),
        ("activity", None, "activity.activity_type: invalid_value"),
        ("activity.new_license", ..., "activity.new_license: blank"),
        ("source.row_number", True, "source.row_number: wrong_type"),
        ("source.file_sha256", "xyz", "source.file_sha256: invalid_value"),
    ],
)
def test_what_is_no_event_is_refused_with_its_field_and_without_its_value(path: str, value: Any, refusal: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        from_json(changed(path, value))
    assert str(refused.value) == refusal


def test_a_number_is_no_boolean() -> None:
    document = to_json(an_event(AdminRightsUpdate(granted=True)))
    document["activity"]["granted"] = 1
    with pytest.raises(InvalidEvent, match=r"^activity\.granted: wrong_type$"):
        from_json(document)
