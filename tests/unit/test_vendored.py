"""The JavaScript that this repository carries is what its lock names."""

import hashlib
import json
from pathlib import Path

import pytest

LOCK = "vendor.lock.json"


@pytest.mark.parametrize("folder", ["query_api/panel/static/vendor/lit-html", "tests/browser/vendor/axe-core"])
def test_vendored_files_are_those_of_their_lock(repository: Path, folder: str) -> None:
    directory = repository / folder
    locked = json.loads((directory / LOCK).read_text(encoding="utf-8"))["files"]
    kept = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir() if path.name != LOCK
    }
    assert kept == locked
    assert "LICENSE" in kept
