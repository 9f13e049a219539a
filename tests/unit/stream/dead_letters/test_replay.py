"""Which dead letters a replay sends, and what repeating it does."""

from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

from stream.commands import dead_letters
from stream.commands.common import ExitCode
from stream.commands.dead_letters import hex_dump
from stream.dead_letters.box import DeadLetter, Place
from stream.dead_letters.replay import LETTERS_PER_SEND, Selection, distinct_letters, replay
from stream.errors import Unavailable
from tests.builders import NOW


class InMemoryBox:
    """`DeadLetterBox` in lists. The worker behind it refuses every record that is sent again."""

    def __init__(self, letters: Sequence[DeadLetter]) -> None:
        self.kept = list(letters)
        self.sent: list[Place] = []
        self.fails_after: int | None = None

    async def letters(self) -> AsyncIterator[DeadLetter]:
        for letter in tuple(self.kept):
            yield letter

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            self.sent.append(letter.place)
            place = Place(letter.place.partition, 1000 + len(self.kept))
            self.kept.append(replace(letter, place=place))
        if self.fails_after is not None and len(self.sent) >= self.fails_after:
            raise Unavailable("killed after sending")


def letters(*reasons: str) -> list[DeadLetter]:
    """A dead letter for each of *reasons*, each with a value of its own."""
    return [DeadLetter(Place(1, n), reason, "", NOW, b"key", f"value {n}".encode()) for n, reason in enumerate(reasons)]


async def test_a_replay_of_one_reason_sends_no_other() -> None:
    box = InMemoryBox(letters("malformed", "wrong_magic", "malformed", "wrong_magic"))
    assert await replay(box, Selection("malformed")) == 2
    assert box.sent == [Place(1, 0), Place(1, 2)]


async def test_a_replay_of_places_sends_no_other() -> None:
    box = InMemoryBox(letters("malformed", "malformed", "malformed"))
    assert await replay(box, Selection(places=frozenset({Place(1, 1), Place(9, 9)}))) == 1
    assert box.sent == [Place(1, 1)]


async def test_records_that_are_refused_again_and_again_do_not_multiply() -> None:
    box = InMemoryBox(letters("malformed", "malformed", "malformed"))
    assert [await replay(box, Selection()) for _ in range(4)] == [3, 3, 3, 3]
    assert len(box.kept) == 3 + 4 * 3


async def test_copies_of_one_record_are_sent_once() -> None:
    (letter,) = letters("malformed")
    box = InMemoryBox([letter, letter, replace(letter, place=Place(1, 7))])
    assert await replay(box, Selection()) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((b"k", None), (b"k", b"")),
        ((None, b"v"), (b"", b"v")),
        ((b"a", b"bc"), (b"ab", b"c")),
        ((b"", b"none"), (b"", None)),
    ],
)
async def test_records_that_differ_in_anything_are_both_sent(
    one: tuple[bytes | None, bytes | None], other: tuple[bytes | None, bytes | None]
) -> None:
    (letter,) = letters("malformed")
    kept = [replace(letter, key=key, value=value) for key, value in (one, other)]
    box = InMemoryBox([*kept, replace(kept[0], place=Place(2, 0))])
    assert await replay(box, Selection()) == 3


async def test_a_replay_that_was_cut_off_and_repeated_skips_nothing() -> None:
    count = 2 * LETTERS_PER_SEND + 7
    box = InMemoryBox(letters(*["malformed"] * count))
    box.fails_after = LETTERS_PER_SEND + 1
    with pytest.raises(Unavailable):
        await replay(box, Selection())
    box.fails_after = None
    assert await replay(box, Selection()) == count
    assert set(box.sent) >= {Place(1, n) for n in range(count)}


async def test_a_count_before_a_replay_is_what_the_replay_sends() -> None:
    box = InMemoryBox(letters("malformed", "wrong_magic"))
    assert [letter.reason async for letter in distinct_letters(box, Selection("wrong_magic"))] == ["wrong_magic"]


def test_a_dump_shows_each_byte_and_what_can_be_read_of_it() -> None:
    assert hex_dump(b"\x00\x01ada@example.com!") == (
        "00000000  00 01 61 64 61 40 65 78 61 6d 70 6c 65 2e 63 6f  ..ada@example.co\n"
        "00000010  6d 21                                            m!"
    )


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["replay", "1/0", "9/9"], "9/9"),
        (["replay", "1/0", "--reason", "wrong_magic"], "1/0"),
        (["replay", "9/9", "--dry-run"], "9/9"),
        (["show", "9/9"], "9/9"),
    ],
)
def test_a_place_without_such_a_dead_letter_is_named_and_nothing_is_sent(
    arguments: list[str], absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = InMemoryBox(letters("malformed", "malformed"))
    monkeypatch.setattr(dead_letters, "settings_or_exit", Mock())
    monkeypatch.setattr(dead_letters, "open_box", lambda _: nullcontext(box))
    ended = CliRunner().invoke(dead_letters.app, arguments)
    assert (ended.exit_code, box.sent) == (ExitCode.USAGE, [])
    assert f"no such dead letter: {absent};" in ended.stderr


def test_the_places_that_are_there_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    box = InMemoryBox(letters("malformed", "malformed", "malformed"))
    monkeypatch.setattr(dead_letters, "settings_or_exit", Mock())
    monkeypatch.setattr(dead_letters, "open_box", lambda _: nullcontext(box))
    ended = CliRunner().invoke(dead_letters.app, ["replay", "1/0", "1/2"])
    assert (ended.exit_code, box.sent) == (ExitCode.DONE, [Place(1, 0), Place(1, 2)])
