"""The panel's modules, joined into one file for each step of loading."""

import json

import pytest

from query_api.panel.serve import static_directory
from query_api.panel.steps import STEPS, compact, joined, modules_by_step, served

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def real() -> dict[str, str]:
    paths = (path for path in static_directory().rglob("*.js"))
    return {path.relative_to(static_directory()).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def a_panel(**changed: str) -> dict[str, str]:
    sources = {
        "user-management-log.js": "import { css } from './styles/base.js';\ncss();\n",
        "styles/base.js": "export const css = () => 1;\n",
        "log.js": "//\nimport { html } from './vendor/lit.js';\nimport { a } from './a.js';\n\nexport const log = a;\n",
        "a.js": "import { b } from './b.js';\nimport { css } from './styles/base.js';\nexport const a = b + css;\n",
        "b.js": "/**\n * b\n */\nexport const b = 1;\n\n/** c */\nexport async function c() {}\n",
        "rest.js": "import { c } from './b.js';\nexport { late } from './late.js';\nc();\n",
        "late.js": "export function late() {\n  return 2;\n}\n",
        "print-sheet.js": "export const sheet = 1;\n",
        "locales/en.js": "// Texts.\nexport default {};\n",
        "vendor/lit.js": "// kept\n",
    }
    return sources | {name.replace("_", "."): code for name, code in changed.items()}


def test_each_module_stands_once_behind_those_that_it_imports() -> None:
    files = joined(a_panel())
    assert files["user-management-log.js"] == "export const css = () => 1;\ncss();\n"
    assert files["log.js"].splitlines() == [
        "import { css } from './user-management-log.js';",
        "import { html } from './vendor/lit.js';",
        "export const b = 1;",
        "export async function c() {}",
        "export const a = b + css;",
        "export const log = a;",
    ]
    late = "import { c } from './log.js';\nexport function late() {\nreturn 2;\n}\nc();\n"
    assert files["rest.js"] == late


def test_what_is_no_step_keeps_its_file_and_what_is_part_of_one_has_none() -> None:
    files = served(a_panel())
    assert set(files) == {"locales/en.js", "vendor/lit.js", *STEPS, *(f"{step}.map" for step in STEPS)}
    assert files["locales/en.js"] == "export default {};"
    assert files["vendor/lit.js"] == "// kept\n"


def test_a_name_that_two_modules_declare_is_an_error_that_tells_it_and_both() -> None:
    with pytest.raises(ValueError, match=r"b\.js and late\.js both declare c: "):
        joined(a_panel(late_js="export const late = 1;\nconst c = 2;\n"))


def test_every_module_of_the_panel_is_part_of_one_step_and_nothing_else_is_imported() -> None:
    sources = real()
    held = [module for modules in modules_by_step(sources).values() for module in modules]
    apart = {name for name in sources if name.startswith(("vendor/", "locales/"))}
    assert sorted([*held, *apart]) == sorted(sources)
    for step in STEPS:
        lines = joined(sources)[step].splitlines()
        head = [line for line in lines if line.startswith("import ") or " from '" in line]
        assert head == lines[: len(head)]
        files = {line.split("'./")[1].rstrip("';") for line in head}
        assert files <= {"vendor/lit-html/lit-html.js", *STEPS[: STEPS.index(step)]}


def test_a_map_names_the_line_of_the_module_for_each_line_of_its_file() -> None:
    sources = real()
    files = joined(sources)
    for step, modules in modules_by_step(sources).items():
        lines, mapped = files[step].splitlines(), {}
        for section in json.loads(files[f"{step}.map"])["sections"]:
            (module,), place = section["map"]["sources"], 0
            for count, segment in enumerate(section["map"]["mappings"].split(";")):
                place += delta(segment)
                mapped[section["offset"]["line"] + count] = (module, place)
        assert list(mapped) == list(range(min(mapped), len(lines)))
        assert list(dict.fromkeys(module for module, _ in mapped.values())) == [
            name for name in modules if name in modules
        ]
        for line, (module, place) in mapped.items():
            original = sources[module].split("\n")[place]
            assert lines[line] in original or "/** @type" in original


def delta(segment: str) -> int:
    """By how many lines a segment goes on; it begins a line, and stays in its source."""
    assert segment[:2] + segment[-1] == "AAA"
    digits = [BASE64.index(digit) for digit in segment[2:-1]]
    assert [digit & 32 for digit in digits] == [32] * (len(digits) - 1) + [0]
    return sum((digit & 31) << 5 * place for place, digit in enumerate(digits)) >> 1


def test_types_indentation_empty_lines_and_comments_with_lines_to_themselves_go() -> None:
    code = "// a\nconst x = 1; // b\n/** c\n * d\n */\n\nconst y = `http://e`; /* f */\n  /* g */ call();\n"
    assert compact(code) == {1: "const x = 1; // b", 6: "const y = `http://e`; /* f */", 7: "/* g */ call();"}
    assert compact("/* a */ call();\nconst x = 1; /* b */\n") == {0: "/* a */ call();", 1: "const x = 1; /* b */"}
    assert compact("  const z = (/** @type {Map<string, X>} */ m) => m;\n") == {0: "const z = (m) => m;"}
