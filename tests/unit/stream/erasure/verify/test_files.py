"""Files are searched as they lie on the disk, and what cannot be searched is never called clean."""

import bz2
import errno
import gzip
import lzma
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cramjam
import pytest

from stream.erasure.verify.files import verify_directory
from stream.erasure.verify.report import Wanted
from tests.builders import a_uuid


def test_raw_bytes_of_an_id_or_a_name_are_found_in_files_and_not_printed(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "data.bin").write_bytes(b"\0\1Ada Lovelace\xff ada@example.com Ada Lovelace")
    (tmp_path / "other").write_bytes(b"nobody")
    (tmp_path / "empty").touch()
    wanted = Wanted("acme", a_uuid(1), ("ada@example.com", "Ada Lovelace"))
    (trace,) = verify_directory(tmp_path, wanted)
    assert (trace.place, trace.count) == ("file:part/data.bin", 3)


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[Path], None]], None]:
    """Do something each time that a directory of a name is about to be read."""
    scan = os.scandir

    def before(name: str, act: Callable[[Path], None]) -> None:
        def acting(path: Any) -> Any:
            if not isinstance(path, int) and Path(path).name == name:
                act(Path(path))
            return scan(path)

        monkeypatch.setattr(os, "scandir", acting)

    return before


def test_a_directory_that_vanishes_while_others_are_looked_at_is_skipped(
    tmp_path: Path, scanned: Callable[[str, Callable[[Path], None]], None]
) -> None:
    for name in ("all_1_1_0", "all_2_2_0"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.bin").write_bytes(b"Ada Lovelace")
    scanned("all_1_1_0", shutil.rmtree)
    (trace,) = verify_directory(tmp_path, Wanted("acme", a_uuid(1), ("Ada Lovelace",)))
    assert (trace.place, trace.count) == ("file:all_2_2_0/data.bin", 1)


def test_a_directory_that_may_not_be_read_is_not_taken_for_clean(
    tmp_path: Path, scanned: Callable[[str, Callable[[Path], None]], None]
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    (tmp_path / "logs" / "private").mkdir(parents=True)
    scanned("private", refuse)
    (trace,) = verify_directory(tmp_path, Wanted("acme", a_uuid(1), ("Ada Lovelace",)))
    assert (trace.place, trace.count, trace.reason) == (
        "file:logs/private",
        0,
        "not looked into: Permission denied",
    )


def test_a_directory_that_is_gone_itself_is_not_taken_for_clean(tmp_path: Path) -> None:
    (trace,) = verify_directory(tmp_path / "gone", Wanted("acme", a_uuid(1), ("Ada Lovelace",)))
    assert (trace.place, trace.count) == ("file:.", 0)


def test_a_file_that_may_not_be_read_is_not_taken_for_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    (tmp_path / "sealed.log").write_bytes(b"anything")
    monkeypatch.setattr(Path, "open", refuse)
    (trace,) = verify_directory(tmp_path, Wanted("acme", a_uuid(1), ("Ada Lovelace",)))
    assert (trace.place, trace.count) == ("file:sealed.log", 0)


def test_large_files_are_looked_into_as_small_ones_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.erasure.verify.files._READ_WHOLE_BYTES", 8)
    (tmp_path / "rotated").write_bytes(b"of Ada Lovelace, and of nobody else")
    (trace,) = verify_directory(tmp_path, Wanted("acme", a_uuid(1), ("Ada Lovelace",)))
    assert (trace.place, trace.count) == ("file:rotated", 1)


def _zstd(content: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(content))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, _zstd])
@pytest.mark.parametrize("times", [1, 2])
def test_a_name_in_a_compressed_log_is_found(compress: Callable[[bytes], bytes], times: int, tmp_path: Path) -> None:
    content = b"a line\n" * 1000 + b'{"name": "Jos\\u00e9"}\n' + b"a line\n" * 1000
    for _ in range(times):
        content = compress(content)
    (tmp_path / "worker.log.1").write_bytes(content)
    (tmp_path / "cut.log.2").write_bytes(content[:-9])
    found = verify_directory(tmp_path, Wanted("acme", None, ("José",)))
    # The one that is cut off is found or is not looked into, and never called clean.
    assert [trace.place for trace in found] == ["file:cut.log.2", "file:worker.log.1"]
    assert found[1].count == 1
