"""When a life began and ended, whatever the producers' clocks say."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.lifetimes import Erasure, Fact, erasure_of, happened_at
from schemas.rows import CREATED, ERASED, precedence, recorded_ms
from tests.builders import NOW, NOW_MS

MICROSECOND, SECOND = timedelta(microseconds=1), timedelta(seconds=1)
SLOWEST_SECONDS = 600
EVENT = UUID(int=1)


def fact(
    change: str, second: float, *, recorded: float | None = None, offset: int = 0, event_id: UUID | None = None
) -> Fact:
    """A change that its producer dates to *second*; recorded at that second unless the test says otherwise."""
    recorded_seconds = second if recorded is None else recorded
    order = precedence(NOW_MS + round(recorded_seconds * 1000), offset)
    return change, NOW + second * SECOND, event_id or UUID(int=order), order


def at(second: float) -> Erasure:
    return Erasure(NOW + second * SECOND)


@pytest.mark.parametrize(
    ("facts", "erasure"),
    [
        ([], None),
        ([(CREATED, 1)], None),
        ([(ERASED, 1)], Erasure(NOW + SECOND)),
        ([(CREATED, 1), (ERASED, 2)], Erasure(NOW + 2 * SECOND)),
        ([(ERASED, 2), (CREATED, 3)], Erasure(NOW + 2 * SECOND, NOW + 3 * SECOND)),
        ([(ERASED, 2), (CREATED, 5), (CREATED, 3)], Erasure(NOW + 2 * SECOND, NOW + 3 * SECOND)),
        ([(ERASED, 2), (CREATED, 3), (ERASED, 4)], Erasure(NOW + 4 * SECOND)),
    ],
)
def test_the_last_deletion_counts_and_the_first_creation_after_it(
    facts: list[tuple[str, int]], erasure: Erasure | None
) -> None:
    told = [fact(change, second) for change, second in facts]
    assert erasure_of(told) == erasure
    assert erasure_of(reversed(told * 2)) == erasure


def test_created_by_a_clock_ten_minutes_fast_and_deleted_five_minutes_later_is_deleted() -> None:
    found = erasure_of([fact(CREATED, 600, recorded=0), fact(ERASED, 300)])
    assert found == at(300)


def test_deleted_by_a_clock_ten_seconds_fast_and_created_anew_three_seconds_later_lives() -> None:
    found = erasure_of([fact(CREATED, -100), fact(ERASED, 10, recorded=0), fact(CREATED, 3)])
    assert found is not None
    assert found.recreated_at == NOW + 3 * SECOND
    assert happened_at(NOW + 10 * SECOND, fact(ERASED, 0)[-1]) < found.recreated_at, (
        "the line of the deletion is the deleted life's"
    )


def test_deleted_by_a_slow_clock_after_a_creation_is_deleted_and_in_doubt() -> None:
    found = erasure_of([fact(ERASED, -600, recorded=0), fact(CREATED, -300)])
    assert found == Erasure(NOW - 600 * SECOND, is_doubtful=True)


def test_a_creation_that_arrives_after_the_deletion_of_its_person_begins_no_life_and_is_in_doubt() -> None:
    found = erasure_of([fact(ERASED, 0), fact(CREATED, -60, recorded=30)])
    assert found == Erasure(NOW, is_doubtful=True)


def test_a_deletion_that_is_published_again_does_not_end_the_life_that_began_meanwhile() -> None:
    facts = [fact(ERASED, 10, recorded=0, event_id=EVENT), fact(CREATED, 20)]
    facts.append(fact(ERASED, 10, recorded=60, event_id=EVENT))
    found = erasure_of(facts)
    assert found is not None
    assert found.recreated_at == NOW + 20 * SECOND


def test_two_deletions_of_one_time_are_two_deletions() -> None:
    """A service that dates everything to midnight: deleted, created anew and deleted again, all on one day."""
    facts = [fact(ERASED, 0, recorded=10), fact(CREATED, 0, recorded=20), fact(ERASED, 0, recorded=30)]
    assert erasure_of(facts) == at(0)


def test_within_a_millisecond_the_offset_decides() -> None:
    created, erased = (fact(CREATED, 0, offset=n) for n in (1, 3)), fact(ERASED, 0, offset=2)
    before, after = created
    assert erasure_of([before, erased]) == at(0)
    found = erasure_of([erased, after])
    # A line of the very moment is the deleted life's.
    assert found == Erasure(NOW, NOW + MICROSECOND)


def test_an_event_counts_no_later_than_the_broker_recorded_it_to_the_millisecond() -> None:
    recorded = precedence(NOW_MS, 5)
    assert happened_at(NOW, recorded) == NOW
    assert happened_at(NOW + SECOND, recorded) == NOW.replace(microsecond=413_000)
    assert happened_at(NOW - SECOND, recorded) == NOW - SECOND


@given(st.integers(0, 2**42 - 1), st.integers(0, 2**62))
def test_a_precedence_tells_when_its_record_was_appended(milliseconds: int, offset: int) -> None:
    assert recorded_ms(precedence(milliseconds, offset)) == milliseconds


skews = st.integers(-SLOWEST_SECONDS, SLOWEST_SECONDS)
changes = st.lists(st.tuples(st.sampled_from([CREATED, ERASED]), st.integers(0, 60), skews), max_size=6)


def recorded_at_once(happened: Sequence[tuple[str, int, int]]) -> list[Fact]:
    """Facts that the broker records at once and in their order, dated by clocks that are wrong by some seconds."""
    facts, second = list[Fact](), 0
    for offset, (change, pause, skew) in enumerate(happened):
        second += pause
        facts.append(fact(change, second + skew, recorded=second, offset=offset))
    return facts


@given(changes)
def test_who_was_deleted_last_is_deleted_whatever_the_clocks_say(happened: list[tuple[str, int, int]]) -> None:
    found = erasure_of([*recorded_at_once(happened), fact(ERASED, 1000, recorded=1000)])
    slow = erasure_of([*recorded_at_once(happened), fact(ERASED, 1000 - SLOWEST_SECONDS, recorded=1000)])
    for erasure in (found, slow):
        assert erasure is not None
        assert erasure.recreated_at is None


@given(changes, st.integers(0, SLOWEST_SECONDS))
def test_who_is_created_last_lives_again_however_fast_the_clocks_were(
    happened: list[tuple[str, int, int]], ahead: int
) -> None:
    fast = [(change, pause, abs(skew)) for change, pause, skew in happened]
    facts = recorded_at_once([*fast, (ERASED, 1, ahead), (CREATED, 3, 0)])
    found = erasure_of(facts)
    assert found is not None
    assert found.recreated_at is not None
    assert not found.is_doubtful


@given(st.permutations(range(6)), changes)
def test_neither_order_nor_repetition_of_the_facts_counts(
    order: list[int], happened: list[tuple[str, int, int]]
) -> None:
    facts = recorded_at_once(happened)
    assert erasure_of([facts[n] for n in order if n < len(facts)] + facts) == erasure_of(facts)
