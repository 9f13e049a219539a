"""What each account may do in Kafka, declared once: `audit-stream rights` prints it, and the worker checks its own.

`Read` and `Write` include `Describe`. Who may write to a topic may use an idempotent producer (Kafka 3.0 and later).
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from schemas.topics import ACTIVITY_LOG_TOPIC, DEAD_LETTERS_TOPIC, EVENTS_TOPIC, PERSON_NAMES_TOPIC, TOPICS


class Role(StrEnum):
    """Whose account it is."""

    PRODUCER = "producer"
    WORKER = "worker"
    OPERATOR = "operator"
    """Runs every command of `audit-stream` but `worker`."""


class Resource(IntEnum):
    """What a right is about, by Kafka's number of it."""

    TOPIC = 2
    GROUP = 3


class Operation(IntEnum):
    """What a right allows, by Kafka's number of it."""

    READ = 3
    WRITE = 4
    CREATE = 5
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10

    @property
    def spelling(self) -> str:
        """Its name in Kafka's own tools."""
        return self.name.title().replace("_", "")


@dataclass(frozen=True, slots=True)
class Right:
    """One thing that an account may do to one topic or group."""

    resource: Resource
    name: str
    operation: Operation

    def __str__(self) -> str:
        return f"{self.operation.spelling} on the {self.resource.name.lower()} {self.name}"


def rights(role: Role, group: str) -> tuple[Right, ...]:
    """All that *role* needs, and no more; *group* is the workers' consumer group."""
    if role is Role.PRODUCER:
        return _on(EVENTS_TOPIC, Operation.WRITE)
    if role is Role.WORKER:
        return (
            *_on(EVENTS_TOPIC, Operation.READ, Operation.DESCRIBE_CONFIGS),
            Right(Resource.GROUP, group, Operation.READ),
            *_on(DEAD_LETTERS_TOPIC, Operation.WRITE),
            *_on(ACTIVITY_LOG_TOPIC, Operation.WRITE),
            *_on(PERSON_NAMES_TOPIC, Operation.READ, Operation.WRITE),
        )
    each = Operation.CREATE, Operation.DESCRIBE_CONFIGS, Operation.READ
    return (
        *(right for topic in TOPICS for right in _on(topic.name, *each)),
        # Dead letters are replayed to the one, names of deleted persons are overwritten in the other.
        *_on(EVENTS_TOPIC, Operation.WRITE),
        *_on(PERSON_NAMES_TOPIC, Operation.WRITE),
        Right(Resource.GROUP, group, Operation.DESCRIBE),
    )


def _on(topic: str, *operations: Operation) -> tuple[Right, ...]:
    return tuple(Right(Resource.TOPIC, topic, operation) for operation in operations)
