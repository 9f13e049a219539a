"""Looks for a person in files: their bytes, and what is compressed in them."""

import mmap
import os
import stat
from functools import partial
from itertools import chain
from pathlib import Path

from stream.erasure.verify.packed import CannotInspect, inside
from stream.erasure.verify.report import Trace, Wanted

_READ_WHOLE_BYTES = 64 << 20
"""Larger files are read in pieces, and mapped to look into their blocks. A mapped file that shrinks ends the process:
parts and segments never do, Kafka's indexes (10 MB each) and logs do."""


def verify_directory(directory: Path, wanted: Wanted) -> list[Trace]:
    """Look at every file below *directory*: its bytes, and the blocks of ClickHouse's parts and Kafka's segments.

    Blocks. Files and directories that vanish meanwhile are skipped: they are gone. What cannot be looked into is a
    trace of its own, without a count: nobody knows that it is clean. Links to directories are not followed.
    """
    traces: list[Trace] = []

    def not_opened(error: OSError) -> None:
        # Where the directory itself is gone, nothing was looked at.
        if not isinstance(error, FileNotFoundError) or Path(error.filename) == directory:
            traces.append(_not_looked_into(Path(error.filename).relative_to(directory), error.strerror))

    for folder, _, names in os.walk(directory, onerror=not_opened):
        for path in (Path(folder, name) for name in names):
            place = path.relative_to(directory)
            try:
                count = _verify_file(path, wanted)
            except FileNotFoundError:
                continue
            except (OSError, CannotInspect) as error:
                traces.append(_not_looked_into(place, error.strerror if isinstance(error, OSError) else str(error)))
                continue
            if count:
                reason = "bytes of a file; a part that was replaced is deleted soon after, a segment by its topic"
                traces.append(Trace(f"file:{place}", count, None, reason))
    return sorted(traces, key=lambda trace: trace.place)


def _not_looked_into(place: Path, why: str | None) -> Trace:
    return Trace(f"file:{place}", 0, None, f"not looked into: {why}")


def _verify_file(path: Path, wanted: Wanted) -> int:
    """How often one of the texts is in the file; 0 where *path* is none. Raises `OSError` or `CannotInspect`."""
    if not stat.S_ISREG(path.stat().st_mode):
        return 0
    with path.open("rb") as file:
        content = file.read(_READ_WHOLE_BYTES)
        more = iter(partial(file.read, _READ_WHOLE_BYTES), b"")
        if count := wanted.spellings.count_all(chain([content], more)):
            return count
        if file.tell() <= _READ_WHOLE_BYTES:
            return wanted.spellings.count_all(inside(path.name, content))
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return wanted.spellings.count_all(inside(path.name, mapped))
