"""The small wheel as an upstream service has it: built, and installed into an environment of its own."""

import os
import subprocess
import sys
from pathlib import Path

from deploy.local.layout import REPOSITORY

LOWEST = REPOSITORY / "requirements" / "upstream-lowest.txt"
"""The lowest versions that the wheel's ranges admit."""


def build_wheel(folder: Path) -> Path:
    """The wheel of `producers/`, in *folder*. Reads no network."""
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], REPOSITORY / "producers")
    (wheel,) = folder.glob("*.whl")
    return wheel


def environment_with(wheel: Path, folder: Path) -> Path:
    """The Python of a new environment in *folder* that holds *wheel* and the lowest versions it admits."""
    python = folder / "bin" / "python"
    uv = str(Path(sys.executable).with_name("uv"))
    run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], folder.parent)
    install = [uv, "pip", "install", "--quiet", "--python", str(python), "--no-deps"]
    run([*install, "--require-hashes", "-r", str(LOWEST)], folder.parent)
    run([*install, str(wheel)], folder.parent)
    return python


def run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    """What *command* prints; fails the test where it fails."""
    given = {"UV_SYSTEM_CERTS": "true", **os.environ, **(environment or {})}
    done = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
