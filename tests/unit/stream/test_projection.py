"""A record becomes rows."""

from datetime import timedelta
from uuid import uuid4

import pytest

from schemas.avro_schemas import current_event_schema
from schemas.errors import Reason
from schemas.events import (
    Activity,
    AdminRightsUpdate,
    Channel,
    Event,
    Person,
    Source,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)
from schemas.person_ref import person_ref, person_refs
from schemas.retention import retention_start
from schemas.rows import ActivityRow, PersonLifetimeRow, PersonNameRow, precedence
from stream.projection import Accepted, Outcome, Refused, project
from tests.builders import ADMIN, KEY, NOW, SCHEMA_ID, USER, FakeRecord, a_record, an_event

MILLISECOND = timedelta(milliseconds=1)
ADMIN_REF = person_ref(KEY, "acme", ADMIN.id)
USER_REF = person_ref(KEY, "acme", USER.id)


def outcome(record: FakeRecord) -> Outcome:
    return project(
        record, 3, schemas={SCHEMA_ID: current_event_schema(), 8: Reason.UNKNOWN_SCHEMA_ID}, refs=person_refs(KEY)
    )


def accepted(event: Event, offset: int = 0, **record: object) -> Accepted:
    found = outcome(a_record(event, offset, **record))  # type: ignore[arg-type]
    assert isinstance(found, Accepted)
    return found


def test_a_line_holds_what_happened_and_refs_in_place_of_ids_and_names() -> None:
    import_id = uuid4()
    event = an_event(
        UserLicenseUpdate("Data Reader", None),
        channel=Channel.FILE_IMPORT,
        source=Source("user-service", None, import_id, b"\x0f" * 32, 42),
    )
    record = a_record(event, 17)
    assert outcome(record) == Accepted(
        record,
        activity=ActivityRow(
            client_space_id="acme",
            occurred_at=NOW,
            event_id=event.event_id,
            activity_type="user_license_update",
            channel="file_import",
            admin_ref=ADMIN_REF,
            affected_user_ref=USER_REF,
            previous_license="Data Reader",
            new_license=None,
            admin_rights_granted=None,
            source_service="user-service",
            request_id=None,
            import_id=import_id,
            import_file_sha256="0f" * 32,
            import_row_number=42,
            recorded_at=NOW.replace(microsecond=412_000),
            kafka_partition=3,
            kafka_offset=17,
            schema_id=SCHEMA_ID,
            precedence=precedence(record.timestamp, 17),
        ),
        names=(
            PersonNameRow("acme", ADMIN_REF, ADMIN.id, "grace@example.com", "Grace Hopper", NOW, NOW),
            PersonNameRow("acme", USER_REF, USER.id, "ada@example.com", "Ada Lovelace", NOW, NOW),
        ),
        lifetime=None,
    )


@pytest.mark.parametrize(
    "activity", [UserCreation(), UserDeletion(), UserLicenseUpdate("a", "b"), AdminRightsUpdate(granted=True)]
)
def test_no_line_holds_an_id_or_a_name(activity: Activity) -> None:
    row = accepted(an_event(activity)).activity
    assert row is not None
    text = repr(tuple(row))
    for secret in (ADMIN.id, ADMIN.username, ADMIN.display_name, USER.id, USER.username, USER.display_name):
        assert str(secret) not in text


@pytest.mark.parametrize(
    ("activity", "granted"),
    [(AdminRightsUpdate(granted=True), True), (AdminRightsUpdate(granted=False), False), (UserCreation(), None)],
)
def test_admin_rights_are_granted_removed_or_not_the_matter(activity: Activity, granted: bool | None) -> None:
    row = accepted(an_event(activity)).activity
    assert row is not None
    assert row.admin_rights_granted is granted


def test_a_creation_begins_a_life_and_a_deletion_ends_it() -> None:
    assert accepted(an_event(UserCreation())).lifetime == PersonLifetimeRow("acme", USER_REF, "created", NOW)
    assert accepted(an_event(UserDeletion())).lifetime == PersonLifetimeRow("acme", USER_REF, "erased", NOW)


def test_a_deletion_leaves_neither_the_id_nor_a_name_of_the_deleted_person() -> None:
    assert [name.person_ref for name in accepted(an_event(UserDeletion())).names] == [ADMIN_REF]


def test_a_person_without_names_is_still_known_by_their_id() -> None:
    name = accepted(an_event(affected_user=Person("usr_x"))).names[1]
    assert (name.person_id, name.username, name.display_name) == ("usr_x", "", "")


def test_an_event_older_than_the_retention_when_it_was_recorded_leaves_no_line_and_no_name() -> None:
    recorded = NOW.replace(microsecond=0)
    edge = retention_start(recorded)
    kept = accepted(an_event(occurred_at=edge), recorded_at=recorded)
    assert kept.activity is not None
    late = accepted(an_event(occurred_at=edge - timedelta(microseconds=1)), recorded_at=recorded)
    assert (late.activity, late.names) == (None, ())


def test_a_deletion_that_comes_after_the_retention_still_erases() -> None:
    at = NOW - timedelta(days=500)
    late = accepted(an_event(UserDeletion(), occurred_at=at))
    assert (late.activity, late.lifetime) == (None, PersonLifetimeRow("acme", USER_REF, "erased", at))


@pytest.mark.parametrize("milliseconds", [0, 1, 999, 123])
def test_append_times_are_exact_to_the_millisecond(milliseconds: int) -> None:
    recorded = NOW.replace(microsecond=milliseconds * 1000)
    row = accepted(an_event(occurred_at=NOW - timedelta(days=1)), recorded_at=recorded).activity
    assert row is not None
    assert row.recorded_at == recorded


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.EMPTY_RECORD),
        (b"", Reason.EMPTY_RECORD),
        (b"plain text", Reason.WRONG_MAGIC),
        (b"\x00\x00\x00\x00\x07", Reason.MALFORMED),
        (b"\x00\x00\x00\x00\x08anything", Reason.UNKNOWN_SCHEMA_ID),
    ],
)
def test_a_bad_record_is_refused_with_its_reason(value: bytes | None, reason: Reason) -> None:
    record = FakeRecord(5, value)
    assert outcome(record) == Refused(record, reason, "")


def test_the_same_record_always_becomes_the_same_rows() -> None:
    record = a_record(an_event(), 3)
    assert outcome(record) == outcome(record)
