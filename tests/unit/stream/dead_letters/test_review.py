"""Which dead letters are open, and what replaying and discarding does to that."""

from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.commands.dead_letters import hex_dump
from stream.dead_letters.ledger import Ledger, LedgerFull, LedgerUnreadable
from stream.dead_letters.review import LETTERS_PER_COMMIT, DeadLetter, Place, Selection, close_letters, open_letters
from stream.errors import Unavailable
from tests.builders import NOW

OFFSETS = st.lists(st.integers(0, 60))


@given(OFFSETS)
def test_a_ledger_knows_what_was_closed_and_nothing_else(closed: list[int]) -> None:
    ledger = Ledger(0, [])
    for offset in closed:
        ledger.close(offset)
    assert [offset for offset in range(70) if not ledger.is_open(offset)] == sorted(set(closed))


@given(OFFSETS)
def test_a_ledger_comes_back_from_its_commit_as_it_was(closed: list[int]) -> None:
    ledger = Ledger(0, [])
    for offset in closed:
        ledger.close(offset)
    assert Ledger.read(ledger.first_open, ledger.text()) == ledger


@given(OFFSETS, st.integers(0, 60))
def test_what_retention_took_is_not_open(closed: list[int], start: int) -> None:
    ledger = Ledger(0, [])
    for offset in closed:
        ledger.close(offset)
    ledger.forget_before(start)
    assert [offset for offset in range(70) if ledger.is_open(offset)] == [
        offset for offset in range(start, 70) if offset not in closed
    ]


def test_a_ledger_that_kafka_would_not_take_is_refused_and_says_what_to_do() -> None:
    ledger = Ledger(0, [(offset, offset + 1) for offset in range(1, 10_000, 2)])
    with pytest.raises(LedgerFull, match="close the open ones"):
        ledger.text()


def test_metadata_that_somebody_else_wrote_is_an_error_and_not_an_empty_ledger() -> None:
    with pytest.raises(LedgerUnreadable):
        Ledger.read(0, "{}")


class InMemoryBox:
    """`DeadLetterBox` in lists. What `save` had last is all that a killed run leaves behind."""

    def __init__(self, letters: Sequence[DeadLetter]) -> None:
        self._letters = letters
        self._ledger = Ledger(0, [])
        self.saved: tuple[int, str] = (0, "")
        self.replayed: list[Place] = []
        self.fails_after: int | None = None

    async def letters(self) -> AsyncIterator[DeadLetter]:
        for letter in self._letters:
            yield letter

    def ledger(self, partition: int) -> Ledger:  # noqa: ARG002 - it has one
        return self._ledger

    async def replay(self, letters: Sequence[DeadLetter]) -> None:
        self.replayed += [letter.place for letter in letters]
        if self.fails_after is not None and len(self.replayed) >= self.fails_after:
            raise Unavailable("killed between sending and remembering")

    async def save(self) -> None:
        self.saved = self._ledger.first_open, self._ledger.text()

    def opened_again(self) -> "InMemoryBox":
        """As the next run finds it."""
        again = InMemoryBox(self._letters)
        again._ledger = Ledger.read(*self.saved)
        again.saved = self.saved
        return again


def letters(*reasons: str, copy_of: dict[int, int] | None = None) -> list[DeadLetter]:
    """A dead letter for each of *reasons*; *copy_of* maps the index of a copy to that of its first."""
    places = {**{n: n for n in range(len(reasons))}, **(copy_of or {})}
    return [
        DeadLetter((0, n), Place(1, places[n]), reason, "", NOW, b"key", b"value") for n, reason in enumerate(reasons)
    ]


async def still_open(box: InMemoryBox) -> list[int]:
    return [letter.at[1] async for letter in open_letters(box, Selection())]


async def test_a_replay_of_one_reason_leaves_those_of_the_others_open() -> None:
    box = InMemoryBox(letters("malformed", "wrong_magic", "malformed", "wrong_magic"))
    assert await close_letters(box, Selection("malformed"), box.replay) == 2
    assert box.replayed == [Place(1, 0), Place(1, 2)]
    assert await still_open(box.opened_again()) == [1, 3]


async def test_a_second_replay_sends_nothing() -> None:
    box = InMemoryBox(letters("malformed", "malformed"))
    await close_letters(box, Selection(), box.replay)
    again = box.opened_again()
    assert (await close_letters(again, Selection(), again.replay), again.replayed) == (0, [])


async def test_a_bounded_replay_goes_on_where_it_stopped() -> None:
    box = InMemoryBox(letters(*["malformed"] * 5))
    await close_letters(box, Selection(at_most=2), box.replay)
    again = box.opened_again()
    await close_letters(again, Selection(at_most=2), again.replay)
    assert again.replayed == [Place(1, 2), Place(1, 3)]


async def test_a_replay_killed_between_sending_and_remembering_sends_at_most_a_batch_again_and_skips_nothing() -> None:
    count = 2 * LETTERS_PER_COMMIT + 7
    box = InMemoryBox(letters(*["malformed"] * count))
    box.fails_after = LETTERS_PER_COMMIT + 1
    with pytest.raises(Unavailable):
        await close_letters(box, Selection(), box.replay)
    again = box.opened_again()
    await close_letters(again, Selection(), again.replay)
    assert {*box.replayed, *again.replayed} == {Place(1, n) for n in range(count)}
    assert len(box.replayed) + len(again.replayed) == count + LETTERS_PER_COMMIT


async def test_copies_of_one_record_are_sent_once_and_closed_together() -> None:
    box = InMemoryBox(letters("malformed", "malformed", "malformed", copy_of={2: 0}))
    assert await close_letters(box, Selection(), box.replay) == 2
    assert box.replayed == [Place(1, 0), Place(1, 1)]
    assert await still_open(box.opened_again()) == []


async def test_a_bound_counts_records_and_not_their_copies() -> None:
    box = InMemoryBox(letters("malformed", "malformed", "malformed", copy_of={2: 0}))
    assert await close_letters(box, Selection(at_most=1), box.replay) == 1
    assert await still_open(box.opened_again()) == [1]


async def test_a_discard_closes_and_sends_nothing() -> None:
    box = InMemoryBox(letters("malformed", "wrong_magic"))
    assert await close_letters(box, Selection("wrong_magic"), None) == 1
    assert (box.replayed, await still_open(box.opened_again())) == ([], [0])


def test_a_dump_shows_each_byte_and_what_can_be_read_of_it() -> None:
    assert hex_dump(b"\x00\x01ada@example.com!") == (
        "00000000  00 01 61 64 61 40 65 78 61 6d 70 6c 65 2e 63 6f  ..ada@example.co\n"
        "00000010  6d 21                                            m!"
    )
