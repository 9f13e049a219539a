"""The Java programs of the stack: which files exactly, and how they get into the user's Maven cache.

A lock names every file with its size and SHA-256; `python -m deploy.local.java.lock` writes it. A file is
used only if it is exactly that one, whoever put it there, and it appears in the cache whole or not at all.
"""

import errno
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import truststore
from jgo.maven import MavenContext, PythonResolver

from deploy.local.errors import StackError

LOCK_FILE = Path(__file__).with_name("artifacts.lock")
TESTS_LOCK_FILE = Path(__file__).with_name("tests.lock")
"""What tests run beside the stack's own programs; who starts a stack does not download it."""

_THREADS = 4
_TIMEOUT_SECONDS = 30
_ATTEMPTS = 2

Download = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Called with a file's name and size; what it yields is called with each chunk's size."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a Maven repository. *classifier* is empty for a project's main file."""

    group: str
    name: str
    version: str
    classifier: str
    packaging: str
    sha256: str
    size_bytes: int

    @property
    def coordinates(self) -> str:
        """As the lock spells them: the short form wherever the file is a plain jar."""
        short = f"{self.group}:{self.name}:{self.version}"
        is_plain_jar = (self.classifier, self.packaging) == ("", "jar")
        return short if is_plain_jar else f"{short}:{self.classifier}:{self.packaging}"

    def cached_in(self, context: MavenContext) -> Path:
        """Where *context* keeps this file, whether or not it is there."""
        path = self._located(context).cached_path
        if path is None:
            raise ValueError("a Maven context without a cache")
        return Path(path)

    def download_to(self, context: MavenContext) -> Path:
        """Fetch this file into *context*'s cache."""
        return Path(self._located(context).resolve())

    def is_at(self, path: Path) -> bool:
        """Whether the file at *path* is this one."""
        if not path.is_file() or path.stat().st_size != self.size_bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256

    def _located(self, context: MavenContext) -> Any:  # noqa: ANN401 - jgo's artifact, which has no type
        component = context.project(self.group, self.name).at_version(self.version)
        return component.artifact(classifier=self.classifier, packaging=self.packaging)


def read_lock(text: str) -> list[Artifact]:
    """The artifacts of a lock file's *text*. Raises `ValueError` with the number of a line that is none."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            coordinates, sha256, size = line.split()
            group, name, version, *rest = coordinates.split(":")
            classifier, packaging = rest or ("", "jar")
            found.append(Artifact(group, name, version, classifier, packaging, sha256, int(size)))
        except ValueError as error:
            raise ValueError(f"line {number} is not `group:name:version[:classifier:packaging] sha256 size`") from error
    return found


def write_lock(artifacts: Iterable[Artifact]) -> str:
    """The text that `read_lock` reads."""
    lines = sorted(f"{artifact.coordinates} {artifact.sha256} {artifact.size_bytes}" for artifact in artifacts)
    return "\n".join(["# Written by `python -m deploy.local.java.lock`.", *lines, ""])


def fetch(artifacts: Iterable[Artifact], download: Download) -> dict[Artifact, Path]:
    """Where each of *artifacts* lies, fetched if it was not there. Every file returned was verified just now.

    Raises `StackError`; what was complete by then is kept for the next run.
    """
    cache = MavenContext()
    with ThreadPoolExecutor(_THREADS) as pool:
        paths = {artifact: artifact.cached_in(cache) for artifact in artifacts}
        present = dict(zip(paths, pool.map(Artifact.is_at, paths, paths.values()), strict=True))
        missing = [artifact for artifact, is_there in present.items() if not is_there]
        if missing:
            _require_space(cache.repo_cache, sum(artifact.size_bytes for artifact in missing))
            # The largest first: it takes as long as all the others together.
            missing.sort(key=lambda artifact: artifact.size_bytes, reverse=True)
            # As pip does: behind a proxy that signs for others, only the system's certificates know its name.
            truststore.inject_into_ssl()
            list(pool.map(lambda artifact: _bring(artifact, paths[artifact], download), missing))
    return paths


def _require_space(directory: Path, size_bytes: int) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(directory).free
    if free_bytes < size_bytes:
        needed, free = size_bytes // 1_000_000, free_bytes // 1_000_000
        raise StackError(f"the downloads need {needed} MB in {directory}, and {free} MB are free")


def _bring(artifact: Artifact, path: Path, download: Download) -> None:
    """Put *artifact* at *path*. It is downloaded beside the cache and moved: nobody ever sees a part of it."""
    for attempt in range(1, _ATTEMPTS + 1):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".incoming-", dir=path.parent) as incoming:
            resolver = PythonResolver(progress_callback=download)
            context = MavenContext(resolver=resolver, repo_cache=Path(incoming), timeout=_TIMEOUT_SECONDS)
            try:
                downloaded = artifact.download_to(context)
            except (RuntimeError, OSError) as error:  # a failed request is an OSError, an absent file a RuntimeError
                if attempt < _ATTEMPTS and not _is_final(error):
                    continue
                raise _explained(artifact, error) from error
            if artifact.is_at(downloaded):
                downloaded.replace(path)
                return
    raise StackError(
        f"{artifact.coordinates} was downloaded {_ATTEMPTS} times and is not the file that the lock names "
        "(its SHA-256 differs); it was deleted. A proxy may have answered instead of the repository."
    )


def _is_final(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.ENOSPC


def _explained(artifact: Artifact, error: Exception) -> StackError:
    if _is_final(error):
        return StackError(f"the disk is full: {artifact.coordinates} could not be written")
    if "timed out" in str(error):
        return StackError(
            f"{artifact.coordinates} was not downloaded: {_ATTEMPTS} times nothing came for {_TIMEOUT_SECONDS} s. "
            "Complete files are kept, so run it again."
        )
    if isinstance(error, OSError):
        return StackError(
            f"{artifact.coordinates} could not be downloaded ({type(error).__name__}): is there a network? "
            "A proxy is taken from HTTPS_PROXY. Complete files are kept, so run it again."
        )
    return StackError(f"{artifact.coordinates} could not be downloaded: the repository does not have it")
