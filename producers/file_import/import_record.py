"""What this machine knows of the imports that it ran: when, how far, and what they published.

The log's lines are sorted by time and id. An import that ran again with another time would show every line twice, so
its time is part of its identity. Files do not carry it: a copy has another modification time. These records do, for
one machine; elsewhere the operator passes the time on (`--occurred-at`). They hold no personal data: what must be
compared with later runs is hashed with a salt.
"""

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from producers.errors import InvalidImport


def default_state_dir() -> Path:
    """Where this user's programs keep what must outlive them."""
    if home := os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA"):
        return Path(home) / "audit-produce"
    return Path.home() / ".local" / "state" / "audit-produce"


@dataclass(frozen=True, slots=True)
class Act:
    """One import of some files. The same files may be imported again, if the change took place again.

    *acknowledged* of its *events* are surely in Kafka; *is_done* says that all are. *options* holds a salted digest of
    each option that shapes the events.
    """

    number: int
    occurred_at: datetime
    events: int
    digest: str
    salt: str
    options: Mapping[str, str]
    acknowledged: int = 0
    is_done: bool = False

    def says(self, digest: bytes) -> bool:
        """Whether its events were the ones of *digest*."""
        return self.digest == _salted(self.salt, digest.hex())

    def other_options(self, options: Mapping[str, str]) -> list[str]:
        """The names of the options that were given otherwise."""
        names = sorted({*options, *self.options})
        salted = {name: _salted(self.salt, value) for name, value in options.items()}
        return [name for name in names if salted.get(name) != self.options.get(name)]


def new_act(number: int, occurred_at: datetime, events: int, digest: bytes, options: Mapping[str, str]) -> Act:
    """An act that begins."""
    salt = secrets.token_hex(16)
    salted = {name: _salted(salt, value) for name, value in options.items()}
    return Act(number, occurred_at, events, _salted(salt, digest.hex()), salt, salted)


class ImportRecords:
    """The records of all imports of some files into a client space, in a directory."""

    def __init__(self, state_dir: Path, files_id: UUID) -> None:
        self._directory = state_dir
        self._files_id = files_id

    def last(self) -> Act | None:
        """The latest act. Raises `InvalidImport` where its record cannot be read."""
        numbers = [int(path.suffixes[-2][1:]) for path in self._directory.glob(f"{self._files_id}.*.json")]
        return self._read(max(numbers)) if numbers else None

    def begin(self, act: Act) -> Act:
        """Make *act* durable, and return what is recorded: of two first runs at once both get the same act.

        A crash before the link leaves a stray temporary file and no record: nothing was published either. A crash
        after it leaves the whole record.
        """
        temporary = self._write(act)
        try:
            with suppress(FileExistsError):
                os.link(temporary, self._path(act.number))
        finally:
            temporary.unlink()
        _sync_directory(self._directory)
        return self._read(act.number)

    def note(self, act: Act, acknowledged: int, *, is_done: bool) -> None:
        """Record how far *act* is. After a crash an older note will do: events published twice are one line."""
        self._write(replace(act, acknowledged=acknowledged, is_done=is_done)).replace(self._path(act.number))
        _sync_directory(self._directory)

    def _write(self, act: Act) -> Path:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self._directory, prefix=f".{self._files_id}.")
        except OSError as error:
            raise InvalidImport(f"the state directory cannot be written: {error.strerror}") from error
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({**asdict(act), "occurred_at": act.occurred_at.isoformat()}, file)
            file.flush()
            os.fsync(file.fileno())
        return Path(temporary)

    def _read(self, number: int) -> Act:
        try:
            values = json.loads(self._path(number).read_text(encoding="utf-8"))
            return Act(**{**values, "occurred_at": datetime.fromisoformat(values["occurred_at"])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidImport(
                f"the record {self._path(number).name} in the state directory cannot be read"
            ) from error

    def _path(self, number: int) -> Path:
        return self._directory / f"{self._files_id}.{number}.json"


def _salted(salt: str, text: str) -> str:
    return hashlib.sha256(f"{salt}/{text}".encode()).hexdigest()


def _sync_directory(directory: Path) -> None:
    with suppress(PermissionError):  # Windows opens no directories
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
