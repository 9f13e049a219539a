"""The check of the logs at a session's end sees a person in them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.logs import assert_no_person_is_named, log_files

PERSONS = {"p-4711", "maya@corp.invalid", "Maya Lindqvist", "U 7"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not where this session's own check would look."""
    with TemporaryDirectory() as made:
        yield Path(made)


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "record refused", "key": "acme/p-4711"}',
        "WARNING row 3 of maya@corp.invalid is refused",
        "[error] cannot store name='Maya Lindqvist'",
        "GET /v1/activities?q=ada.lovelace%40mail.example.com",
        "ada@example.org",
        "a record of usr_anybody",
    ],
)
@pytest.mark.parametrize("name", ["worker.log", "worker.log.1", "log", "7.err"])
def test_a_person_in_a_log_is_found(folder: Path, name: str, line: str) -> None:
    (folder / "logs").mkdir()
    (folder / "logs" / name).write_text(f"started\n{line}\nended\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=name):
        assert_no_person_is_named([folder], PERSONS)


def test_a_log_that_tells_of_nobody_is_clean(folder: Path) -> None:
    (folder / "log").write_text("client_space_id='acme' person_ref='5b0c' row 7: U 7 of 9\n", encoding="utf-8")
    assert log_files([folder]) == [folder / "log"]
    assert_no_person_is_named([folder], PERSONS)


def test_kafka_s_data_is_no_log(folder: Path) -> None:
    (folder / f"{0:020}.log").write_text("ada@example.com", encoding="utf-8")
    assert log_files([folder]) == []
