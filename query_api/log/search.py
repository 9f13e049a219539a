"""Whom a searched text finds. Pure.

Texts are compared here and not in ClickHouse, whose query log keeps every statement with the values that were bound to
it. Two spellings of one text are equal: case folds fully (`ß` is `ss`), and `é` is `e` with an accent.
"""

from collections.abc import Iterable
from unicodedata import normalize
from uuid import UUID

from query_api.log.reader import NamedPerson


def folded(text: str) -> str:
    """The form in which texts are compared: Unicode's canonical caseless matching."""
    return normalize("NFC", normalize("NFD", text).casefold())


def found_by(search: str, persons: Iterable[NamedPerson]) -> frozenset[UUID]:
    """The refs of those of *persons* of whom a text contains *search*."""
    wanted = folded(search)
    return frozenset(person.ref for person in persons if any(wanted in folded(text) for text in person.texts))
