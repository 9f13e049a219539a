"""The spellings in which an id or a name may lie in a log, a table, a record or a file. Pure.

A text is found in any case, in both Unicode forms (NFC, NFD), percent- or plus-encoded as in a URL, and escaped as in
JSON, also if it was encoded or escaped several times over.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

PIECE_BYTES = 4 << 20
_LONGEST_SPELLING = 48
"""Bytes that one UTF-8 byte of a text takes at most: `%252525C3`, or `u00e9` behind many backslashes."""

_PERCENT = re.compile(rb"%(?:25)*([0-9A-Fa-f]{2})")
_JSON = re.compile(rb"\\\\*u[0-9A-Fa-f]{4}(?:\\+u[0-9A-Fa-f]{4})*")
_ESCAPED = str.maketrans("\b\f\n\r\t", "bfnrt")
"""JSON's short escapes, whose backslash is left out of what is searched."""
_UNIT = re.compile(rb"u([0-9A-Fa-f]{4})")
_PLAIN = bytes.maketrans(bytes(range(ord("A"), ord("Z") + 1)) + b"+", bytes(range(ord("a"), ord("z") + 1)) + b" ")


class Spellings:
    """Finds *texts* in bytes, in every spelling. At least one is given, and none is empty."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._forms = sorted({form for text in texts for form in _forms(text)})
        self._overlap_bytes = max(map(len, self._forms)) * _LONGEST_SPELLING

    def count(self, content: bytes) -> int:
        """How often one of the texts is in *content*."""
        plain = _plain(content)
        return sum(plain.count(form) for form in self._forms)

    def count_all(self, pieces: Iterable[bytes]) -> int:
        """How often one of the texts is in *pieces*, which lie one behind the other: a text may lie across several."""
        count, tail = 0, b""
        for piece in _of_some_size(pieces):
            content = tail + piece
            # What lies in the tail alone was counted with the piece before.
            count += self.count(content) - (self.count(tail) if tail else 0)
            tail = content[-self._overlap_bytes :]
        return count


def _of_some_size(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """*pieces*, the small ones together and the large ones apart."""
    waiting = bytearray()
    for piece in pieces:
        for start in range(0, len(piece), PIECE_BYTES):
            waiting += piece[start : start + PIECE_BYTES]
            if len(waiting) >= PIECE_BYTES:
                yield bytes(waiting)
                waiting.clear()
    if waiting:
        yield bytes(waiting)


def _forms(text: str) -> Iterator[bytes]:
    """*text* as `_plain` leaves it, whatever its case and Unicode form were."""
    for case in (text, text.lower(), text.upper(), text.casefold(), text.title()):
        for spelled in (case, unicodedata.normalize("NFC", case), unicodedata.normalize("NFD", case)):
            for form in (spelled, spelled.translate(_ESCAPED)):
                yield form.encode("utf-8", "surrogatepass").translate(_PLAIN, b"\\")


def _plain(content: bytes) -> bytes:
    """*content* with URL and JSON escapes resolved, ASCII letters lowered, `+` as a blank, and without backslashes."""
    if b"%" in content:
        content = _PERCENT.sub(lambda found: bytes.fromhex(found[1].decode()), content)
    if b"\\" in content:
        content = _JSON.sub(_unescaped, content)
    return content.translate(_PLAIN, b"\\")


def _unescaped(found: re.Match[bytes]) -> bytes:
    units = b"".join(bytes.fromhex(unit.decode()) for unit in _UNIT.findall(found[0]))
    return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")
