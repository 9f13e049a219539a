"""Which dead letters a replay sends, and how it stays safe to repeat.

Nothing remembers what was sent. An accepted event keeps its id, so a second copy adds no line. A record that is refused
again becomes one more dead letter with the same content, and a run sends each content once: repeated runs do not
multiply it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import blake2b

from stream.dead_letters.box import DeadLetter, DeadLetterBox, Place

LETTERS_PER_SEND = 100
"""Records that are sent before their acknowledgements are awaited."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The dead letters that a run is about: of *reason* if it is given, and of *places* if there are any."""

    reason: str | None = None
    places: frozenset[Place] = field(default_factory=frozenset)

    def matches(self, letter: DeadLetter) -> bool:
        """Whether *letter* is one of them."""
        return self.reason in (None, letter.reason) and (not self.places or letter.place in self.places)


async def distinct_letters(box: DeadLetterBox, selection: Selection) -> AsyncIterator[DeadLetter]:
    """The dead letters of *selection*, the first of those with one key, value and partition. Raises `Unavailable`."""
    seen: set[bytes] = set()
    async for letter in box.letters():
        if selection.matches(letter) and (content := _content(letter)) not in seen:
            seen.add(content)
            yield letter


async def replay(box: DeadLetterBox, selection: Selection) -> int:
    """Send the records of *selection* to the events topic again, and return their number. Raises `Unavailable`.

    It covers what the box held when the run began: a record that is refused again waits for another run.
    """
    count = 0
    due: list[DeadLetter] = []
    async for letter in distinct_letters(box, selection):
        due.append(letter)
        if len(due) == LETTERS_PER_SEND:
            await box.send(due)
            count += len(due)
            due = []
    if due:
        await box.send(due)
    return count + len(due)


def _content(letter: DeadLetter) -> bytes:
    """A digest of what a replay would send. An absent key or value is another one than an empty one."""
    digest = blake2b(f"{letter.place.partition}".encode(), digest_size=16)
    for part in (letter.key, letter.value):
        digest.update(b"none" if part is None else f" {len(part)} ".encode() + part)
    return digest.digest()
