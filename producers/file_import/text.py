"""A file's bytes as text lines: read once, hashed as they pass, decoded without a guess, in bounded memory."""

import codecs
import hashlib
import io
from collections.abc import Iterator
from itertools import chain

from producers.errors import InvalidImport
from producers.file_import.characters import UNDECODABLE

PREFIX_BYTES = 65_536
_HEADER_BYTES = 32
MAX_LINE_CHARACTERS = 65_536
"""No honest line is as long: its longest cells are names."""

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNDECODABLE, error.end


codecs.register_error("mark-undecodable", _mark_undecodable)


class UnknownEncoding(InvalidImport):
    """The file is not UTF-8 and has no byte-order mark: `--encoding` must name what it is."""


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


class TextLines(Iterator[tuple[int, str]]):
    """The lines of a file with their numbers, without line ends.

    Raises `UnknownEncoding` at the first byte that is not UTF-8, unless *encoding* or a byte-order mark vouches for
    what the file is. Then bytes that do not fit become `UNDECODABLE`. A line that is too long comes in parts that each
    have its number.
    """

    def __init__(self, raw: HashingReader, file_label: str, encoding: str | None) -> None:
        self._label = file_label
        buffered = io.BufferedReader(raw, PREFIX_BYTES)
        prefix = buffered.peek()
        marked = next((name for mark, name in _BOMS if prefix.startswith(mark)), None)
        self.encoding = _agreed(file_label, encoding, marked)
        self._vouched = bool(encoding or marked)
        # In any UTF-16 that has a header, half of the first bytes are zero.
        if not self._vouched and prefix[:_HEADER_BYTES].count(0) * 4 > len(prefix[:_HEADER_BYTES]):
            raise UnknownEncoding(f"{file_label}: zero bytes, as in UTF-16; name the encoding: --encoding utf-16-le")
        errors = "mark-undecodable" if self._vouched else "surrogateescape"
        self._text = io.TextIOWrapper(buffered, self.encoding, errors=errors, newline="")
        self._number = 0
        self._in_line = False

    def __next__(self) -> tuple[int, str]:
        line = self._text.readline(MAX_LINE_CHARACTERS)
        if not line:
            raise StopIteration
        if not self._in_line:
            self._number += 1
        self._in_line = line[-1] not in "\r\n"
        if not (self._vouched or line.isascii()):
            self._require_utf_8(line)
        return self._number, line.rstrip("\r\n")

    def _require_utf_8(self, line: str) -> None:
        try:
            line.encode()
        except UnicodeEncodeError as error:
            place, value = len(line[: error.start].encode()) + 1, ord(line[error.start]) - 0xDC00
        else:
            return
        raise UnknownEncoding(
            f"{self._label}, row {self._number}, byte {place} of the line: 0x{value:02X} is not UTF-8; save the file "
            "as CSV UTF-8, or name its encoding: --encoding (--preview shows five rows in the likeliest)"
        )


def _agreed(file_label: str, named: str | None, marked: str | None) -> str:
    """The encoding of a file, of which a byte-order mark and the caller may both say something."""
    if named is None:
        return marked or "utf-8"
    try:
        codec = codecs.lookup(named)
    except LookupError:
        raise InvalidImport(f"{file_label}: unknown encoding; try utf-8, cp1252, iso8859-15, mac-roman") from None
    if not codec._is_text_encoding:  # noqa: SLF001 - as `open` itself asks
        raise InvalidImport(f"{file_label}: --encoding names no encoding of text")
    if marked is None:
        return codec.name
    if codec.name.startswith(marked.removesuffix("-sig")):
        return marked
    raise InvalidImport(f"{file_label}: its byte-order mark says {marked}, --encoding says {codec.name}")


_LIKELY = ("cp1252", "iso8859-15", "mac-roman", "cp850", "cp1250", "iso8859-2", "cp1251", "cp1253", "cp1254", "cp932")
_PREVIEWS = 3
_PREVIEW_ROWS = 5


def likely_encodings(content: bytes) -> list[tuple[str, list[str]]]:
    """The likeliest encodings of *content*, each with the first five lines that look otherwise in another one.

    For a person to choose from; never for a program.
    """
    lines = [line for line in content.splitlines() if not line.isascii()]
    found: dict[tuple[str, ...], tuple[float, str]] = {}
    for rank, name in enumerate(_LIKELY):
        try:
            texts = tuple(line.decode(name) for line in lines)
        except UnicodeDecodeError:
            continue
        score = sum(map(_strangeness, chain.from_iterable(text.split() for text in texts))) + rank / 100
        if texts not in found or found[texts][0] > score:
            found[texts] = score, name
    best = sorted((score, name, texts) for texts, (score, name) in found.items())[:_PREVIEWS]
    return [(name, list(texts[:_PREVIEW_ROWS])) for _, name, texts in best]


def _strangeness(word: str) -> float:
    """How unlike a word of a name *word* is: signs, capitals after small letters, scripts that mix."""
    strange = 0.0
    for before, here, after in zip(" " + word, word, word[1:] + " ", strict=False):
        if here.isascii():
            continue
        strange += 0 if here.isalpha() else 3
        strange += 2 if here.isupper() and before.isalpha() and (before.islower() or after.islower()) else 0
        strange += 1 if ord(here) > ord("\u017f") else 0.5 if ord(here) > ord("\u00ff") else 0
    return strange
