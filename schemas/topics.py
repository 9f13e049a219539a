"""Every Kafka topic of the service, declared once. `audit-stream topics` creates what is missing."""

from dataclasses import dataclass, field
from datetime import timedelta

EVENTS_TOPIC = "user-management.events"
DEAD_LETTERS_TOPIC = "user-management.events.dead-letters"
EVENTS_SUBJECT = f"{EVENTS_TOPIC}-value"
"""The registry subject of the events' values (Confluent's TopicNameStrategy)."""

_WEEK_MS = str(int(timedelta(days=7) / timedelta(milliseconds=1)))


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must exist. *config* holds Kafka's own topic options by name."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


TOPICS = (
    Topic(
        EVENTS_TOPIC,
        partitions=4,
        config={
            "cleanup.policy": "delete",
            # Events hold names: they live as long as an outage of the worker may last, and no longer.
            "retention.ms": _WEEK_MS,
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
            # A dead letter is a raw event, names included: it lives no longer than one.
            "retention.ms": _WEEK_MS,
            "message.timestamp.type": "LogAppendTime",
            # Whatever fits into the events topic must fit in here too, headers and another compression included.
            "max.message.bytes": str(16 * 1024 * 1024),
            "unclean.leader.election.enable": "false",
        },
    ),
)
