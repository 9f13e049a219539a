"""An encoded event on its way."""

from typing import NamedTuple

from producers.errors import Stamp
from schemas.events import Event


class Record(NamedTuple):
    """*event* as *key* and *datum*, and the loop time at which its publisher must have an answer for the caller."""

    event: Event
    key: bytes
    datum: bytes
    deadline: float

    @property
    def stamp(self) -> Stamp:
        """What names the event in an error."""
        return Stamp(self.event.event_id, self.event.occurred_at)
