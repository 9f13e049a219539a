"""Of two accounts of one event the first stands, and no second one is lost or shown."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.errors import Reason
from schemas.events import Event, Person, UserDeletion
from schemas.person_ref import person_refs
from schemas.rows import ERASED, ActivityRow
from stream.pipeline.batch import Batch, build_batch
from stream.pipeline.conflicts import account, without_conflicts
from tests.builders import KEY, NOW, SCHEMA_ID, a_chunk, a_record, an_event
from tests.fakes.stream import InMemoryRegistry

REFS = person_refs(KEY)
EVENT = an_event()
OTHER_ACCOUNTS: dict[str, dict[str, Any]] = {
    "another time": {"occurred_at": NOW - timedelta(seconds=1)},
    "another client space": {"client_space_id": "other"},
    "another affected user": {"affected_user": Person("usr_eve")},
    "another admin": {"admin": Person("usr_mallory")},
    "another source": {"source": None},
}


def a_batch(*events: Event, first_offset: int = 0, partition: int = 0) -> Batch:
    """The batch of *events*, recorded one after the other."""
    records = [
        a_record(event, first_offset + n, recorded_at=NOW + timedelta(seconds=first_offset + n))
        for n, event in enumerate(events)
    ]
    return build_batch([a_chunk(*records, partition=partition)], schemas=InMemoryRegistry().schemas, refs=REFS)


def row_of(event: Event, **place: int) -> ActivityRow:
    (row,) = a_batch(event, **place).rows.activities
    return row


def refused_offsets(batch: Batch) -> dict[int, Reason]:
    return {refused.record.offset: refused.reason for _, refused in batch.refusals}


@pytest.mark.parametrize("other", OTHER_ACCOUNTS.values(), ids=OTHER_ACCOUNTS)
def test_what_contradicts_the_log_becomes_a_dead_letter_and_leaves_no_row(other: dict[str, Any]) -> None:
    batch = without_conflicts(a_batch(replace(EVENT, **other), first_offset=7), [row_of(EVENT)], REFS)
    assert refused_offsets(batch) == {7: Reason.CONFLICTING_EVENT}
    assert (batch.accepted, list(batch.rows.activities), list(batch.rows.names), list(batch.rows.lifetimes)) == (
        [],
        [],
        [],
        [],
    )


@pytest.mark.parametrize("other", OTHER_ACCOUNTS.values(), ids=OTHER_ACCOUNTS)
def test_within_a_batch_the_first_account_that_the_broker_recorded_stands(other: dict[str, Any]) -> None:
    neighbor = an_event()
    batch = without_conflicts(a_batch(EVENT, replace(EVENT, **other), neighbor), [], REFS)
    assert refused_offsets(batch) == {1: Reason.CONFLICTING_EVENT}
    assert [row.event_id for row in batch.rows.activities] == [EVENT.event_id, neighbor.event_id]


def test_copies_that_say_the_same_go_through_and_fold() -> None:
    batch = a_batch(EVENT, EVENT)
    assert without_conflicts(batch, [row_of(EVENT, first_offset=3, partition=1)], REFS) is batch


def test_a_replay_of_both_accounts_ends_as_the_first_time() -> None:
    other = replace(EVENT, client_space_id="other")
    first = without_conflicts(a_batch(EVENT, other), [], REFS)
    again = without_conflicts(a_batch(EVENT, other), first.rows.activities, REFS)
    assert list(again.rows.activities) == list(first.rows.activities)
    assert again.refusals == first.refusals


def test_an_event_that_was_stored_twice_before_the_check_stays_as_it_is() -> None:
    other = replace(EVENT, client_space_id="other")
    batch = a_batch(other)
    assert without_conflicts(batch, [row_of(EVENT), row_of(other)], REFS) is batch


def test_a_deletion_with_an_id_that_is_taken_still_erases() -> None:
    deletion = an_event(UserDeletion(), event_id=EVENT.event_id, affected_user=Person("usr_bob"))
    batch = without_conflicts(a_batch(deletion), [row_of(EVENT)], REFS)
    assert refused_offsets(batch) == {0: Reason.CONFLICTING_EVENT}
    assert (list(batch.rows.activities), list(batch.rows.names)) == ([], [])
    assert [row.change for row in batch.rows.lifetimes] == [ERASED]


def test_an_event_too_old_for_a_line_contradicts_nothing() -> None:
    ancient = replace(EVENT, occurred_at=NOW - timedelta(days=800))
    batch = a_batch(ancient)
    assert (len(batch.accepted), batch.expired) == (1, 1)
    assert list(batch.rows.activities) == []
    assert without_conflicts(batch, [], REFS) is batch


def test_an_account_is_all_of_a_row_but_its_way_here() -> None:
    row = row_of(EVENT)
    elsewhere = row._replace(recorded_at=NOW, kafka_partition=9, kafka_offset=9, schema_id=SCHEMA_ID + 1, precedence=1)
    assert account(row) == account(elsewhere)
    changed = {
        name
        for place, name in enumerate(ActivityRow._fields)
        if account(ActivityRow._make((*row[:place], object(), *row[place + 1 :]))) != account(row)
    }
    assert changed == set(ActivityRow._fields) - {
        "recorded_at",
        "kafka_partition",
        "kafka_offset",
        "schema_id",
        "precedence",
    }
