"""Whom a searched text finds. Pure.

Texts are compared here and not in ClickHouse, whose query log keeps every statement with the values that were bound to
it. Two spellings of one text are equal: case folds fully (`ß` is `ss`), and `é` is `e` with an accent.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple
from unicodedata import normalize
from uuid import UUID

SEPARATOR = "\0"
_REF_LENGTH = 36


def folded(text: str) -> str:
    """The form in which texts are compared: Unicode's canonical caseless matching."""
    # Most names need no table of Unicode, and there may be hundreds of thousands.
    return text.lower() if text.isascii() else normalize("NFC", normalize("NFD", text).casefold())


class Found(NamedTuple):
    """The refs of the persons whom a text finds. Of *best*, each word of it begins a word."""

    best: frozenset[UUID]
    others: frozenset[UUID]


def found_by(search: str, persons: Iterable[str]) -> Found:
    """Those of *persons* (`LogReader.named_persons`) whose texts contain each word of *search*, in any order."""
    words = folded(search).split()
    if any(SEPARATOR in word for word in words):
        return Found(frozenset(), frozenset())
    beginnings = [re.compile(rf"\b{re.escape(word)}") for word in words]
    best, found = set[str](), set[str]()
    for person in persons:
        texts = folded(person[_REF_LENGTH:])
        if all(word in texts for word in words):
            found.add(person[:_REF_LENGTH])
            if all(beginning.search(texts) for beginning in beginnings):
                best.add(person[:_REF_LENGTH])
    return Found(frozenset(map(UUID, best)), frozenset(map(UUID, found - best)))
