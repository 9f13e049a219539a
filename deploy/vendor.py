"""Put the JavaScript that this repository carries where it belongs: `python -m deploy.vendor`.

Nobody needs this to build, test or run: the files are in the repository. It is for the day on which one of them is
upgraded. Each folder with a `vendor.lock.json` gets the files that the lock names, out of the npm package that it
names, once the package has the lock's checksum. Needs npm, whose own configuration says where packages come from.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
LOCK = "vendor.lock.json"
FOLDERS = ("query_api/panel/static/vendor/lit-html", "tests/browser/vendor/axe-core")


@dataclass(frozen=True, slots=True)
class Vendored:
    """A package that a folder carries. *files* are names and their SHA-256."""

    name: str
    version: str
    license: str
    integrity: str
    files: dict[str, str]


def read_lock(folder: Path) -> Vendored:
    """What *folder* says that it carries."""
    return Vendored(**json.loads((folder / LOCK).read_text(encoding="utf-8")))


def differences(folder: Path) -> list[str]:
    """In words, what in *folder* is not as its lock has it."""
    found = []
    for name, expected in read_lock(folder).files.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            found.append(f"{name} is another file")
    return found


def integrity_of(content: bytes) -> str:
    """The checksum of a package, as npm writes it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def fill(folder: Path, npm: str) -> None:
    """Write the files of *folder* from its package. Raises `ValueError` where that is not the lock's."""
    wanted = read_lock(folder)
    with tempfile.TemporaryDirectory() as directory:
        package = f"{wanted.name}@{wanted.version}"
        command = [npm, "pack", package, "--silent", "--pack-destination", directory]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        archive = next(Path(directory).glob("*.tgz"))
        if integrity_of(archive.read_bytes()) != wanted.integrity:
            raise ValueError(f"{package} is not the package that {folder / LOCK} names")
        with tarfile.open(archive) as tar:
            for name in wanted.files:
                member = tar.extractfile(f"package/{name}")
                if member is None:
                    raise ValueError(f"{package} has no file {name}")
                (folder / name).write_bytes(member.read())
    if wrong := differences(folder):
        raise ValueError(f"{folder}: {', '.join(wrong)}")


def main() -> int:
    """Fill every folder. Exit codes: 0 done, 1 a package is not what its lock says, 2 there is no npm."""
    npm = shutil.which("npm")
    if npm is None:
        print("npm is needed to fetch packages; the files in the repository are complete without it", file=sys.stderr)
        return 2
    for name in FOLDERS:
        try:
            fill(REPOSITORY / name, npm)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{name} is as its lock says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
