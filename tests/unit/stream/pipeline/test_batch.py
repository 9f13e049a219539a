"""Outcomes become batches."""

from datetime import timedelta

from schemas.avro_schemas import current_event_schema
from schemas.errors import Reason
from schemas.events import UserCreation, UserDeletion
from schemas.person_ref import person_refs
from stream.pipeline.accept import Refused
from stream.pipeline.batch import build_batch
from tests.builders import KEY, NOW, SCHEMA_ID, FakeRecord, a_chunk, a_record, an_event


def test_a_batch_holds_the_rows_and_refusals_of_all_its_chunks() -> None:
    later = NOW + timedelta(hours=1)
    first = a_chunk(a_record(an_event(UserCreation()), 0), FakeRecord(1, b"junk"), partition=0)
    second = a_chunk(a_record(an_event(UserDeletion(), occurred_at=later), 0, recorded_at=later), partition=1)
    batch = build_batch((first, second), schemas={SCHEMA_ID: current_event_schema()}, refs=person_refs(KEY))
    assert batch.chunks == (first, second)
    assert [row.activity_type for row in batch.rows.activities] == ["user_creation", "user_deletion"]
    assert [row.change for row in batch.rows.lifetimes] == ["created", "erased"]
    assert batch.refusals == [(first, Refused(first.records[1], Reason.WRONG_MAGIC, ""))]
    # The admin was seen twice under one name: one row, from the first sighting to the last.
    assert [(name.person_id, name.first_seen, name.last_seen) for name in batch.rows.names] == [
        ("usr_admin", NOW, later),
        ("usr_ada", NOW, NOW),
    ]


def test_nothing_of_a_client_space_that_has_left_is_stored_or_kept_as_a_dead_letter() -> None:
    chunk = a_chunk(
        a_record(an_event(client_space_id="gone"), 0),
        a_record(an_event(), 1),
        a_record(an_event(UserDeletion(), client_space_id="gone"), 2),
    )
    batch = build_batch(
        [chunk], schemas={SCHEMA_ID: current_event_schema()}, refs=person_refs(KEY), off_boarded={"gone"}
    )
    rows = batch.rows
    stored = {row.client_space_id for of_table in (rows.lifetimes, rows.names, rows.activities) for row in of_table}
    assert stored == {"acme"}
    assert (batch.refusals, batch.expired, batch.off_boarded) == ([], 0, {"gone": 2})
