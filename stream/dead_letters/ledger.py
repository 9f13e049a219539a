"""Which dead letters are still open: offsets of the topic that nobody has replayed or discarded. Pure.

A dead letter is closed for itself: replaying those of one reason leaves the others between them open. A consumer group
remembers one offset a partition, so the offsets that are closed beyond the first open one go into that commit's
metadata, as ranges. Both are committed at once, so there is no state between.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from stream.errors import StreamError

MAX_TEXT_BYTES = 4_000
"""Kafka takes 4,096 bytes of metadata a partition (`offset.metadata.max.bytes`)."""


class LedgerFull(StreamError):
    """Closed and open dead letters alternate too often to be remembered; close the first open ones, of any reason."""


class LedgerUnreadable(StreamError):
    """The group's commit was not written by this command."""


@dataclass(slots=True)
class Ledger:
    """One partition's state: everything before *first_open* is closed, and so are the half-open *ranges* beyond it."""

    first_open: int
    ranges: list[tuple[int, int]]

    @classmethod
    def read(cls, committed: int, text: str) -> "Ledger":
        """The ledger that a commit of *committed* with metadata *text* stands for. Raises `LedgerUnreadable`."""
        try:
            numbers = [int(number, 36) for number in text.split(".")] if text else []
        except ValueError:
            raise LedgerUnreadable("the metadata of the review group's commit is not a list of ranges") from None
        ranges, at = [], committed
        for gap, length in zip(numbers[::2], numbers[1::2], strict=False):
            start = at + gap
            at = start + length
            ranges.append((start, at))
        return cls(committed, ranges)

    def text(self) -> str:
        """The ranges as a commit's metadata. Raises `LedgerFull` where they do not fit."""
        numbers, at = [], self.first_open
        for start, end in self.ranges:
            numbers += [start - at, end - start]
            at = end
        text = ".".join(_base36(number) for number in numbers)
        if len(text) > MAX_TEXT_BYTES:
            raise LedgerFull(
                f"{len(self.ranges)} ranges of closed dead letters; close the open ones between them, the oldest first"
            )
        return text

    def is_open(self, offset: int) -> bool:
        """Whether the dead letter at *offset* is open."""
        return offset >= self.first_open and not any(start <= offset < end for start, end in self.ranges)

    def close(self, offset: int) -> None:
        """Close the dead letter at *offset*. Closing it again changes nothing."""
        if self.is_open(offset):
            self.ranges = list(_joined(sorted([*self.ranges, (offset, offset + 1)])))
            self._advance()

    def forget_before(self, offset: int) -> None:
        """Nothing before *offset* exists any more."""
        if offset > self.first_open:
            self.ranges = [(max(start, offset), end) for start, end in self.ranges if end > offset]
            self.first_open = offset
            self._advance()

    def _advance(self) -> None:
        while self.ranges and self.ranges[0][0] <= self.first_open:
            self.first_open = self.ranges.pop(0)[1]


def _joined(ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start, end = ranges[0]
    for next_start, next_end in ranges[1:]:
        if next_start > end:
            yield start, end
            start, end = next_start, next_end
        else:
            end = max(end, next_end)
    yield start, end


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
        if not number:
            return digits
