"""Where a statement ends and its rows begin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.clickhouse.sql import Insert, NotServed, Statement, read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"INSERT INTO t (a, b) FORMAT Native\n\x00\xff'", Insert("INSERT INTO t (a, b) ", "Native", b"\x00\xff'")),
        (b"INSERT INTO t FORMAT CSV\r\n\n1", Insert("INSERT INTO t ", "CSV", b"\n1")),
        (b"insert into format format CSV\n1", Insert("insert into format ", "CSV", b"1")),
        (
            b"INSERT INTO t SETTINGS async_insert = 0 FORMAT JSONEachRow\n{}",
            Insert("INSERT INTO t SETTINGS async_insert = 0 ", "JSONEachRow", b"{}"),
        ),
    ],
)
def test_the_rows_of_an_insert_begin_behind_its_format(text: bytes, expected: Insert) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "first_word"),
    [
        ("SELECT 1 FORMAT JSON", "SELECT"),
        ("\n select 'SET x = 1'", "SELECT"),
        ("WITH 1 AS a SELECT a", "WITH"),
        ("INSERT INTO t SELECT * FROM u", "INSERT"),
        ("INSERT INTO t VALUES (1, ';')", "INSERT"),
        ("-- comment\nSELECT 1", ""),
        ("SELECT '; \\'; INTO OUTFILE' -- ; x\n;", "SELECT"),
    ],
)
def test_a_statement_without_rows_is_left_as_it_is(text: str, first_word: str) -> None:
    assert read(text.encode()) == Statement(text, first_word)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 INTO OUTFILE 'x'",
        "INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        "SET max_threads = 1",
        "use system",
        "CREATE TEMPORARY TABLE t (a Int8)",
        "SELECT 1; SELECT 2",
        "",
    ],
)
def test_files_of_the_server_sessions_and_several_statements_are_not_served(text: str) -> None:
    with pytest.raises(NotServed):
        read(text.encode())


def test_a_statement_that_is_no_text_is_not_served() -> None:
    with pytest.raises(NotServed, match="UTF-8"):
        read(b"SELECT '\xff'")


@given(st.binary())
def test_any_bytes_may_be_the_rows(rows: bytes) -> None:
    assert read(b"INSERT INTO t FORMAT Native\n" + rows) == Insert("INSERT INTO t ", "Native", rows)
