"""A record becomes rows."""

from collections import defaultdict
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.avro_schemas import AvroSchema, current_event_schema
from schemas.codec import encode
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
from schemas.fields import EventFields, to_fields
from schemas.person_ref import person_ref, person_refs
from schemas.retention import retention_start
from schemas.rows import ActivityRow, PersonNameRow, precedence
from schemas.wire import frame
from stream.pipeline.accept import Refused, SchemasById, accept
from stream.pipeline.batch import build_batch
from stream.pipeline.rows.rows import Rows
from tests.builders import ADMIN, KEY, NOW, NOW_MS, SCHEMA_ID, USER, FakeRecord, a_chunk, a_lifetime, a_record, an_event
from tests.encoding import by_fastavro

ADMIN_REF = person_ref(KEY, "acme", ADMIN.id)
USER_REF = person_ref(KEY, "acme", USER.id)
REFS = person_refs(KEY)
SCHEMAS: dict[int, AvroSchema | Reason] = {SCHEMA_ID: current_event_schema(), 8: Reason.UNKNOWN_SCHEMA_ID}


def rows_for(event: Event, offset: int = 0, **record: Any) -> Rows:
    """What the record of *event*, in partition 3, leaves in the tables."""
    batch = build_batch([a_chunk(a_record(event, offset, **record), partition=3)], schemas=SCHEMAS, refs=REFS)
    assert batch.refusals == []
    return batch.rows


def line_for(event: Event, offset: int = 0, **record: Any) -> ActivityRow:
    (row,) = rows_for(event, offset, **record).activities
    return row


def test_a_line_holds_what_happened_and_refs_in_place_of_ids_and_names() -> None:
    import_id = uuid4()
    event = an_event(
        UserLicenseUpdate("Data Reader", None),
        channel=Channel.FILE_IMPORT,
        source=Source("user-service", None, import_id, b"\x0f" * 32, 42),
    )
    assert line_for(event, 17) == ActivityRow(
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
        precedence=precedence(NOW_MS, 17),
    )


def test_names_are_kept_beside_the_line() -> None:
    rows = rows_for(an_event(UserLicenseUpdate("a", "b")))
    assert list(rows.names) == [
        PersonNameRow("acme", ADMIN_REF, ADMIN.id, "grace@example.com", "Grace Hopper", NOW, NOW),
        PersonNameRow("acme", USER_REF, USER.id, "ada@example.com", "Ada Lovelace", NOW, NOW),
    ]
    assert list(rows.lifetimes) == []


@pytest.mark.parametrize(
    "activity", [UserCreation(), UserDeletion(), UserLicenseUpdate("a", "b"), AdminRightsUpdate(granted=True)]
)
def test_no_line_holds_an_id_or_a_name(activity: Activity) -> None:
    row = line_for(an_event(activity))
    text = repr(tuple(row))
    for secret in (ADMIN.id, ADMIN.username, ADMIN.display_name, USER.id, USER.username, USER.display_name):
        assert str(secret) not in text


@pytest.mark.parametrize(
    ("activity", "granted"),
    [(AdminRightsUpdate(granted=True), True), (AdminRightsUpdate(granted=False), False), (UserCreation(), None)],
)
def test_admin_rights_are_granted_removed_or_not_the_matter(activity: Activity, granted: bool | None) -> None:
    row = line_for(an_event(activity))
    assert row.admin_rights_granted is granted


@pytest.mark.parametrize(("activity", "change"), [(UserCreation(), "created"), (UserDeletion(), "erased")])
def test_a_creation_begins_a_life_and_a_deletion_ends_it(activity: Activity, change: str) -> None:
    event = an_event(activity)
    expected = a_lifetime("acme", USER_REF, change, NOW, event_id=event.event_id)
    assert list(rows_for(event).lifetimes) == [expected]


def test_a_deletion_leaves_neither_the_id_nor_a_name_of_the_deleted_person() -> None:
    assert [name.person_ref for name in rows_for(an_event(UserDeletion())).names] == [ADMIN_REF]


def test_a_person_without_names_is_still_known_by_their_id() -> None:
    name = rows_for(an_event(affected_user=Person("usr_x"))).names[1]
    assert (name.person_id, name.username, name.display_name) == ("usr_x", "", "")


def test_an_event_older_than_the_retention_when_it_was_recorded_leaves_no_line_and_no_name() -> None:
    recorded = NOW.replace(microsecond=0)
    edge = retention_start(recorded)
    assert line_for(an_event(occurred_at=edge), recorded_at=recorded)
    late = rows_for(an_event(occurred_at=edge - timedelta(microseconds=1)), recorded_at=recorded)
    assert (list(late.activities), list(late.names)) == ([], [])


def test_a_deletion_that_comes_after_the_retention_still_erases() -> None:
    at = NOW - timedelta(days=500)
    event = an_event(UserDeletion(), occurred_at=at)
    late = rows_for(event)
    assert (list(late.activities), list(late.lifetimes)) == (
        [],
        [a_lifetime("acme", USER_REF, "erased", at, recorded_at=NOW, event_id=event.event_id)],
    )


@pytest.mark.parametrize("milliseconds", [0, 1, 999, 123])
def test_append_times_are_exact_to_the_millisecond(milliseconds: int) -> None:
    recorded = NOW.replace(microsecond=milliseconds * 1000)
    assert line_for(an_event(occurred_at=NOW - timedelta(days=1)), recorded_at=recorded).recorded_at == recorded


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
    good = a_record(an_event(), 6)
    accepted, refused = accept(a_chunk(record, good), SCHEMAS)
    assert refused == [Refused(record, reason, "")]
    assert [one.record for one in accepted] == [good]


def test_the_same_record_always_becomes_the_same_rows() -> None:
    event = an_event()
    one, other = rows_for(event, 3), rows_for(event, 3)
    assert (list(one.activities), list(one.names), list(one.lifetimes)) == (
        list(other.activities),
        list(other.names),
        list(other.lifetimes),
    )


VALUES = st.sampled_from(
    [
        frame(SCHEMA_ID, encode(an_event(activity), now=NOW))
        for activity in (UserCreation(), UserDeletion(), UserLicenseUpdate("a", None), AdminRightsUpdate(granted=False))
    ]
)
SPOILED = st.builds(
    lambda value, place, byte: value[: place % len(value)] + byte + value[place % len(value) + 1 :],
    VALUES,
    st.integers(0, 400),
    st.binary(max_size=2),
)


@given(st.lists(VALUES | SPOILED | st.none(), min_size=1, max_size=6))
def test_a_chunk_is_judged_as_its_records_are_one_by_one(values: list[bytes | None]) -> None:
    schemas: SchemasById = defaultdict(lambda: Reason.UNKNOWN_SCHEMA_ID, SCHEMAS)
    records = [FakeRecord(offset, value) for offset, value in enumerate(values)]
    accepted, refused = accept(a_chunk(*records), schemas)
    # A chunk with an empty record is never judged as a whole.
    alone = [accept(a_chunk(record, FakeRecord(99, b"")), schemas) for record in records]
    assert [one[1:] for one in accepted] == [one[1:] for judged, _ in alone for one in judged]
    assert refused == [one for _, judged in alone for one in judged if one.record.offset != 99]


REFUSED_DELETIONS: dict[str, tuple[dict[str, Any], Reason]] = {
    "with the name that it must not have": ({"affected_user_username": "ada@example.com"}, Reason.FORBIDDEN_NAME),
    "by an admin with a name that is too long": ({"admin_display_name": "x" * 999}, Reason.TOO_LONG),
    "by nobody": ({"admin_id": " "}, Reason.BLANK),
    "years ahead": ({"occurred_at": 10**17}, Reason.OUT_OF_RANGE),
    "before the platform": ({"occurred_at": 0}, Reason.OUT_OF_RANGE),
    "of no event": ({"event_id": "?"}, Reason.INVALID_VALUE),
}


def a_record_of(fields: EventFields) -> FakeRecord:
    """*fields* as they are, whatever bound they break."""
    return FakeRecord(0, frame(SCHEMA_ID, by_fastavro(fields)))


@pytest.mark.parametrize("how", REFUSED_DELETIONS)
def test_a_deletion_that_is_refused_erases_nonetheless(how: str) -> None:
    broken, reason = REFUSED_DELETIONS[how]
    record = a_record_of(to_fields(an_event(UserDeletion()))._replace(**broken))
    batch = build_batch([a_chunk(record)], schemas=SCHEMAS, refs=person_refs(KEY))
    assert [refused.reason for _, refused in batch.refusals] == [reason]
    assert [(row.person_ref, row.change) for row in batch.rows.lifetimes] == [(USER_REF, "erased")]
    (lifetime,) = batch.rows.lifetimes
    assert abs(lifetime.occurred_at - NOW) < timedelta(seconds=1), "a time that cannot be is the broker's"
    assert (list(batch.rows.names), list(batch.rows.activities), batch.expired) == ([], [], 0)


@pytest.mark.parametrize(
    "broken", [{"client_space_id": " "}, {"affected_user_id": ""}, {"affected_user_id": "x" * 257}]
)
def test_a_refused_deletion_that_tells_nobody_erases_nobody(broken: dict[str, Any]) -> None:
    record = a_record_of(to_fields(an_event(UserDeletion()))._replace(**broken))
    batch = build_batch([a_chunk(record)], schemas=SCHEMAS, refs=person_refs(KEY))
    assert (len(batch.refusals), list(batch.rows.lifetimes)) == (1, [])


def test_a_creation_that_is_refused_begins_no_life() -> None:
    record = a_record_of(to_fields(an_event(UserCreation()))._replace(admin_id=""))
    assert list(build_batch([a_chunk(record)], schemas=SCHEMAS, refs=person_refs(KEY)).rows.lifetimes) == []
