"""What a look at the consumer group says of this worker's membership. Decisions; no effects."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

REJOIN_SECONDS = 15.0
"""Between two attempts at an assignment. Each may take a rebalance of the whole group."""


@dataclass(frozen=True, slots=True)
class GroupState:
    """The group and its topic, as the brokers tell. *lag* and *committed* are by partition.

    *topic_id* is `None` where there is no topic, or the brokers are older than ids. *members* are the coordinator's
    names for the group's members: a static member's begins with its instance name.
    """

    lag: Mapping[int, int]
    committed: Mapping[int, int]
    topic_id: UUID | None = None
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Member:
    """This worker as a member of the group; *topic_id* is that of the topic that it reads.

    *member_id* is empty before the worker has joined the group.
    """

    partitions: frozenset[int]
    topic_id: UUID | None = None
    member_id: str = ""
    instance: str | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, and what to do about it.

    *moved*: the group has committed something since the last look. *rejoin* says why the worker must ask for its
    partitions anew. *is_replaced*: another worker runs under this worker's instance name.
    """

    moved: bool = False
    rejoin: str | None = None
    is_replaced: bool = False


class GroupWatch:
    """Compares each look at the group with the one before."""

    def __init__(self) -> None:
        self._committed: Mapping[int, int] | None = None
        self._looks_without_partition = 0
        self._looks_replaced = 0
        self._rejoined_at: float | None = None

    def look(self, state: GroupState, member: Member, *, now: float) -> Findings:
        """What *state* says, seen at *now* (monotonic).

        A static member that restarts is given the assignment that it had, and one that has none learns of no change:
        an assignment that was empty while there was no topic stays empty for ever, unless the member asks anew.
        """
        moved = self._committed is not None and state.committed != self._committed
        self._committed = dict(state.committed)
        stands_still = member.member_id and not member.partitions and any(state.lag.values()) and not moved
        self._looks_without_partition = self._looks_without_partition + 1 if stands_still else 0
        self._looks_replaced = self._looks_replaced + 1 if _is_replaced(state, member) else 0
        return Findings(moved, self._rejoin(state, member, now), self._looks_replaced > 1)

    def _rejoin(self, state: GroupState, member: Member, now: float) -> str | None:
        reason = None
        if member.topic_id is not None and state.topic_id is not None and member.topic_id != state.topic_id:
            reason = "the topic was made anew"
        elif self._looks_without_partition > 1:
            reason = "no partition is assigned, and nobody reads the topic"
        if reason is None or (self._rejoined_at is not None and now - self._rejoined_at < REJOIN_SECONDS):
            return None
        self._rejoined_at = now
        return reason


def _is_replaced(state: GroupState, member: Member) -> bool:
    if not member.instance or not member.member_id:
        return False
    # The coordinator names a static member by its instance, a hyphen and a UUID of 36 characters.
    namesakes = {name for name in state.members if name[:-37] == member.instance}
    return bool(namesakes - {member.member_id})
