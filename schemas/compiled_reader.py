"""An Avro decoder made for one schema: it reads a datum into a flat tuple, and takes only the canonical encoding.

Decoding bounds the worker's speed, so it is done by straight-line Python, generated from the schema when it is first
used: some 3 µs for an event, where fastavro takes 10 and a second pass to prove that the bytes were canonical
(`deploy/decisions/0004-compiled-reader.md`). fastavro stays the reference: tests hold both to the same answer on
arbitrary bytes, and it reads every version of the schema but the current one.

https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
"""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

Reader = Callable[[bytes], tuple[Any, ...]]


class NotCanonical(ValueError):
    """The bytes are not the one encoding of a datum of the schema."""


class BytesLeft(ValueError):
    """A datum ends before the bytes do."""


def compile_reader(schema_text: str, paths: Sequence[str]) -> Reader:
    """A function from a datum to the values at *paths*, in their order.

    A path leads through record fields by their names, joined by dots; through a union it leads into whichever branch
    has the field, and gives `None` where another branch was written. The path of a union of records itself gives the
    name of the branch. Logical types are not applied. The function raises `NotCanonical` or `BytesLeft` (both
    `ValueError`), and nothing else, for whatever bytes it is given.
    """
    generator = _Generator(json.loads(schema_text))
    source = generator.function(paths)
    namespace: dict[str, Any] = {"NotCanonical": NotCanonical, "BytesLeft": BytesLeft, "read_long": _read_long}
    exec(compile(source, "<compiled reader>", "exec"), namespace)  # noqa: S102 - our own text, from a schema of ours
    reader: Reader = namespace["read"]
    return reader


class _Generator:
    """Writes the function's source. `i` is the position in the datum `b`; each value has a variable of its own."""

    def __init__(self, schema: Any) -> None:  # noqa: ANN401 - a schema is any JSON
        self._schema = schema
        self._named: dict[str, Any] = {}
        self._variables: dict[str, str] = {}
        self._numbers = count()

    def function(self, paths: Sequence[str]) -> str:
        """The source of `read(b)`."""
        body = list(self._value(self._schema, ""))
        wanted = ", ".join(self._variables[path] for path in paths)
        lines = [
            "def read(b):",
            "    try:",
            "        i = 0",
            *(f"        {variable} = None" for variable in self._variables.values()),
            *(f"        {line}" for line in body),
            "    except (IndexError, KeyError, UnicodeDecodeError) as error:",
            "        raise NotCanonical from error",
            "    if i < len(b): raise BytesLeft",
            # A text or fixed value that reaches beyond the end was cut short without a word; its length tells here.
            "    if i > len(b): raise NotCanonical",
            f"    return ({wanted},)",
        ]
        return "\n".join(lines)

    def _value(self, schema: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - as above
        if isinstance(schema, list):
            yield from self._union(schema, path)
            return
        kind = schema["type"] if isinstance(schema, dict) else schema
        if kind in self._named:
            yield from self._value(self._named[kind], path)
        elif kind == "record":
            self._named[schema["name"]] = schema
            for field in schema["fields"]:
                yield from self._value(field["type"], f"{path}.{field['name']}" if path else field["name"])
        elif kind == "enum":
            codes = {2 * index: symbol for index, symbol in enumerate(schema["symbols"])}
            yield f"{self._variable(path)} = {codes!r}[b[i]]; i += 1"
        elif kind == "fixed":
            yield f"j = i + {schema['size']}; {self._variable(path)} = b[i:j]; i = j"
        else:
            yield from self._primitive(kind, self._variable(path))

    def _primitive(self, kind: str, variable: str) -> Iterator[str]:
        if kind == "string":
            # One byte holds an even number below 128 for every length up to 63; the rest takes the long way.
            yield "n = b[i]; i += 1"
            yield "if n & 0x81:"
            yield "    n, i = read_long(b, i - 1)"
            yield "    if n < 0: raise NotCanonical"
            yield "else: n >>= 1"
            yield f"j = i + n; {variable} = b[i:j].decode(); i = j"
        elif kind in {"long", "int"}:
            yield f"{variable}, i = read_long(b, i)"
            if kind == "int":
                yield f"if not -2147483648 <= {variable} <= 2147483647: raise NotCanonical"
        elif kind == "boolean":
            yield f"{variable} = {{0: False, 1: True}}[b[i]]; i += 1"
        elif kind != "null":
            raise ValueError(f"the compiled reader knows no {kind}")

    def _union(self, branches: Sequence[Any], path: str) -> Iterator[str]:
        records = all(isinstance(branch, dict) and branch["type"] == "record" for branch in branches)
        yield "n = b[i]; i += 1"
        for index, branch in enumerate(branches):
            yield f"{'if' if index == 0 else 'elif'} n == {2 * index}:"
            if records:
                yield f"    {self._variable(path)} = {branch['name']!r}"
            yield "    pass"
            for line in self._value(branch, path):
                yield f"    {line}"
        yield "else: raise NotCanonical"

    def _variable(self, path: str) -> str:
        """The variable of the value at *path*; the same one in every branch of a union."""
        return self._variables.setdefault(path, f"v{next(self._numbers)}")


_LAST_BYTE = 9
_LONG_BITS = 64


def _read_long(b: bytes, i: int) -> tuple[int, int]:
    """The zigzag number at *i*, and the position after it."""
    code = shift = 0
    start = i
    while True:
        byte = b[i]
        i += 1
        code |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says "more follows"
            break
        shift += 7
        if i - start > _LAST_BYTE:
            raise NotCanonical
    if (byte == 0 and i - start > 1) or code >> _LONG_BITS:
        raise NotCanonical
    return (code >> 1) ^ -(code & 1), i
