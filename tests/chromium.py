"""The browser that the tests of the panel drive: one that is here, or Debian's, installed."""

import os
import shutil
import subprocess
from pathlib import Path

from deploy.local.errors import StackError

VARIABLE = "CHROMIUM"
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The first draws no window that nobody sees: the same tests take it two thirds of the time of the others."""
ARGUMENTS = (
    "--no-sandbox",  # as root, and in containers without user namespaces, there is none to have
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_DEBIAN = Path("/etc/debian_version")
_PACKAGE = "chromium-headless-shell"
_INSTALL_SECONDS = 600


class NoBrowser(StackError):
    """There is no Chromium, and none could be installed. The text says what to do."""


def find_browser() -> Path | None:
    """The Chromium of this machine, or `None`. Raises `NoBrowser` where `CHROMIUM` names no program."""
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise NoBrowser(f"{VARIABLE} is {named}, and no program is there")
        return Path(found)
    return next((Path(found) for name in NAMES if (found := shutil.which(name))), None)


def ensure_browser() -> Path:
    """The Chromium of this machine, installed where it was missing and can be. Raises `NoBrowser`."""
    return find_browser() or _install()


def _install() -> Path:
    advice = f"Install Chromium (Debian: apt-get install {_PACKAGE}), or name one: {VARIABLE}=/path/to/chromium"
    if os.geteuid() != 0 or not _DEBIAN.exists() or shutil.which("apt-get") is None:
        raise NoBrowser(f"the panel's tests need Chromium. {advice}")
    try:
        _apt("update", "-qq")
        _apt("install", "-y", "--no-install-recommends", _PACKAGE, "fonts-dejavu-core")
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise NoBrowser(f"Debian's Chromium could not be installed: is there a network? {advice}") from error
    installed = find_browser()
    if installed is None:
        raise NoBrowser(f"Debian's package installed no program of a known name. {advice}")
    return installed


def _apt(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", *arguments]
    subprocess.run(command, check=True, env=environment, timeout=_INSTALL_SECONDS, stdout=subprocess.DEVNULL)
