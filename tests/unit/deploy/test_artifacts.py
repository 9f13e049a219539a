"""Only the files that the lock names are used, and the cache never holds a part of one."""

import errno
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
from jgo.maven import MavenContext, PythonResolver

from deploy.local.errors import StackError
from deploy.local.java import artifacts
from deploy.local.java.artifacts import LOCK_FILE, Artifact, fetch, read_lock, write_lock

CONTENT = b"the right bytes"
ARTIFACT = Artifact("org.example", "thing", "1.0", "", "jar", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
ARCHIVE = Artifact("org.example", "app", "2.0", "all", "tar.gz", "ab" * 32, 7)


@contextmanager
def silent(_name: str, _size_bytes: int) -> Iterator[Callable[[int], None]]:
    yield lambda _chunk_bytes: None


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("M2_REPO", str(tmp_path))
    return tmp_path / "org" / "example" / "thing" / "1.0" / "thing-1.0.jar"


def serve(monkeypatch: pytest.MonkeyPatch, *answers: bytes | Exception) -> list[Path]:
    """Let downloads write the *answers*, one after the other, or raise them behind a part of a file."""
    waiting, written = list(answers), []

    def download(_self: PythonResolver, artifact: "object") -> Path:
        path = Path(artifact.cached_path)  # type: ignore[attr-defined]
        path.parent.mkdir(parents=True, exist_ok=True)
        written.append(path)
        answer = waiting.pop(0)
        path.write_bytes(answer if isinstance(answer, bytes) else b"part")
        if isinstance(answer, Exception):
            raise answer
        return path

    monkeypatch.setattr(PythonResolver, "download", download)
    return written


def test_a_lock_reads_back_as_it_was_written() -> None:
    assert read_lock(write_lock([ARTIFACT, ARCHIVE])) == [ARCHIVE, ARTIFACT]


@pytest.mark.parametrize("line", ["a:b", "a:b:1 abc", "a:b:1 abc x", "a:b:1:c abc 1"])
def test_a_line_that_is_no_artifact_is_named_by_its_number(line: str) -> None:
    with pytest.raises(ValueError, match="line 2 is not"):
        read_lock(f"# comment\n{line}\n")


def test_the_projects_lock_has_kafka_its_logging_and_one_archive() -> None:
    artifacts = read_lock(LOCK_FILE.read_text(encoding="utf-8"))
    assert {"kafka_2.13", "log4j-core", "log4j-slf4j-impl"} <= {artifact.name for artifact in artifacts}
    assert [artifact.name for artifact in artifacts if artifact.packaging == "tar.gz"] == ["apicurio-registry-app"]


def test_a_file_is_fetched_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = serve(monkeypatch, CONTENT)
    assert fetch([ARTIFACT], silent) == fetch([ARTIFACT], silent) == {ARTIFACT: cache}
    assert len(downloads) == 1
    assert cache.read_bytes() == CONTENT


def test_another_file_in_the_cache_is_replaced(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"a part of what")
    serve(monkeypatch, CONTENT)
    fetch([ARTIFACT], silent)
    assert cache.read_bytes() == CONTENT


def test_wrong_bytes_are_tried_again_and_then_refused_and_deleted(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = serve(monkeypatch, b"the wrong bytes", b"the wrong bytes")
    with pytest.raises(StackError, match=r"org.example:thing:1.0 was downloaded 2 times .* SHA-256"):
        fetch([ARTIFACT], silent)
    assert len(downloads) == 2
    assert list(cache.parent.iterdir()) == []


def test_a_broken_download_is_tried_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, OSError("connection lost"), CONTENT)
    fetch([ARTIFACT], silent)
    assert cache.read_bytes() == CONTENT


def test_without_a_network_the_message_says_so_and_nothing_is_left(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, OSError("no route"), OSError("no route"))
    with pytest.raises(StackError, match="is there a network"):
        fetch([ARTIFACT], silent)
    assert list(cache.parent.iterdir()) == []


def test_a_download_that_freezes_is_ended_and_said_to_have_been(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository that sends the beginning of a file and then nothing, with its connection open."""
    monkeypatch.setattr(artifacts, "_TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as connections:

        def send_a_beginning() -> None:
            for _ in range(2):
                connection = connections.enter_context(listener.accept()[0])
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\nthe right")

        repository = {"central": f"http://127.0.0.1:{listener.getsockname()[1]}"}
        monkeypatch.setattr(artifacts, "MavenContext", partial(MavenContext, remote_repos=repository))
        server = threading.Thread(target=send_a_beginning)
        server.start()
        with pytest.raises(StackError, match=r"org.example:thing:1.0 was not downloaded: 2 times nothing came for"):
            fetch([ARTIFACT], silent)
        server.join()
    assert list(cache.parent.iterdir()) == []


def test_a_full_disk_is_not_tried_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = serve(monkeypatch, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(StackError, match="the disk is full"):
        fetch([ARTIFACT], silent)
    assert len(downloads) == 1
    assert list(cache.parent.iterdir()) == []


def test_a_download_that_cannot_fit_is_not_begun(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = Artifact("org.example", "thing", "1.0", "", "jar", "ab" * 32, 1 << 60)
    downloads = serve(monkeypatch)
    with pytest.raises(StackError, match="MB are free"):
        fetch([huge], silent)
    assert (downloads, cache.exists()) == ([], False)


def test_coordinates_lead_to_the_place_where_maven_looks(tmp_path: Path) -> None:
    context = MavenContext(repo_cache=tmp_path)
    assert ARCHIVE.cached_in(context) == tmp_path / "org/example/app/2.0/app-2.0-all.tar.gz"
