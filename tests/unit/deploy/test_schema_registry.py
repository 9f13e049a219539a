"""The registry's archive is unpacked once, whoever else does the same at that moment."""

import tarfile
from pathlib import Path

import pytest

from deploy.local.java.artifacts import Artifact
from deploy.local.java.schema_registry import unpack

ARTIFACT = Artifact("org.example", "app", "2.0", "all", "tar.gz", "ab" * 32, 7)


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "quarkus-run.jar").write_bytes(b"jar")
    with tarfile.open(tmp_path / "app.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "quarkus-run.jar", "quarkus-run.jar")
    return tmp_path / "app.tar.gz"


def test_two_stacks_that_unpack_at_once_end_with_one_copy(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def overtaken(self: Path, target: Path) -> Path:
        """Another stack renames its copy between our look and our own."""
        target.mkdir()
        (target / "quarkus-run.jar").write_bytes(b"jar")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", overtaken)
    unpacked = unpack(ARTIFACT, archive)
    assert [file.name for file in unpacked.iterdir()] == ["quarkus-run.jar"]
    assert list(unpacked.parent.iterdir()) == [unpacked]


def test_what_cannot_be_put_there_at_all_is_an_error(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_self: Path, _target: Path) -> Path:
        raise PermissionError

    monkeypatch.setattr(Path, "rename", denied)
    with pytest.raises(PermissionError):
        unpack(ARTIFACT, archive)
