"""A file's bytes as text lines: read once, hashed as they pass, decoded without loss, in bounded memory."""

import codecs
import hashlib
import io
from collections.abc import Iterator

from charset_normalizer import from_bytes

from producers.errors import InvalidImport

PREFIX_BYTES = 65_536
MAX_ROW_CHARACTERS = 65_536
"""No honest row is as long: its longest cells are names. A quote that is never closed would make one of the file."""

UNDECODABLE = "\udcff"
"""What stands for bytes that are no text in the file's encoding: a lone surrogate, which no text contains."""

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What spreadsheets save without saying so. More candidates make charset-normalizer's guess worse: on a few names it
# prefers code pages that nothing has written for decades.
_LEGACY_ENCODINGS = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp932", "gb18030", "euc_kr", "big5"]


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNDECODABLE, error.end


codecs.register_error("mark-undecodable", _mark_undecodable)


class RowTooLong(Exception):
    """The row at hand is longer than `MAX_ROW_CHARACTERS`."""


class HashingReader(io.RawIOBase):
    """A raw stream that hashes what is read through it, so that the digest is of exactly the bytes that were used."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        """Of course."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int | None:  # type: ignore[override]
        """Read, and hash."""
        count = self._raw.readinto(buffer)
        self._digest.update(memoryview(buffer)[: count or 0])
        return count

    def sha256(self) -> bytes:
        """The digest of what was read so far."""
        return self._digest.digest()


class Lines(Iterator[str]):
    """The lines of *text*, endings included, for `csv.reader`. `start_row` says that a new row begins.

    A quoted line break makes a row of several lines, so it is the row whose length is bounded, not the line.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._room = MAX_ROW_CHARACTERS

    def start_row(self) -> None:
        """Give the next row its full length."""
        self._room = MAX_ROW_CHARACTERS

    def __next__(self) -> str:
        line = self._text.readline(self._room + 1)
        if not line:
            raise StopIteration
        self._room -= len(line)
        if self._room < 0:
            raise RowTooLong
        return line


def detect_encoding(prefix: bytes) -> tuple[str, bool]:
    """The encoding of a file that begins with *prefix*, and whether it is only a guess.

    Raises `InvalidImport` where nothing fits. A byte-order mark decides; without one, what is UTF-8 is UTF-8.
    """
    for mark, encoding in _BOMS:
        if prefix.startswith(mark):
            return encoding, False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(prefix)
    except UnicodeDecodeError:
        guess = from_bytes(prefix, cp_isolation=_LEGACY_ENCODINGS).best()
        if guess is None:
            raise InvalidImport(
                "the file is no text in a known encoding; save it as UTF-8 or name it: --encoding"
            ) from None
        return guess.encoding, True
    return "utf-8", False
