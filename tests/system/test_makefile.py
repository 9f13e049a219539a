"""The commands of the Makefile, as a developer meets them."""

import re
import subprocess
from pathlib import Path

from tests.interpreters import candidates, version_of


def test_make_help_lists_every_target_with_what_it_does(repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][\w-]*):(?!=)", makefile, re.MULTILINE)
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split(maxsplit=1) for line in shown.splitlines()]
    assert [name for name, _ in lines] == targets
    assert set(targets) == set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]


def test_what_an_uninstalled_python_leaves_behind_is_no_interpreter_to_test(tmp_path: Path) -> None:
    programs = tmp_path / ".pyenv/versions/3.12.1/bin"
    programs.mkdir(parents=True)
    (programs / "python3").symlink_to(tmp_path / "gone")
    (programs / "python3.12").write_text("no program", encoding="utf-8")
    found = [file for file in candidates(tmp_path) if tmp_path in file.parents]
    assert [version_of(file) for file in found] == [None, None]
