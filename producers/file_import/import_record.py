"""The import's time, written down before its first event leaves, so that the same import again says the same time.

The log's lines are sorted by time and id. An import that ran again with another time would show every line twice, so
the time of the first run is part of the import's identity. Files do not carry it: a copy has another modification
time. This record does, for one machine; elsewhere the operator passes the time on (`--occurred-at`).
"""

import json
import os
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import UUID

from producers.errors import InvalidImport


def default_state_dir() -> Path:
    """Where this user's programs keep what must outlive them."""
    if home := os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA"):
        return Path(home) / "audit-produce"
    return Path.home() / ".local" / "state" / "audit-produce"


def recorded_time(state_dir: Path, import_id: UUID) -> datetime | None:
    """The time of this import's first run, or `None` if this machine has not run it."""
    try:
        text = _path(state_dir, import_id).read_text(encoding="utf-8")
        return datetime.fromisoformat(json.loads(text)["occurred_at"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidImport(f"the record of import {import_id} in the state directory cannot be read") from error


def settle_time(state_dir: Path, import_id: UUID, *, given: datetime | None, now: datetime) -> datetime:
    """The one time of this import, durable on return: the record's, else *given*, else *now*.

    Raises `InvalidImport` where *given* contradicts the record, or where no record can be written.
    """
    time = recorded_time(state_dir, import_id)
    if time is None:
        try:
            time = _write(state_dir, import_id, given or now)
        except OSError as error:
            raise InvalidImport(f"the state directory cannot be written: {error.strerror}") from error
    if given is not None and given != time:
        raise InvalidImport(f"this import ran before with the time {time.isoformat()}; another would double its lines")
    return time


def _write(state_dir: Path, import_id: UUID, time: datetime) -> datetime:
    """Write the record unless there is one by now, and return the time that it holds.

    A crash before the link leaves a stray temporary file and no record: nothing was published either. A crash after
    it leaves the whole record. Of two first runs at once, the link lets one through, and both use its time.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    path = _path(state_dir, import_id)
    descriptor, temporary = tempfile.mkstemp(dir=state_dir, prefix=f".{import_id}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"import_id": str(import_id), "occurred_at": time.isoformat()}, file)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()
    _sync_directory(state_dir)
    return recorded_time(state_dir, import_id) or time


def _sync_directory(directory: Path) -> None:
    with suppress(PermissionError):  # Windows opens no directories
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _path(state_dir: Path, import_id: UUID) -> Path:
    return state_dir / f"{import_id}.json"
