"""CSV as numbered rows, whatever wrote it."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.errors import InvalidImport
from producers.file_import.rows import Column, Role, Row, RowError
from producers.file_import.table import StructureLost, open_table
from producers.file_import.text import MAX_ROW_CHARACTERS

HEADER = "user id,e-mail,first name"


def read(path: Path, content: str | bytes, encoding: str | None = None) -> list[Row | RowError | StructureLost]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_table(path, Role.AFTER, encoding) as table:
        return list(table.rows())


def numbers_and_names(rows: list[Row | RowError | StructureLost]) -> list[tuple[int, str]]:
    return [(row.number, row.cells[Column.FIRST_NAME]) for row in rows if isinstance(row, Row)]


def bad(row_number: int, column: str, reason: str) -> RowError:
    return RowError(Role.AFTER, row_number, column, reason)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.csv"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_unicode_files_of_any_delimiter_and_line_end_are_read(
    path: Path, encoding: str, delimiter: str, line_end: str
) -> None:
    text = f"{HEADER}\nu1,a@x.org,Zoë 李\n".replace(",", delimiter).replace("\n", line_end)
    assert numbers_and_names(read(path, text.encode(encoding))) == [(2, "Zoë 李")]


def test_a_legacy_encoding_is_guessed_and_said_to_be_a_guess(path: Path) -> None:
    lines = [HEADER, *(f"u{n},a{n}@x.org,{name}" for n, name in enumerate(["Jürgen", "René", "Françoise"] * 5))]
    path.write_bytes("\n".join(lines).encode("cp1252"))
    with open_table(path, Role.AFTER) as table:
        assert table.encoding_is_guessed
        assert numbers_and_names(list(table.rows()))[:3] == [(2, "Jürgen"), (3, "René"), (4, "Françoise")]


def test_a_named_encoding_is_taken_at_its_word(path: Path) -> None:
    assert numbers_and_names(read(path, f"{HEADER}\nu,a@x,Łódź".encode("cp1250"), "cp1250")) == [(2, "Łódź")]


def test_an_unknown_encoding_is_refused(path: Path) -> None:
    with pytest.raises(InvalidImport, match="unknown encoding"):
        read(path, HEADER, "utf-9")


def test_bytes_that_are_no_text_are_named_by_row_and_column(path: Path) -> None:
    filler = b"u,a@x.org,Ada\n" * 10_000
    rows = read(path, f"{HEADER}\n".encode() + filler + b"u,a@x.org,Jos\xe9\nu,a@x.org,Ada\n")
    assert [row for row in rows if isinstance(row, RowError)] == [bad(10_002, "first name", "bytes that are not utf-8")]
    assert len(rows) == 10_002


def test_a_row_number_is_the_line_on_which_the_row_starts(path: Path) -> None:
    text = f'{HEADER}\n\nu1,a@x,"Ada\nAugusta"\r\n , ,\nu2,b@x,"say ""hi"""\n'
    assert numbers_and_names(read(path, text)) == [(3, "Ada\nAugusta"), (6, 'say "hi"')]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("u1,a@x", "", "2 cells under 3 columns"),
        ("u1,a@x,Ada,Lovelace", "", "4 cells under 3 columns"),
        ("u1,a@x,A\0da", "first name", "a control character"),
        ("u1,a\x1b@x,Ada", "e-mail", "a control character"),
    ],
)
def test_a_bad_row_is_named_and_its_neighbors_are_read(path: Path, row: str, column: str, reason: str) -> None:
    first, second, third = read(path, f"{HEADER}\nu,a@x,Ada\n{row}\nu,a@x,Ada\n")
    assert isinstance(first, Row)
    assert second == bad(3, column, reason)
    assert isinstance(third, Row)


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ('"never closed\nu,a@x,Ada\n', "broken quoting"),
        ('u,a@x,"Ada"Lovelace\nu,a@x,Ada\n', "broken quoting"),
        ("u" * (MAX_ROW_CHARACTERS + 1) + "\n", "too long; is a quote never closed?"),
        ('"u' + "u\n" * MAX_ROW_CHARACTERS, "too long; is a quote never closed?"),
    ],
)
def test_reading_stops_where_rows_have_no_boundaries_any_more(path: Path, rest: str, reason: str) -> None:
    rows = read(path, f"{HEADER}\nu,a@x,Ada\n{rest}")
    assert isinstance(rows[0], Row)
    assert rows[1:] == [StructureLost(bad(3, "", reason))]


@pytest.mark.parametrize(
    "header",
    [
        "USER ID,E-Mail,FIRST NAME",
        "user_id,email,first_name",
        "ID , e-mail ,firstName",
        '"user id","e-mail","first  name"',
    ],
)
def test_header_names_are_matched_without_case_and_spacing(path: Path, header: str) -> None:
    assert numbers_and_names(read(path, f"{header}\nu,a@x,Ada")) == [(2, "Ada")]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("user id,e-mail,shoe size", "unknown column.*'shoe size'"),
        ("user id,e-mail,", "unknown column.*''"),
        ("user id,id,e-mail", "named twice: user id"),
        ("", "no known column"),
        ('"', "no header"),
    ],
)
def test_a_header_that_is_not_understood_is_refused_by_name(path: Path, header: str, reason: str) -> None:
    with pytest.raises(InvalidImport, match=reason):
        read(path, f"{header}\nu,a@x,Ada")


def test_a_person_in_the_place_of_the_header_is_not_quoted(path: Path) -> None:
    with pytest.raises(InvalidImport) as caught:
        read(path, "u1,ada@example.com,Ada\n")
    assert "ada" not in str(caught.value).casefold()


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(InvalidImport, match="No such file"), open_table(path, Role.BEFORE):
        pass


def test_the_digest_is_of_the_whole_file(path: Path) -> None:
    content = f"{HEADER}\n".encode() + b"u,a@x,Ada\n" * 20_000
    path.write_bytes(content)
    with open_table(path, Role.AFTER) as table:
        assert sum(1 for _ in table.rows()) == 20_000
        assert table.sha256() == hashlib.sha256(content).digest()


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_but_the_errors_promised(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.csv"
    for content in (noise, HEADER.encode() + b"\n" + noise):
        try:
            for row in read(path, content):
                assert isinstance(row, Row | RowError | StructureLost)
        except InvalidImport:
            pass
