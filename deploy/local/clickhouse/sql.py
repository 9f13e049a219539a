"""Where the rows of an INSERT begin, and what this server refuses. All other SQL is the engine's to judge."""

import re
from dataclasses import dataclass

_INSERT = re.compile(rb"\s*(INSERT\s+INTO\s.*?)\bFORMAT\s+(\w+)[ \t]*\r?\n", re.DOTALL | re.IGNORECASE)
"""An INSERT whose rows follow behind a line break: the form in which clients send them."""
_FIRST_WORD = re.compile(r"\s*(\w*)")
_QUOTED = re.compile(
    r"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"|`[^`\\]*(?:\\.[^`\\]*)*`|--[^\n]*|/\*.*?\*/""", re.DOTALL
)
"""Quoted text and comments, which are no SQL. Written so that a run of plain characters is one step: the worker quotes
the ids of a whole batch, and character by character they would take longer here than in the engine."""
_NOT_SERVED = (
    (re.compile(r"\s*(?:SET|USE|CREATE\s+TEMPORARY)\s", re.IGNORECASE), "a session that outlives its request"),
    (re.compile(r".*\b(?:INTO\s+OUTFILE|FROM\s+INFILE)\b", re.DOTALL | re.IGNORECASE), "a file of the server"),
    (re.compile(r".*;\s*[^\s;]", re.DOTALL), "more than one statement"),
    (re.compile(r"\s*\Z"), "an empty statement"),
)
"""What a statement looks like that this server refuses, and what the client then asks for."""


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT with data: *statement* without its format, and the rows as bytes in *data_format*."""

    statement: str
    data_format: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement without data. *first_word* is in capitals, and empty where a comment stands first."""

    text: str
    first_word: str


class NotServed(ValueError):
    """The statement is none that this server takes. The message is for the client."""


def read(text: bytes) -> Insert | Statement:
    """What *text*, one statement with the rows behind it, is. Raises `NotServed`. Only its SQL must be UTF-8."""
    insert = _INSERT.match(text)
    if insert is not None:
        return Insert(_served(insert[1]), insert[2].decode(), text[insert.end() :])
    sql = _served(text)
    word = _FIRST_WORD.match(sql)
    return Statement(sql, word[1].upper() if word else "")


def _served(sql: bytes) -> str:
    try:
        text = sql.decode()
    except UnicodeDecodeError as error:
        raise NotServed("only an INSERT's rows may be other than UTF-8, behind FORMAT and a line break") from error
    bare = _QUOTED.sub("''", text)
    for pattern, what in _NOT_SERVED:
        if pattern.match(bare):
            raise NotServed(f"{what} is not served")
    return text
