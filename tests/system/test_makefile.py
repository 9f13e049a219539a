"""The commands of the Makefile, as a developer meets them."""

import re
import subprocess
from pathlib import Path


def test_make_help_lists_every_target_with_what_it_does(repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][\w-]*):(?!=)", makefile, re.MULTILINE)
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split(maxsplit=1) for line in shown.splitlines()]
    assert [name for name, _ in lines] == targets
    assert set(targets) == set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]
