"""Which Pythons of a machine the suite runs on, and that nothing here needs a later patch release than they are."""

import ast
from pathlib import Path

import pytest

from tests.interpreters import candidates, to_test

LATER_IN_3_11 = {
    "tarfile": {"data_filter", "tar_filter", "fully_trusted_filter", "FilterError", "LinkFallbackError"},
    "xml.parsers.expat": {"SetReparseDeferralEnabled", "GetReparseDeferralEnabled"},
    "os.path": {"ALLOW_MISSING"},
}
"""Names that came with a patch release of Python 3.11, by module. mypy knows minor releases alone."""
LATER_ARGUMENTS = {
    ("extractall", "filter"),
    ("extract", "filter"),
    ("unpack_archive", "filter"),
    ("getaddresses", "strict"),
}
LATER_ARGUMENTS |= {("parseaddr", "strict")}
"""Arguments that came with one, by function."""
FOLDERS = ("deploy", "producers", "query_api", "schemas", "stream", "tests")


def later(source: str) -> list[str]:
    """The names and arguments in *source* that Python 3.11.0 lacks."""
    names = set().union(*LATER_IN_3_11.values())
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name) if name in names:
                found.append(name)
            case ast.ImportFrom(module=module, names=imported):
                found += [alias.name for alias in imported if alias.name in LATER_IN_3_11.get(module or "", ())]
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), keywords=keywords):
                found += [f"{name}({k.arg}=…)" for k in keywords if (name, k.arg) in LATER_ARGUMENTS]
    return found


def test_nothing_needs_a_later_patch_release_than_the_first_that_the_project_admits(repository: Path) -> None:
    files = [file for folder in FOLDERS for file in (repository / folder).rglob("*.py")]
    assert {str(file): found for file in files if (found := later(file.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "tar.extractall(path, filter='data')",
        "from tarfile import data_filter",
        "tarfile.data_filter",
        "parseaddr(x, strict=True)",
    ],
)
def test_what_came_with_a_patch_release_is_seen(source: str) -> None:
    assert len(later(source)) == 1


def test_each_admitted_version_is_tested_once_the_oldest_first_and_without_that_of_the_environment() -> None:
    seen = [
        ("3.13.0", Path("a")),
        ("3.11.2", Path("b")),
        (None, Path("c")),
        ("3.11.2", Path("d")),
        ("3.10.13", Path("e")),
    ]
    found = to_test([*seen, ("3.11.7", Path("f")), ("3.9.18", Path("g"))], tested="3.11.7")
    assert list(found.items()) == [("3.11.2", Path("b")), ("3.13.0", Path("a"))]


def test_the_pythons_of_a_version_manager_are_found_and_their_tools_are_not(tmp_path: Path) -> None:
    programs = tmp_path / ".pyenv/versions/3.12.1/bin"
    programs.mkdir(parents=True)
    for name in ("python3.12", "python3.12-config", "python3"):
        (programs / name).touch()
    found = [file.name for file in candidates(tmp_path) if tmp_path in file.parents]
    assert found == ["python3", "python3.12"]
