"""Every error of the producers, split by what the caller must do.

schemas.errors.InvalidEvent       refuse the call: the event breaks the contract; raised before any I/O
schemas.settings.InvalidSettings  stop: fix the environment; raised at start
ProducerError
├── NothingChanged            drop the call: there is nothing to record
├── InvalidImport             fix the file or the command; nothing was published
├── UnreadableRequest         pass the user after the SCIM request, in place of the request
├── PublisherClosed           a bug of the caller: publish before closing
├── PublishFailed             not written: publish again if `retryable`, otherwise fix the cause first
└── DeliveryUnknown           perhaps written: publish the same event again, with the same stamp

No text and no attribute of these carries a name, an id of a person or any other value of an event, so all may be
logged. An event's id and time are no personal data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes two publications the same event: the id and the time, always together.

    The log's lines are sorted by both, so the same id with another time would be a second line.
    """

    event_id: UUID
    occurred_at: datetime


class ProducerError(Exception):
    """The root of this tree; never raised itself."""


class NothingChanged(ProducerError, ValueError):
    """The update leaves everything as it was, so no activity took place."""


class InvalidImport(ProducerError):
    """The import cannot be derived from these files and options. Nothing was published."""


class UnreadableRequest(ProducerError):
    """A SCIM request that its server carried out says nothing of the user here. There are no events of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the request cannot be applied to the user before it ({reason})")


class PublisherClosed(ProducerError):
    """The publisher was closed, not entered yet, or entered in another event loop; the event was not written."""


class PublishFailed(ProducerError):
    """These events were not written.

    *retryable* is true where the way to Kafka was blocked (broker or registry away, topic missing) and false where
    Kafka or the registry refused: the same call would be refused again.
    """

    def __init__(self, reason: str, stamps: Sequence[Stamp] = (), *, retryable: bool) -> None:
        super().__init__(f"not written: {reason}")
        self.reason = reason
        self.stamps = tuple(stamps)
        self.retryable = retryable


class DeliveryUnknown(ProducerError):
    """These events were handed to Kafka, and an answer was lost or did not come in time: each is written or not.

    Publishing the same event again is safe, and needed for certainty: same id and time are the same line. Pass the
    stamp to the verb that was called.
    """

    def __init__(self, stamps: Sequence[Stamp]) -> None:
        first = stamps[0].event_id if stamps else None
        super().__init__(
            f"{len(stamps)} event(s) without an answer, the first is {first}: publish them again with their stamps"
        )
        self.stamps = tuple(stamps)

    @property
    def stamp(self) -> Stamp:
        """The stamp of the one event that `publish` was called with."""
        return self.stamps[0]
