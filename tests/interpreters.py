"""Run unit and system tests on every Python of this machine that the project admits: `python -m tests.interpreters`.

Each gets a copy of the working tree in `.local/interpreters/`, made ready by `make bootstrap` as a newcomer's clone is.
The Python of `.venv` is left out, since `make test` runs on it. With `--oldest` it is unit tests alone, on the oldest
of these Pythons. Exit code: 0 where every one passed, else 1.
"""

import argparse
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.bootstrap import MINIMUM_PYTHON, REPOSITORY

COPIES = REPOSITORY / ".local" / "interpreters"
TESTS = ("tests/unit", "tests/system")
TESTS_OF_OLDEST = ("tests/unit",)
_AT_ONCE = 2
"""They wait as much as they compute, and print nothing before they have ended."""
_PLACES = (Path("/usr/bin"), Path("/usr/local/bin"), Path("/opt/homebrew/bin"))
_MANAGERS = (".pyenv/versions/*/bin", ".local/share/uv/python/*/bin")
# It fails where the modules that `make bootstrap` needs are missing, and so such a Python is left out.
_ASK = "import ensurepip, sys, venv; print(sys.implementation.name, '.'.join(map(str, sys.version_info[:3])))"


def candidates(home: Path) -> list[Path]:
    """The programs that may be a Python 3: those of the system and of the usual version managers."""
    places = [*_PLACES, *(place for pattern in _MANAGERS for place in sorted(home.glob(pattern)))]
    return [
        file for place in places for file in sorted(place.glob("python3*")) if file.name[6:].replace(".", "").isdigit()
    ]


def version_of(python: Path) -> str | None:
    """The version of *python*; `None` where it is no CPython that can make an environment."""
    try:
        asked = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=False)
    except OSError:  # a link to nothing, which an uninstalled Python leaves behind
        return None
    implementation, _, version = asked.stdout.strip().partition(" ")
    return version if implementation == "cpython" else None


def to_test(versions: Iterable[tuple[str | None, Path]], *, tested: str) -> dict[str, Path]:
    """One program for each version that the project admits, the oldest first, without the one already *tested*."""
    found: dict[str, Path] = {}
    for version, python in versions:
        if version is not None and version != tested and _numbers(version) >= MINIMUM_PYTHON:
            found.setdefault(version, python)
    return dict(sorted(found.items(), key=lambda entry: _numbers(entry[0])))


def main() -> int:
    """Test each, and say at the end which passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.interpreters", description="The tests on other Pythons.")
    parser.add_argument("--oldest", action="store_true", help="unit tests alone, on the oldest")
    is_oldest = parser.parse_args().oldest
    found = to_test(
        ((version_of(python), python) for python in candidates(Path.home())), tested=platform.python_version()
    )
    tests, chosen = (TESTS_OF_OLDEST, [*found][:1]) if is_oldest else (TESTS, [*found])
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        passed_on = pool.map(lambda version: _passes(version, found[version], tests), chosen)
        results = dict(zip(chosen, passed_on, strict=True))
    for version, passed in results.items():
        sys.stdout.write(f"interpreters: Python {version} {'passed' if passed else 'FAILED'}\n")
    sys.stdout.write(f"interpreters: {len(results)} beside Python {platform.python_version()} of .venv\n")
    return 0 if all(results.values()) else 1


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _passes(version: str, python: Path, tests: Sequence[str]) -> bool:
    """Whether all of *tests* pass on *python*. What the commands wrote is printed when they have ended."""
    copy = COPIES / version
    _copy_working_tree(copy)
    commands: tuple[list[str | Path], ...] = (
        ["make", "--no-print-directory", f"PYTHON={python}", "bootstrap"],
        [copy / ".venv" / "bin" / "python", "-m", "pytest", "-q", *tests],
    )
    written = [f"interpreters: {', '.join(tests)} on Python {version}, {python}\n"]
    for command in commands:
        done = subprocess.run(
            command, cwd=copy, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        written.append(done.stdout)
        if done.returncode:
            break
    sys.stdout.write("".join(written))
    sys.stdout.flush()
    return done.returncode == 0


def _copy_working_tree(copy: Path) -> None:
    """Make *copy* hold what git tracks here or would, as it is now; the environment of an earlier run stays."""
    copy.mkdir(parents=True, exist_ok=True)
    for old in copy.iterdir():
        if old.name != ".venv":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (REPOSITORY / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, copy / name)


if __name__ == "__main__":
    sys.exit(main())
