"""What is looked for, and what was found: pure."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from stream.erasure.verify.spellings import Spellings


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom to look for: *texts* (the id, the names) must be found nowhere. *person_ref* is `None` if no id is given."""

    client_space_id: str
    person_ref: UUID | None
    texts: tuple[str, ...]
    spellings: Spellings = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spellings", Spellings(self.texts))


@dataclass(frozen=True, slots=True)
class Trace:
    """A place that still holds the person's id or a name of theirs. *until* is the latest time of its end, if known."""

    place: str
    count: int
    until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, and what was found.

    *erased_at* is `None` for a person who was never deleted, and where only names were given.
    """

    client_space_id: str
    person_ref: str | None
    erased_at: datetime | None
    recreated_at: datetime | None
    looked_at: tuple[str, ...]
    traces: tuple[Trace, ...]

    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.traces
