"""A text is found however it is spelled, wherever it lies, and nothing else is."""

import json
import unicodedata
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.erasure.verify import spellings
from stream.erasure.verify.spellings import Spellings

NAME, EMAIL = "José Müller", "ada@example.com"

SPELLED: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "in small letters": str.lower,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "in a URL": lambda text: urllib.parse.quote(text, safe=""),
    "in a query string": urllib.parse.quote_plus,
    "in a URL in a URL": lambda text: urllib.parse.quote(urllib.parse.quote(text)),
    "in a URL with small hexadecimal digits": lambda text: urllib.parse.quote(text, safe="").lower(),
    "in JSON": json.dumps,
    "in JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "in a URL in JSON in capitals": lambda text: json.dumps(urllib.parse.quote(text)).upper(),
}


@pytest.mark.parametrize("spelled", SPELLED)
@pytest.mark.parametrize("text", [NAME, EMAIL, 'O\'Neil "Ada"', "ß straße", "Ada Łovelace", "\U00010400da"])
def test_a_text_is_found_in_every_spelling(text: str, spelled: str) -> None:
    content = b"GET /v1/users?q=" + SPELLED[spelled](text).encode() + b"&x=1"
    assert Spellings([text]).count(content) == 1


@pytest.mark.parametrize("other", ["ada@example.org", "adaexample.com", "", "%", "\\u00", "%4", "%zz", "\\"])
def test_what_is_something_else_is_not_found(other: str) -> None:
    assert Spellings([EMAIL]).count(other.encode()) == 0


@given(st.text(min_size=1).filter(str.strip), st.binary(), st.binary(), st.sampled_from(list(SPELLED.values())))
def test_whatever_lies_around_a_text_does_not_hide_it(
    text: str, before: bytes, after: bytes, spell: Callable[[str], str]
) -> None:
    if spell in (str.upper, str.lower, SPELLED["in a URL in JSON in capitals"]):
        text = text.encode("ascii", "ignore").decode() or "a"
    # A sign between: what comes before may be the beginning of an escape.
    content = before + b"|" + spell(text).encode("utf-8", "replace") + b"|" + after
    assert Spellings([text]).count(content) >= 1


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_a_text_that_lies_across_pieces_is_found_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spellings, "PIECE_BYTES", size)
    content = b"x" * 50 + json.dumps(NAME).encode() + b"y" * 2000 + EMAIL.encode()
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    assert Spellings([NAME, EMAIL]).count_all(pieces) == 2
