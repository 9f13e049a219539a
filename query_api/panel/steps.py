"""The panel's modules as one file for each step of loading: a browser asks for few files, and F5 shows an edit.

A step holds its module and all that this imports, unless an earlier step holds it: every module exists once. Joined
modules share one scope, so that a name stands at the top level of one module only. The vendor's modules and the texts
stay files of their own.
"""

import json
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import PurePosixPath

STEPS = ("user-management-log.js", "log.js", "rest.js", "print-sheet.js")
"""In the order in which a browser loads them."""

MAP = ".map"
VENDORED = "vendor/"

_IMPORT = re.compile(r"^(import|export) \{([^}]*)\} from '\./([^']+)';$", re.MULTILINE)
_DECLARATION = re.compile(r"^(?:export )?(?:async )?(?:const|let|class|function\*?) (\w+)", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*(?:(?!\*/).)*\*/[ \t]*)$", re.MULTILINE | re.DOTALL)
_TYPE = re.compile(r"/\*\* @type [^\n]*?\*/ ?")
_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DIGIT_BITS = 5


def modules_by_step(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """The modules of each step, each behind those that it imports: in the order in which a browser would run them."""
    seen: set[str] = set()

    def from_(name: str) -> list[str]:
        if name in seen or name.startswith(VENDORED):
            return []
        seen.add(name)
        return [one for _, _, needed in _imports_of(name, sources[name]) for one in from_(needed)] + [name]

    return {step: from_(step) for step in STEPS}


def served(sources: Mapping[str, str]) -> dict[str, str]:
    """What browsers get for *sources*, names and contents: the joined files, and the others. Errors as `joined`."""
    held = {name for names in modules_by_step(sources).values() for name in names}
    files = {name: content for name, content in sources.items() if name not in held}
    for name, content in files.items():
        if name.endswith(".js") and not name.startswith(VENDORED):
            files[name] = "\n".join(compact(content).values())
    return files | joined(sources)


def joined(sources: Mapping[str, str]) -> dict[str, str]:
    """The files of all steps, and beside each its map, which line of which module each of its lines is.

    Raises `ValueError` where two modules declare one name at their top level.
    """
    steps = modules_by_step(sources)
    _refuse_doubled((name for names in steps.values() for name in names), sources)
    step_of = {name: step for step, names in steps.items() for name in names}
    files = {}
    for step, names in steps.items():
        head = _head(step, names, sources, step_of)
        bodies = [compact(_IMPORT.sub(_empty_lines, sources[name])) for name in names]
        files[step] = "".join(f"{line}\n" for line in [*head, *(line for body in bodies for line in body.values())])
        files[f"{step}{MAP}"] = _map(len(head), dict(zip(names, bodies, strict=True)), sources)
    return files


def compact(code: str) -> dict[int, str]:
    """The lines of *code* by number, without types, indentation and what is empty or a comment: half of it.

    No template may hold a line that begins like a comment, or depend on its indentation or its empty lines.
    """
    lines = _INDENTATION.sub("", _TYPE.sub("", _COMMENT.sub(_empty_lines, code))).split("\n")
    return {number: line for number, line in enumerate(lines) if line}


def _empty_lines(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _imports_of(name: str, code: str) -> list[tuple[str, set[str], str]]:
    """Of each import or re-export: which of both it is, the names, and the module that has them."""
    folder = PurePosixPath(name).parent
    return [
        (verb, {one.strip() for one in listed.split(",")} - {""}, (folder / path).as_posix())
        for verb, listed, path in _IMPORT.findall(code)
    ]


def _refuse_doubled(names: Iterable[str], sources: Mapping[str, str]) -> None:
    declared: dict[str, str] = {}
    for name in names:
        for one in _DECLARATION.findall(sources[name]):
            if one in declared:
                raise ValueError(f"{declared[one]} and {name} both declare {one}: a browser gets them as one file")
            declared[one] = name


def _head(step: str, names: list[str], sources: Mapping[str, str], step_of: Mapping[str, str]) -> list[str]:
    """What the step's file imports of other files."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for name in names:
        for verb, listed, needed in _imports_of(name, sources[name]):
            file = step_of.get(needed, needed)
            if file != step:
                wanted.setdefault((verb, file), set()).update(listed)
    return [f"{verb} {{ {', '.join(sorted(found))} }} from './{file}';" for (verb, file), found in wanted.items()]


def _map(skipped: int, bodies: Mapping[str, Mapping[int, str]], sources: Mapping[str, str]) -> str:
    """A source map (ECMA-426) of a file that begins with *skipped* lines of its own."""
    sections = []
    for name, lines in bodies.items():
        mappings = ";".join(f"AA{_number(after - before)}A" for before, after in pairwise([0, *lines]))
        one = {"version": 3, "sources": [name], "sourcesContent": [sources[name]], "names": [], "mappings": mappings}
        sections.append({"offset": {"line": skipped, "column": 0}, "map": one})
        skipped += len(lines)
    return json.dumps({"version": 3, "sections": sections})


def _number(value: int) -> str:
    """*value*, not below zero, as source maps write numbers."""
    digits, rest = "", value << 1
    while rest >> _DIGIT_BITS:
        digits += _DIGITS[rest & 31 | 32]
        rest >>= _DIGIT_BITS
    return digits + _DIGITS[rest]
