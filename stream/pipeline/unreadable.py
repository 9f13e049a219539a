"""Records of the history that this version cannot read: foreign, damaged, or a newer version's. Named, never quoted."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Protocol, TypeVar

from stream.errors import UnreadableRecord
from stream.pipeline.rows.history_codec import UnreadableHistory

MAX_NAMED = 10


class Placed(Protocol):
    """What names a record; `aiokafka.ConsumerRecord` has it."""

    topic: str
    partition: int
    offset: int


Content = TypeVar("Content")
R = TypeVar("R", bound=Placed)


class UnreadableRecords:
    """Notes which records could not be read. With *refuses* there is none: the first raises `UnreadableRecord`."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.places: set[str] = set()
        self._refuses = refuses

    def read(self, record: R, function: Callable[[R], Content | None]) -> Content | None:
        """What *function* makes of *record*; `None` where it cannot read it."""
        try:
            return function(record)
        except UnreadableHistory as error:
            if self._refuses:
                raise UnreadableRecord(place_of(record), str(error)) from None
            self.places.add(place_of(record))
            return None


def place_of(record: Placed) -> str:
    """Where *record* lies."""
    return f"{record.topic}[{record.partition}]@{record.offset}"


def in_words(places: Iterable[str]) -> str:
    """*places* for a line of text, the first few of them."""
    known = sorted(places)
    more = f" and {len(known) - MAX_NAMED} more" if len(known) > MAX_NAMED else ""
    return f"{len(known)} records cannot be read by this version: {', '.join(islice(known, MAX_NAMED))}{more}"
