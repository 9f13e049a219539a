"""The oracle goes red for each kind of defect, and for nothing else."""

import random

import pytest

from schemas.events import AdminRightsUpdate
from tests.builders import an_event
from tests.faults.ledger import EventSource
from tests.faults.oracle import Entry, Verdict, commits_ahead, compare, entry_of_event, entry_of_line

A, B, C = (Entry(name, "acme", f"digest of {name}") for name in "abc")
LEDGER = {entry.event_id: entry for entry in (A, B)}


def test_all_acknowledged_events_shown_once_as_they_were_is_clean() -> None:
    verdict = compare(LEDGER, (), [B, A])
    assert (verdict, verdict.is_clean) == (Verdict(acknowledged=2), True)


@pytest.mark.parametrize(
    ("shown", "verdict"),
    [
        ([A], Verdict(2, lost=("b",))),
        ([A, B, B], Verdict(2, doubled=("b",))),
        ([A, B, C], Verdict(2, phantom=("c",))),
        ([A, Entry("b", "acme", "another digest")], Verdict(2, altered=("b",))),
        ([A, Entry("b", "another space", B.digest)], Verdict(2, altered=("b",))),
        ([C, C], Verdict(2, lost=("a", "b"), doubled=("c",), phantom=("c",))),
    ],
)
def test_each_defect_is_named_and_makes_the_verdict_red(shown: list[Entry], verdict: Verdict) -> None:
    assert compare(LEDGER, (), shown) == verdict
    assert not verdict.is_clean


@pytest.mark.parametrize("shown", [[A, B], [A, B, C]])
def test_an_event_without_an_answer_may_be_shown_or_not(shown: list[Entry]) -> None:
    assert compare(LEDGER, {"c"}, shown).is_clean


def test_an_event_without_an_answer_must_not_be_shown_twice() -> None:
    assert compare(LEDGER, {"c"}, [A, B, C, C]).doubled == ("c",)


def test_a_commit_beyond_the_first_record_that_is_nowhere_is_seen() -> None:
    contents = {(0, 0): "a", (0, 1): None, (0, 2): "b", (1, 0): "c"}
    everywhere = commits_ahead({0: 3, 1: 1}, {}, contents, {"a", "b", "c"}, {(0, 1)})
    without_row = commits_ahead({0: 3, 1: 1}, {}, contents, {"a", "c"}, {(0, 1)})
    without_dead_letter = commits_ahead({0: 3, 1: 1}, {}, contents, {"a", "b", "c"}, set())
    not_committed_yet = commits_ahead({0: 1, 1: 1}, {}, contents, {"a", "c"}, set())
    looked_at_before = commits_ahead({0: 3}, {0: 3}, contents, set(), set())
    assert (everywhere, without_row, without_dead_letter) == ([], [(0, 2)], [(0, 1)])
    assert (not_committed_yet, looked_at_before) == ([], [])


def test_an_event_and_its_line_have_one_digest_and_any_difference_gives_another() -> None:
    event = an_event(AdminRightsUpdate(granted=True))
    line = {
        "event_id": str(event.event_id),
        "occurred_at": "2026-11-24T09:31:07.412345Z",
        "activity_type": "admin_rights_update",
        "channel": "ui",
        "admin": {"id": "usr_admin", "username": "grace@example.com", "display_name": "Grace Hopper"},
        "affected_user": {"id": "usr_ada", "username": "ada@example.com", "display_name": "Ada Lovelace"},
        "changes": [{"field": "admin_rights", "before": False, "after": True}],
        "source": {"service": "user-service", "request_id": "req-1"},
    }
    assert entry_of_line(line, "acme") == entry_of_event(event)
    for name, other in {
        "occurred_at": "2026-11-24T09:31:07.412346Z",
        "activity_type": "user_creation",
        "channel": "api",
        "admin": line["affected_user"],
        "affected_user": line["admin"],
        "changes": [],
        "source": None,
    }.items():
        assert entry_of_line({**line, name: other}, "acme").digest != entry_of_event(event).digest, name


def test_a_seed_gives_the_same_events_again() -> None:
    def draw() -> list[str]:
        source = EventSource(["acme"], random.Random("seed"))  # noqa: S311 - nothing here is secret
        return [str(source.next().event_id) for _ in range(5)]

    assert draw() == draw()
