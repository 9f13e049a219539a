"""Which characters a cell may hold. What nobody can see must not decide who is meant."""

import re

from producers.file_import.rows import Code, Fault

UNDECODABLE = "\udcff"
"""What stands for bytes that are no text in the file's encoding: a lone surrogate, which no text contains."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Python calls these printable, and no font shows them.
_BLANK_GLYPH = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# Persian and Indic names need the joiners (U+200C, U+200D); Japanese ones and signs need the variation selectors.
_FORBIDDEN_IN_NAMES = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff"
    "\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_LOST = "\ufffd"
_MOJIBAKE = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u02dc\u2013-\u2122]")


def is_plain(text: str) -> bool:
    """Whether *text*, a whole row of cells, is surely without fault: nearly all rows are."""
    return text.isascii() and text.isprintable()


def fault_of(text: str, *, is_name: bool, encoding: str) -> Fault | None:
    """What is wrong with the characters of a cell, if anything."""
    if is_plain(text):
        return None
    if _SURROGATE.search(text):
        return Fault(Code.UNDECODABLE, f"bytes that are not {encoding}")
    if hit := _CONTROL.search(text):
        is_break = hit[0] in "\r\n\u2028\u2029\x85"
        what = "a line break" if is_break else "a tab" if hit[0] == "\t" else "a control character"
        return Fault(Code.CONTROL_CHARACTER, f"{what} ({_name(hit[0])})")
    if _LOST in text:
        return Fault(Code.LOST_CHARACTER, "a character that was lost when the file was saved (U+FFFD)")
    if _was_decoded_wrongly(text):
        return Fault(Code.WRONG_ENCODING, "UTF-8 that a program took for Windows-1252 before it saved the file")
    return _fault_of_name(text) if is_name else _fault_of_key(text)


def _fault_of_name(text: str) -> Fault | None:
    hit = _FORBIDDEN_IN_NAMES.search(text)
    return _invisible(hit[0]) if hit else None


def _fault_of_key(text: str) -> Fault | None:
    if hit := _SPACE.search(text):
        return Fault(Code.UNUSUAL_SPACE, f"white space other than a blank ({_name(hit[0])})")
    hidden = next((character for character in text if not character.isprintable()), None)
    hit = _BLANK_GLYPH.search(text)
    hidden = hidden or (hit[0] if hit else None)
    return None if hidden is None else _invisible(hidden)


def _invisible(character: str) -> Fault:
    return Fault(Code.INVISIBLE_CHARACTER, f"an invisible character ({_name(character)}); delete it and type it anew")


def _was_decoded_wrongly(text: str) -> bool:
    """Whether *text* is what UTF-8 looks like when it is read as Windows-1252."""
    if not _MOJIBAKE.search(text):
        return False
    try:
        return len(text.encode("cp1252").decode("utf-8")) < len(text)
    except UnicodeError:
        return False


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"
