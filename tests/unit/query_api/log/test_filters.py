import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from query_api.log.filters import Order, Position, Selection, Span, conditions, resolve_persons
from query_api.log.persons import Persons, deleted_ref
from schemas.lifetimes import Erasure
from tests.builders import KEY, NOW

REF, OTHER = UUID(int=1), UUID(int=2)
DAY = timedelta(days=1)
HOSTILE = "x') OR 1=1 --"


def test_values_are_bound_and_never_part_of_the_text() -> None:
    selection = Selection(
        since=NOW,
        until=NOW,
        limit=1,
        after=Position(NOW, OTHER),
        activity_types=frozenset({HOSTILE}),
        channels=frozenset({HOSTILE}),
        import_ids=frozenset({OTHER}),
        licenses=frozenset({HOSTILE}),
        admin_rights=frozenset({True}),
        affected_users={REF: Span(since=NOW)},
        admins={REF: Span(until=NOW), OTHER: Span()},
    )

    where = conditions(selection)

    text = " AND ".join(where.clauses)
    assert HOSTILE not in text
    assert str(REF) not in text
    assert str(OTHER) not in text
    assert "2026" not in text
    placeholders = set(re.findall(r"\{(\w+):", text))
    assert placeholders == set(where.parameters)


def test_a_walk_on_names_the_bound_twice_so_that_parts_are_skipped() -> None:
    for order, sign in ((Order.DESC, "<"), (Order.ASC, ">")):
        where = conditions(Selection(since=NOW, limit=1, order=order, after=Position(NOW, REF)))

        assert where.clauses[1:] == (
            f"occurred_at {sign}= {{after_time:DateTime64(6, 'UTC')}}",
            f"(occurred_at, event_id) {sign} ({{after_time:DateTime64(6, 'UTC')}}, {{after_event:UUID}})",
        )


def test_no_filter_sets_no_condition_but_the_start() -> None:
    assert conditions(Selection(since=NOW, limit=1)).clauses == ("occurred_at >= {since:DateTime64(6, 'UTC')}",)


def test_bounds_are_bound_in_utc_and_within_the_stores_calendar() -> None:
    parameters = conditions(Selection(since=NOW, until=datetime(9999, 1, 1, tzinfo=UTC), limit=1)).parameters

    assert parameters == {"since": NOW, "until": datetime(2200, 1, 1, tzinfo=UTC)}


def test_a_person_who_was_never_deleted_has_all_their_lines() -> None:
    assert resolve_persons(frozenset({REF}), {}, KEY, "acme") == {REF: Span()}


def test_a_deleted_person_is_asked_for_like_one_who_never_was() -> None:
    spans = resolve_persons(frozenset({REF}), {REF: Erasure(NOW)}, KEY, "acme")

    assert list(spans.values()) == [Span()]
    assert REF not in spans


def test_a_recreated_person_has_the_lines_of_the_new_life() -> None:
    assert resolve_persons(frozenset({REF}), {REF: Erasure(NOW, NOW + DAY)}, KEY, "acme") == {
        REF: Span(since=NOW + DAY)
    }


def test_the_ref_of_a_deleted_life_has_the_lines_of_deleted_lives() -> None:
    shown = deleted_ref(KEY, "acme", REF)

    assert resolve_persons(frozenset({shown}), {REF: Erasure(NOW)}, KEY, "acme")[REF] == Span()
    assert resolve_persons(frozenset({shown}), {REF: Erasure(NOW, NOW + DAY)}, KEY, "acme")[REF] == Span(
        until=NOW + DAY
    )


def test_both_refs_of_a_recreated_person_have_all_lines() -> None:
    both = frozenset({REF, deleted_ref(KEY, "acme", REF)})

    assert resolve_persons(both, {REF: Erasure(NOW, NOW + DAY)}, KEY, "acme")[REF] == Span()


_moments = st.integers(0, 6).map(lambda number: NOW + number * DAY)


@given(
    st.dictionaries(
        st.sampled_from([REF, OTHER]), st.tuples(_moments, st.none() | _moments).map(lambda life: Erasure(*life))
    ),
    st.sets(st.sampled_from([REF, OTHER, deleted_ref(KEY, "acme", REF), deleted_ref(KEY, "acme", OTHER)]), min_size=1),
    st.sampled_from([REF, OTHER]),
    _moments,
)
def test_a_line_is_found_exactly_under_the_ref_that_it_shows(
    lifetimes: dict[UUID, Erasure], wanted: set[UUID], stored: UUID, at: datetime
) -> None:
    span = resolve_persons(frozenset(wanted), lifetimes, KEY, "acme").get(stored)
    is_found = span is not None and (span.since or at) <= at and (span.until is None or at < span.until)

    assert is_found == (Persons(KEY, "acme", lifetimes, {}).show(stored, at).ref in wanted)


def test_lines_of_an_import_or_a_change_are_not_looked_up_by_person() -> None:
    """`person_lines` has no column for them."""
    selection = Selection(since=NOW, limit=1, affected_users={UUID(int=1): Span()})

    assert selection.named_role() == "affected_user"
    assert replace(selection, import_ids=frozenset({UUID(int=2)})).named_role() is None
    assert replace(selection, licenses=frozenset({"Data Reader"})).named_role() is None
    assert replace(selection, admin_rights=frozenset({False})).named_role() is None
