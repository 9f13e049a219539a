"""Whom a searched text finds. Pure.

Texts are compared here and not in ClickHouse, whose query log keeps every statement with the values that were bound to
it. Two spellings of one text are equal: case folds fully (`ß` is `ss`), and `é` is `e` with an accent.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple
from unicodedata import normalize
from uuid import UUID

from query_api.log.reader import NamedPerson


def folded(text: str) -> str:
    """The form in which texts are compared: Unicode's canonical caseless matching."""
    return normalize("NFC", normalize("NFD", text).casefold())


class Found(NamedTuple):
    """The refs of the persons whom a text finds. Of *best*, each word of it begins a word."""

    best: frozenset[UUID]
    others: frozenset[UUID]


def found_by(search: str, persons: Iterable[NamedPerson]) -> Found:
    """Those of *persons* whose texts contain each word of *search*, in any order."""
    words = folded(search).split()
    beginnings = [re.compile(rf"\b{re.escape(word)}") for word in words]
    best, found = set[UUID](), set[UUID]()
    for person in persons:
        texts = " ".join(map(folded, person.texts))
        if all(word in texts for word in words):
            found.add(person.ref)
            if all(beginning.search(texts) for beginning in beginnings):
                best.add(person.ref)
    return Found(frozenset(best), frozenset(found - best))
