"""Every Kafka topic of the service, declared once. `audit-stream topics` creates what is missing."""

from dataclasses import dataclass, field
from datetime import timedelta

EVENTS_TOPIC = "user-management.events"
DEAD_LETTERS_TOPIC = "user-management.events.dead-letters"
EVENTS_SUBJECT = f"{EVENTS_TOPIC}-value"
"""The registry subject of the events' values (Confluent's TopicNameStrategy)."""
ACTIVITY_LOG_TOPIC = "user-management.activity-log"
PERSON_NAMES_TOPIC = "user-management.person-names"
"""With the activity log, the history: what ClickHouse holds can be built again from these two."""


def _ms(duration: timedelta) -> str:
    return str(duration // timedelta(milliseconds=1))


_WEEK_MS = _ms(timedelta(days=7))

EVENT_SEGMENT = timedelta(hours=6)
"""Segments go as a whole, so this is what an event may stay beyond its week. Kafka looks every five minutes."""

ACTIVITY_LOG_SLACK = timedelta(days=31)
"""Kept beyond the retention: room for a rebuild that begins on its last day, and for segments, which go as a whole."""

LONGEST_YEAR = timedelta(days=366)

NAME_COMPACTION_LAG = timedelta(hours=1)
"""How long a segment with an overwritten name may wait for compaction, from its first record on."""

NAME_SEGMENT = timedelta(minutes=30)
"""After so long the next append ends a segment, and only then can it be compacted. Each sweep, once an hour, appends
to every partition. Were this an hour too, one that is a little early would find the segment too young, and the
overwritten name would stay for another hour."""


PRODUCTION_REPLICAS = 3
"""An acknowledged record is then on two disks at least, and one broker may be away without stopping writers."""

MIN_INSYNC_REPLICAS = "min.insync.replicas"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must exist. *config* holds Kafka's own topic options by name."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)

    def config_for(self, replicas: int) -> dict[str, str]:
        """*config*, and on how many of so many *replicas* a record must be before it is acknowledged: all but one."""
        return {**self.config, MIN_INSYNC_REPLICAS: str(max(1, replicas - 1))}


TOPICS = (
    Topic(
        EVENTS_TOPIC,
        partitions=4,
        config={
            "cleanup.policy": "delete",
            # Events hold names: they live as long as an outage of the worker may last, and no longer.
            "retention.ms": _WEEK_MS,
            "segment.ms": _ms(EVENT_SEGMENT),
            # The broker's clock, not the producer's, dates a record: `recorded_at` is then one per record for ever.
            "message.timestamp.type": "LogAppendTime",
            "unclean.leader.election.enable": "false",
        },
    ),
    Topic(
        DEAD_LETTERS_TOPIC,
        partitions=1,
        config={
            "cleanup.policy": "delete",
            # A dead letter is a raw event, names included. Its week begins when the event was refused, which may be at
            # the end of the event's own week: less would leave no time to mend the cause of what an outage held up.
            "retention.ms": _WEEK_MS,
            "segment.ms": _ms(EVENT_SEGMENT),
            "message.timestamp.type": "LogAppendTime",
            # Whatever fits into the events topic must fit in here too, headers and another compression included.
            "max.message.bytes": str(16 * 1024 * 1024),
            "unclean.leader.election.enable": "false",
        },
    ),
    Topic(
        ACTIVITY_LOG_TOPIC,
        partitions=4,
        config={
            "cleanup.policy": "delete",
            "retention.ms": _ms(LONGEST_YEAR + ACTIVITY_LOG_SLACK),
            # A record carries the append time of its newest event: one that is published again lives no longer for it.
            "message.timestamp.type": "CreateTime",
            # A broker's clock that ran ahead and was corrected must not stop the worker until it has caught up.
            "message.timestamp.after.max.ms": str(2**63 - 1),
            "segment.ms": _WEEK_MS,
            "max.message.bytes": str(16 * 1024 * 1024),
            "unclean.leader.election.enable": "false",
        },
    ),
    Topic(
        PERSON_NAMES_TOPIC,
        partitions=4,
        config={
            "cleanup.policy": "compact",
            # The active segment is never compacted, so it must not stay active for long.
            "segment.ms": _ms(NAME_SEGMENT),
            "max.compaction.lag.ms": _ms(NAME_COMPACTION_LAG),
            "min.cleanable.dirty.ratio": "0.1",
            # A rebuild that reads for longer than this could miss that a name was overwritten.
            "delete.retention.ms": _ms(timedelta(days=1)),
            "message.timestamp.type": "LogAppendTime",
            "unclean.leader.election.enable": "false",
        },
    ),
)
