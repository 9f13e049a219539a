"""Make `.venv` hold exactly what the lock names: `python3 deploy/bootstrap.py`, which `make` runs before anything else.

It needs Python alone. A Python that is too old for the project must still be able to read it, to say so: nothing here
is newer than Python 3.6. A second run in which nothing changed does nothing. Where packages come from is the user's
own configuration of pip or uv.

Exit codes: 0 done, 1 the installation failed, 2 this Python cannot be used.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MINIMUM_PYTHON = (3, 11)
REPOSITORY = Path(__file__).resolve().parent.parent
VENV = REPOSITORY / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = "requirements/development.txt"
TOOLS = "requirements/bootstrap.txt"
"""What installs the rest: uv, and what builds the project itself. Hashed as the lock is."""
STAMP = VENV / "installed-from.sha256"
EXIT_FAILED = 1
EXIT_UNUSABLE_PYTHON = 2
EXIT_INTERRUPTED = 130


def main() -> int:
    """Check this Python, and install unless the last installation still fits."""
    problem = unusable_because(sys.version_info[:2])
    if problem:
        sys.stderr.write("bootstrap: " + problem + "\n")
        return EXIT_UNUSABLE_PYTHON
    fingerprint = fingerprint_of(REPOSITORY, sys.version)
    if installed_fingerprint() == fingerprint and PYTHON.exists():
        return 0
    try:
        install()
    except subprocess.CalledProcessError as error:
        sys.stderr.write(
            f"bootstrap: `{' '.join(error.cmd)}` failed with code {error.returncode}; its own messages stand above. "
            "Is there a network? Run it again when the cause is gone.\n"
        )
        return EXIT_FAILED
    except OSError as error:
        sys.stderr.write(f"bootstrap: .venv could not be written: {error}\n")
        return EXIT_FAILED
    # Last: a run that was interrupted before here installs again.
    STAMP.write_text(fingerprint, encoding="ascii")
    return 0


def unusable_because(version: "Sequence[int]") -> "str | None":
    """Why a Python of *version* cannot build the environment, in words; `None` where it can."""
    other = "or name another one: make PYTHON=/path/to/python3 demo"
    if tuple(version) < MINIMUM_PYTHON:
        needed, found = ".".join(map(str, MINIMUM_PYTHON)), ".".join(map(str, version))
        return f"Python {needed} or newer is needed, and {sys.executable} is {found}. Install one, {other}"
    try:
        import ensurepip  # noqa: F401, PLC0415 - some distributions leave these two out
        import venv  # noqa: F401, PLC0415
    except ImportError as error:
        return f"{sys.executable} has no module {error.name} (Debian keeps it in python3-venv). Install it, {other}"
    return None


def fingerprint_of(repository: Path, python_version: str) -> str:
    """What an installation depends on: the Python, the locked packages, the project's own metadata, this file."""
    digest = hashlib.sha256(python_version.encode())
    for name in (TOOLS, LOCK, "pyproject.toml", "deploy/bootstrap.py"):
        digest.update(hashlib.sha256((repository / name).read_bytes()).digest())
    return digest.hexdigest()


def installed_fingerprint() -> "str | None":
    """The fingerprint of the last complete installation; `None` where there is none."""
    try:
        return STAMP.read_text(encoding="ascii")
    except OSError:
        return None


def install() -> None:
    """Create the environment anew and fill it: with uv in seconds, with pip where uv does not work.

    Anew, because neither removes what has left the lock; and with it goes the stamp of the installation before.
    """
    say("installing into .venv; the first time this takes some 10 s and 1 GB")
    python = str(PYTHON)
    run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    run([*pip, "--require-hashes", "-r", TOOLS])
    # The lock is whole, and lacks on purpose what some of its packages ask for: see `tool.uv` in pyproject.toml.
    locked = ["--no-deps", "--require-hashes", "-r", LOCK]
    editable = ["--no-build-isolation", "--no-deps", "--editable", "."]
    try:
        uv = [str(VENV / "bin" / "uv"), "pip", "install", *quiet, "--python", python]
        run([*uv, *locked])
        run([*uv, *editable])
    except (subprocess.CalledProcessError, OSError):
        say("uv did not work, so pip installs; that takes about a minute")
        run([*pip, *locked])
        run([*pip, *editable])


def run(command: "list[str]") -> None:
    """Run *command* in the repository; its output is the user's to see. Raises `CalledProcessError`."""
    subprocess.run(command, cwd=str(REPOSITORY), env=installer_environment(), check=True)


def installer_environment() -> "dict[str, str]":
    """This process's environment, with what uv must be told to install as pip does."""
    environment = dict(os.environ)
    # uv does not read pip's variables, and who sets them means every installer.
    for ours, pips in (("UV_DEFAULT_INDEX", "PIP_INDEX_URL"), ("UV_INDEX", "PIP_EXTRA_INDEX_URL")):
        if pips in environment:
            environment.setdefault(ours, environment[pips])
    # As pip does: behind a proxy that signs for others, only the system's certificates know its name.
    environment.setdefault("UV_SYSTEM_CERTS", "true")
    return environment


def say(text: str) -> None:
    """One line, before what takes long."""
    sys.stdout.write(f"bootstrap: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
