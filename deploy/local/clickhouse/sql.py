"""As much of ClickHouse's SQL as a server must read before the engine does: where a statement ends and its data begins.

Pure text in, values out. Text in quotes and comments is never taken for SQL; everything else is the engine's to judge.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"""
    (?P<space> \s+ )
  | (?P<comment> --[^\n]* | \#[!\ ][^\n]* | /\*.*?(?:\*/|\Z) )
  | (?P<quoted> '[^'\\]*(?:(?:\\.|'')[^'\\]*)*' | "[^"\\]*(?:(?:\\.|"")[^"\\]*)*" | `[^`\\]*(?:(?:\\.|``)[^`\\]*)*` )
  | (?P<word> [A-Za-z_]\w* )
  | (?P<other> . )
    """,
    re.DOTALL | re.VERBOSE,
)
_FORMAT_NAME = re.compile(rb"\s+(\w+)[ \t\f]*\r?\n?")
"""A format's name and what separates it from the rows: one line break at most, for the rows may begin with another."""

_BEFORE_NAMES = (b"INTO", b"TABLE", b".")
"""Behind these a word is a table's name, even where it reads FORMAT or VALUES."""

_OPENING, _CLOSING = (b"(", b"[", b"{"), (b")", b"]", b"}")


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT with data: *statement* without its format, and the rows as bytes in *data_format*."""

    statement: str
    data_format: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement without data. *output_format* is the one that it names itself, if it does."""

    text: str
    first_words: tuple[str, ...]
    output_format: str | None


class Unreadable(ValueError):
    """The text can be no statement that ClickHouse takes over HTTP. The message is for the client."""


class NotServed(ValueError):
    """ClickHouse knows the statement, but does not take it over HTTP. The message is for the client."""


def read(text: bytes) -> Insert | Statement:
    """What *text* is. Raises `Unreadable` or `NotServed`.

    *text* is one statement, with the rows behind it where it is an INSERT. Only its SQL must be UTF-8.
    """
    words: list[str] = []
    output_format: str | None = None
    previous = b""
    for token in _outer_tokens(text):
        upper = token.text.upper()
        if upper == b";":
            _require_end(text, token.end)
            text = text[: token.start]
            break
        if previous == b"FORMAT" and token.is_word:
            output_format = token.text.decode()
        elif "SETTINGS" not in words and upper != b"SETTINGS":
            output_format = None
        if token.is_word:
            _refuse_files(previous, upper)
            if previous not in _BEFORE_NAMES:
                words.append(upper.decode())
                if words[0] == "INSERT" and (found := _insert_at(text, token, reads_rows="SELECT" not in words)):
                    return found
        previous = upper
    if not text.strip():
        raise Unreadable("Empty query")
    return Statement(_decoded(text), tuple(words[:2]), output_format)


@dataclass(frozen=True, slots=True)
class _Token:
    text: bytes
    start: int
    end: int
    is_word: bool


def _outer_tokens(text: bytes) -> Iterator[_Token]:
    """The tokens outside every bracket, without white space and comments."""
    depth = 0
    for match in _TOKEN.finditer(text):
        if match.lastgroup in ("space", "comment"):
            continue
        token = match[0]
        if token in _CLOSING:
            depth -= 1
        if depth <= 0:
            yield _Token(token, match.start(), match.end(), match.lastgroup == "word")
        if token in _OPENING:
            depth += 1


def _insert_at(text: bytes, token: _Token, *, reads_rows: bool) -> Insert | None:
    """The INSERT whose rows begin behind *token*; `None` where they do not.

    An INSERT … SELECT names a format for its answer, unless rows follow: then it reads them through `input()`.
    """
    keyword = token.text.upper()
    if keyword == b"VALUES":
        return Insert(_decoded(text[: token.start]), "Values", text[token.end :])
    if keyword == b"FORMAT" and (named := _FORMAT_NAME.match(text, token.end)):
        data = text[named.end() :]
        if reads_rows or data.strip():
            return Insert(_decoded(text[: token.start]), named[1].decode(), data)
    return None


def _refuse_files(previous: bytes, upper: bytes) -> None:
    if (previous, upper) in ((b"INTO", b"OUTFILE"), (b"FROM", b"INFILE")):
        raise NotServed(f"{previous.decode()} {upper.decode()} is for local clients and not available over HTTP")


def _require_end(text: bytes, position: int) -> None:
    if any(token.text != b";" for token in _outer_tokens(text[position:])):
        raise Unreadable("Multi-statements are not allowed")


def _decoded(sql: bytes) -> str:
    try:
        return sql.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("the statement is not UTF-8") from error
