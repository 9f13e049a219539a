"""What a look at the group says of a worker's membership."""

from dataclasses import replace
from uuid import UUID

import pytest

from stream.health.group import REJOIN_SECONDS, Findings, GroupState, GroupWatch, Member

OLD, NEW = UUID(int=1), UUID(int=2)
NAME = "worker-1-0123456789abcdef0123456789abcdef0123"[: len("worker-1-") + 36]
MEMBER = Member(frozenset({0, 1}), OLD, NAME, "worker-1")
STATE = GroupState({0: 3, 1: 0}, {0: 5, 1: 7}, OLD, frozenset({NAME}))
NOTHING = Findings()


@pytest.fixture
def watch() -> GroupWatch:
    return GroupWatch()


def look(watch: GroupWatch, state: GroupState, member: Member, *times: float) -> list[Findings]:
    return [watch.look(state, member, now=now) for now in times]


def test_a_worker_that_holds_partitions_of_the_topic_that_it_reads_is_left_alone(watch: GroupWatch) -> None:
    assert look(watch, STATE, MEMBER, 0, 5, 10) == [NOTHING] * 3


def test_a_topic_that_was_made_anew_calls_for_a_new_assignment_once_in_a_while(watch: GroupWatch) -> None:
    reasons = [found.rejoin for found in look(watch, replace(STATE, topic_id=NEW), MEMBER, 0, 5, REJOIN_SECONDS)]
    assert reasons == ["the topic was made anew", None, "the topic was made anew"]


@pytest.mark.parametrize(
    ("state", "member"),
    [
        (replace(STATE, topic_id=None), MEMBER),
        (STATE, replace(MEMBER, topic_id=None)),
    ],
    ids=["no topic, or an old broker", "nothing assigned yet"],
)
def test_an_id_that_is_not_known_says_nothing(watch: GroupWatch, state: GroupState, member: Member) -> None:
    assert look(watch, state, member, 0, 5) == [NOTHING] * 2


def test_an_empty_assignment_beside_a_topic_that_nobody_reads_calls_for_a_new_one(watch: GroupWatch) -> None:
    without = replace(MEMBER, partitions=frozenset())
    assert [found.rejoin is None for found in look(watch, STATE, without, 0, 5, 10, 20)] == [True, False, True, False]


def test_a_worker_that_has_not_joined_yet_is_left_alone(watch: GroupWatch) -> None:
    starting = Member(frozenset(), instance="worker-1")
    assert look(watch, STATE, starting, 0, 5, 10) == [NOTHING] * 3


def test_a_spare_worker_is_left_alone_while_others_commit(watch: GroupWatch) -> None:
    spare = replace(MEMBER, partitions=frozenset())
    for offset in range(5):
        found = watch.look(replace(STATE, committed={0: offset, 1: 7}), spare, now=offset * 5)
        assert found == Findings(moved=offset > 0)


def test_a_spare_worker_is_left_alone_while_there_is_nothing_to_do(watch: GroupWatch) -> None:
    spare = replace(MEMBER, partitions=frozenset())
    assert look(watch, replace(STATE, lag={0: 0, 1: 0}), spare, 0, 5, 10) == [NOTHING] * 3


def test_another_member_under_the_same_instance_name_is_found_at_the_second_look(watch: GroupWatch) -> None:
    """At the first one it may be this worker's own name, which it has not learned yet."""
    other = "worker-1-" + "f" * 36
    found = look(watch, replace(STATE, members=frozenset({other})), MEMBER, 0, 5)
    assert [one.is_replaced for one in found] == [False, True]


@pytest.mark.parametrize("other", ["worker-10-" + "f" * 36, "worker-" + "f" * 36, "faust-" + "f" * 36])
def test_members_with_other_names_are_no_clash(watch: GroupWatch, other: str) -> None:
    found = look(watch, replace(STATE, members=frozenset({NAME, other})), MEMBER, 0, 5)
    assert found == [NOTHING] * 2
