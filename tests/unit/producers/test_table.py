"""CSV as numbered rows, whatever wrote it."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.errors import InvalidImport
from producers.file_import.rows import Code, Column, Role, Row, RowError
from producers.file_import.table import HowToRead, open_table
from producers.file_import.text import MAX_LINE_CHARACTERS, UnknownEncoding, likely_encodings

HEADER = "user id,e-mail,first name"


def read(path: Path, content: str | bytes, encoding: str | None = None) -> list[Row | RowError]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_table(path, Role.AFTER, HowToRead(encoding)) as table:
        return list(table.rows())


def numbers_and_names(rows: list[Row | RowError]) -> list[tuple[int, str]]:
    return [(row.number, row.cells[Column.FIRST_NAME]) for row in rows if isinstance(row, Row)]


def faults(rows: list[Row | RowError]) -> list[tuple[int, int, str, Code]]:
    """First line, last line, column and code of what is wrong."""
    found: list[tuple[int, int, str, Code]] = []
    for row in rows:
        if isinstance(row, RowError):
            found.append((row.row_number, row.last_line, "", row.code))
        else:
            found += [(row.number, row.last_line, column, fault.code) for column, fault in row.faults.items()]
    return found


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


NAMES = {
    "cp1252": ["Hélène", "Desprès", "Núñez", "Peña", "Jürgen", "Åsa", "João"],
    "iso8859-15": ["Hélène", "Desprès", "Œuvre"],
    "mac-roman": ["Hélène", "Desprès", "Núñez", "Peña"],
    "cp850": ["Hélène", "Jürgen"],
    "cp1250": ["Łukasz", "Wójcik", "Zoë"],
    "cp1251": ["Иван", "Ольга"],
    "cp932": ["太郎", "花子"],
}


@pytest.mark.parametrize("encoding", NAMES)
def test_an_encoding_that_nobody_named_is_refused_with_row_and_byte(path: Path, encoding: str) -> None:
    lines = [HEADER, *(f"u{n},a{n}@x.org,{name}" for n, name in enumerate(NAMES[encoding] * 50))]
    content = "\n".join(lines).encode(encoding)
    with pytest.raises(
        UnknownEncoding, match=r"users\.csv\), row 2, byte \d+ of the line: 0x.. is not UTF-8.*--encoding"
    ):
        read(path, content)
    assert numbers_and_names(read(path, content, encoding))[0] == (2, NAMES[encoding][0])


def test_one_foreign_byte_in_a_utf_8_file_does_not_make_it_a_file_of_another_encoding(path: Path) -> None:
    content = f"{HEADER}\nu1,a@x.org,Zoë\nu2,b@x.org,D".encode() + b"\x92Arc\n" + "u3,c@x.org,李\n".encode()
    with pytest.raises(UnknownEncoding, match="row 3, byte 13 of the line: 0x92"):
        read(path, content)
    assert faults(read(path, content, "utf-8")) == [(3, 3, "first name", Code.UNDECODABLE)]


@pytest.mark.parametrize(("encoding", "among"), [("cp1252", 1), ("mac-roman", 1), ("cp850", 1), ("cp1251", 3)])
def test_the_preview_has_the_right_encoding_among_its_first(encoding: str, among: int) -> None:
    content = "\n".join(NAMES[encoding] * 3).encode(encoding)
    found = [texts for _, texts in likely_encodings(content)]
    assert NAMES[encoding][:2] in [texts[:2] for texts in found[:among]]


def test_utf_16_without_a_mark_is_refused_until_it_is_named(path: Path) -> None:
    content = f"{HEADER}\nu1,a@x.org,Zoë\n".encode("utf-16-le")
    with pytest.raises(UnknownEncoding, match="utf-16-le"):
        read(path, content)
    assert numbers_and_names(read(path, content, "utf-16-le")) == [(2, "Zoë")]


def test_an_encoding_that_contradicts_the_byte_order_mark_is_refused(path: Path) -> None:
    with pytest.raises(InvalidImport, match="mark says utf-16"):
        read(path, HEADER.encode("utf-16"), "cp1252")
    with pytest.raises(InvalidImport, match="no encoding of text"):
        read(path, HEADER, "rot13")


def test_a_named_encoding_is_taken_at_its_word(path: Path) -> None:
    assert numbers_and_names(read(path, f"{HEADER}\nu,a@x,Łódź".encode("cp1250"), "cp1250")) == [(2, "Łódź")]


def test_an_unknown_encoding_is_refused(path: Path) -> None:
    with pytest.raises(InvalidImport, match="unknown encoding"):
        read(path, HEADER, "utf-9")


def test_a_row_number_is_the_line_on_which_the_row_starts(path: Path) -> None:
    text = f'{HEADER}\n\nu1,a@x,"Ada\nAugusta"\r\n , ,\nu2,b@x,"say ""hi"""\n'
    rows = read(path, text)
    assert numbers_and_names(rows) == [(3, "Ada\nAugusta"), (6, 'say "hi"')]
    assert faults(rows) == [(3, 4, "first name", Code.CONTROL_CHARACTER)]


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("u1,a@x", "", Code.CELL_COUNT),
        ("u1,a@x,Ada,Lovelace", "", Code.CELL_COUNT),
        ("u1,a@x,A\0da", "first name", Code.CONTROL_CHARACTER),
        ("u1,a\x1b@x,Ada", "e-mail", Code.CONTROL_CHARACTER),
        ("u1,a@x,Ada\x7f", "first name", Code.CONTROL_CHARACTER),
        ("u1\t,a@x,Ada", "user id", Code.CONTROL_CHARACTER),
        ("u1,a@x,A\u2028da", "first name", Code.CONTROL_CHARACTER),
        ("u1,a@x,A\ufffdda", "first name", Code.LOST_CHARACTER),
        ("u1,a@x,HÃ©lÃ¨ne", "first name", Code.WRONG_ENCODING),
        ("u\u00a01,a@x,Ada", "user id", Code.UNUSUAL_SPACE),
        ("u1,a@x,A\u202ada", "first name", Code.INVISIBLE_CHARACTER),
        ('u1,a@x,Ada "Countess" L', "first name", Code.STRAY_QUOTE),
        ('u1,a@x,"Ada', "first name", Code.STRAY_QUOTE),
        ("u" * (MAX_LINE_CHARACTERS + 1), "", Code.TOO_LONG),
        ("u" * (MAX_LINE_CHARACTERS * 3) + '"', "", Code.TOO_LONG),
        ('"u' + "u" * MAX_LINE_CHARACTERS * 2, "", Code.TOO_LONG),
    ],
)
def test_a_bad_row_is_named_and_its_neighbors_are_read(path: Path, row: str, column: str, code: Code) -> None:
    rows = read(path, f"{HEADER}\nu,a@x,Ada\n{row}\nu,a@x,Eve\n")
    assert len(rows) == 3
    assert faults(rows) == [(3, 3, column, code)]
    assert isinstance(rows[2], Row)
    assert rows[2].cells[Column.FIRST_NAME] == "Eve"


@pytest.mark.parametrize("hidden", ["\ufeff", "\u200b", "\u200e", "\u2060", "\u00ad", "\u202a", "\u3164", "\u2800"])
def test_an_invisible_character_is_refused_in_every_cell_that_says_who_or_what(path: Path, hidden: str) -> None:
    rows = read(path, f"{HEADER}\n{hidden}u2,b@x,Bob\nu3,c@{hidden}x,Eve\n")
    assert faults(rows) == [
        (2, 2, "user id", Code.INVISIBLE_CHARACTER),
        (3, 3, "e-mail", Code.INVISIBLE_CHARACTER),
    ]


@pytest.mark.parametrize(
    "name", ["\u0645\u06cc\u200c\u062e", "क्\u200dष", "\u845b\U000e0100城", "Anne\u00a0Marie", "O\u2019Neil", "Ǆ Ñ ß"]
)
def test_what_names_need_is_taken(path: Path, name: str) -> None:
    rows = read(path, f"{HEADER}\nu2,b@x,{name}\n")
    assert (numbers_and_names(rows), faults(rows)) == ([(2, name)], [])


def test_two_stray_quotes_make_one_bad_row_that_is_named_by_its_first_and_last_line(path: Path) -> None:
    rows = read(path, f'{HEADER}\nu1,a@x,Ada\nu2,b@x,"Ann2\nu3,c@x,Cy\nu4,d@x,Dan"\nu5,e@x,Eve\n')
    assert faults(rows) == [(3, 5, "", Code.SWALLOWED_ROWS)]
    assert str(rows[1]).startswith("list after (users.csv), rows 3 to 5: ")
    assert isinstance(rows[2], Row)


def test_a_quote_that_is_never_closed_leaves_the_rows_after_it_as_they_are(path: Path) -> None:
    rows = read(path, f'{HEADER}\n"u1,a@x,Ada\n' + "u,a@x,Ada\n" * 300)
    assert faults(rows) == [(2, 2, "user id", Code.STRAY_QUOTE)]
    assert len(rows) == 301


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nuser id;e-mail;first name\nu;a@x;Ada\n",
        '"sep=;"\r\nuser id;e-mail;first name\r\nu;a@x;Ada\r\n',
        "\n\nuser id,e-mail,first name\nu,a@x,Ada\n",
        ",,\nuser id,e-mail,first name\nu,a@x,Ada\n",
        "user id,e-mail,first name,,\nu,a@x,Ada,,\n",
        "user id,e-mail,first name,,\nu,a@x,Ada\n",
        "user id,e-mail,first name\nu,a@x,Ada,,\n",
        "user id,,e-mail,first name\nu,,a@x,Ada\n",
        'user id,e-mail,first name\nu , "a@x" , "Ada" \n',
        '"user id" ,"e-mail", "first name"\n"u","a@x","Ada"\n',
        "identifiant;adresse e-mail;prénom\nu;a@x;Ada\n",
        "user id,e-mail,first name,line,code,message\nu,a@x,Ada,7,blank,x\n",
    ],
)
def test_what_spreadsheets_add_is_taken_off(path: Path, text: str) -> None:
    rows = read(path, text)
    assert faults(rows) == []
    assert [dict(row.cells) for row in rows if isinstance(row, Row)] == [
        {Column.USER_ID: "u", Column.EMAIL: "a@x", Column.FIRST_NAME: "Ada"}
    ]


@pytest.mark.parametrize(
    "text",
    [
        "user id,e-mail,first name,,\nu,a@x,Ada,,x\n",
        "user id,e-mail,first name\nu,a@x,Ada,x\n",
        "user id,,e-mail\nu,x,a@x\n",
    ],
)
def test_a_cell_without_a_heading_is_a_bad_row(path: Path, text: str) -> None:
    assert [code for _, _, _, code in faults(read(path, text))] == [Code.CELL_COUNT]


def test_ids_stay_text(path: Path) -> None:
    for user_id in ("007", "1e5", "12345678901234567890", "0x1F", "TRUE", "=1+1"):
        (row,) = read(path, f"{HEADER}\n{user_id},a@x,Ada\n")
        assert isinstance(row, Row)
        assert row.cells[Column.USER_ID] == user_id


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
        ("user id,e-mail,shoe size", r"users\.csv.*unknown column.*'shoe size'; accepted are activity, user id"),
        ("userPrincipalName,displayName", "--format entra"),
        ("First Name [Required],Email Address [Required]", "--format google"),
        ("login,email", "--format okta"),
        ("user id,id,e-mail", "named twice: user id"),
        ("", "no known column"),
        ('"', "no known column"),
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
                assert isinstance(row, Row | RowError)
        except InvalidImport:
            pass
