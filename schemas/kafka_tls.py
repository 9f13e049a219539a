"""TLS to Kafka by what the files hold when a connection begins: a renewed certificate needs no restart."""

import logging
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

_log = logging.getLogger(__name__)

_Stamp = tuple[int, int, int]


class FollowingContext(ssl.SSLContext):
    """How brokers are verified, and what they are shown; every new connection uses the files as they are then.

    Files that cannot be used, since one was renewed and the other not yet, leave the last usable ones in force; the
    log says so. Raises `OSError` where the first ones cannot be used.
    """

    def __new__(cls, *_files: Path | None) -> Self:
        """An empty context, whose connections are those of another one."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, ca_file: Path | None, certificate_file: Path | None, key_file: Path | None) -> None:
        self._files = ca_file, certificate_file, key_file
        self._stamps = self._stamped()
        self._usable = self._read()

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:  # noqa: ANN401 - as the base class has it
        """Begin a connection, as asyncio and uvloop do."""
        if (stamps := self._stamped()) != self._stamps:
            try:
                self._usable = self._read()
            except OSError:
                _log.warning("a file of TLS to Kafka has changed and cannot be used; the earlier content is")
            else:
                self._stamps = stamps
        return self._usable.wrap_bio(*args, **options)

    def _read(self) -> ssl.SSLContext:
        ca_file, certificate_file, key_file = self._files
        context = ssl.create_default_context(cafile=ca_file)
        if certificate_file is not None:
            # An encrypted key would make OpenSSL ask for its password on the terminal; no password fits an empty one.
            context.load_cert_chain(certificate_file, key_file, password="")
        return context

    def _stamped(self) -> list[_Stamp | None]:
        """What tells that a file was written anew, or exchanged for another one."""
        return list(_stamps(file for file in self._files if file is not None))


def _stamps(files: Iterator[Path]) -> Iterator[_Stamp | None]:
    for file in files:
        try:
            found = file.stat()
        except OSError:
            yield None
        else:
            yield found.st_mtime_ns, found.st_size, found.st_ino
