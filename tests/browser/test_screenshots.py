"""`make screenshots`, which runs `python -m tests.browser.screenshots`, takes the pictures that the pages show."""

import re
import subprocess
import sys
from pathlib import Path

from tests.browser.screenshots import FOLDER, SHOTS

MAX_BYTES = 75_000


def test_the_command_takes_every_picture(tmp_path: Path, repository: Path) -> None:
    assert "$(BIN)/python -m tests.browser.screenshots" in (repository / "Makefile").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "tests.browser.screenshots", "--to", str(tmp_path)]
    completed = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    taken = {path.stem: path.read_bytes() for path in tmp_path.iterdir()}
    assert taken.keys() == SHOTS.keys()
    assert all(content[:4] == b"RIFF" and content[8:12] == b"WEBP" for content in taken.values())
    assert {name for name, content in taken.items() if len(content) > MAX_BYTES} == set()


def test_the_pages_show_the_pictures_that_there_are(repository: Path) -> None:
    page = (repository / "query_api" / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"screenshots/([\w-]+)\.webp\)", page))
    assert shown == SHOTS.keys() == {path.stem for path in FOLDER.iterdir()}
    assert {path.name for path in FOLDER.iterdir() if path.stat().st_size > MAX_BYTES} == set()
