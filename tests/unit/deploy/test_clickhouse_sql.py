"""Where a statement ends and its rows begin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.clickhouse.sql import Insert, NotServed, Statement, Unreadable, read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"INSERT INTO t (a, b) FORMAT Native\n\x00\xff'", Insert("INSERT INTO t (a, b) ", "Native", b"\x00\xff'")),
        (b"INSERT INTO t FORMAT CSV\r\n\n1", Insert("INSERT INTO t ", "CSV", b"\n1")),
        (b"insert into t values (1, ';')", Insert("insert into t ", "Values", b" (1, ';')")),
        (b"INSERT INTO t (values) VALUES (1)", Insert("INSERT INTO t (values) ", "Values", b" (1)")),
        (b"INSERT INTO format FORMAT CSV 1", Insert("INSERT INTO format ", "CSV", b"1")),
        (b"INSERT INTO d.values FORMAT CSV 1", Insert("INSERT INTO d.values ", "CSV", b"1")),
        (b"INSERT INTO `a FORMAT b` FORMAT CSV 1", Insert("INSERT INTO `a FORMAT b` ", "CSV", b"1")),
        (
            b"INSERT INTO t SETTINGS async_insert = 0 FORMAT JSONEachRow {}",
            Insert("INSERT INTO t SETTINGS async_insert = 0 ", "JSONEachRow", b"{}"),
        ),
        (
            b"/* FORMAT x */ INSERT INTO t -- VALUES\n FORMAT CSV 1",
            Insert("/* FORMAT x */ INSERT INTO t -- VALUES\n ", "CSV", b"1"),
        ),
        (
            b"INSERT INTO t SELECT a FROM input('a Int8') FORMAT CSV 1",
            Insert("INSERT INTO t SELECT a FROM input('a Int8') ", "CSV", b"1"),
        ),
    ],
)
def test_the_rows_of_an_insert_begin_behind_its_format(text: bytes, expected: Insert) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"SELECT 1", Statement("SELECT 1", ("SELECT",), None)),
        (b"SELECT 1 FORMAT JSON;", Statement("SELECT 1 FORMAT JSON", ("SELECT", "FORMAT"), "JSON")),
        (
            b"SELECT 1 FORMAT CSV SETTINGS max_threads = 1",
            Statement("SELECT 1 FORMAT CSV SETTINGS max_threads = 1", ("SELECT", "FORMAT"), "CSV"),
        ),
        (b"SELECT ';' -- ;\n", Statement("SELECT ';' -- ;\n", ("SELECT",), None)),
        (b"SELECT '\\';', \"a;\", `b;`", Statement("SELECT '\\';', \"a;\", `b;`", ("SELECT",), None)),
        (
            b"INSERT INTO t SELECT * FROM u FORMAT Null",
            Statement("INSERT INTO t SELECT * FROM u FORMAT Null", ("INSERT", "INTO"), "Null"),
        ),
        (
            b"CREATE TEMPORARY TABLE t (a Int8)",
            Statement("CREATE TEMPORARY TABLE t (a Int8)", ("CREATE", "TEMPORARY"), None),
        ),
    ],
)
def test_a_statement_without_rows_is_left_as_it_is(text: bytes, expected: Statement) -> None:
    assert read(text) == expected


@pytest.mark.parametrize("text", [b"", b" \n", b"SELECT 1; SELECT 2", b"SELECT '\xff'"])
def test_what_can_be_no_statement_is_unreadable(text: bytes) -> None:
    with pytest.raises(Unreadable):
        read(text)


@pytest.mark.parametrize("text", [b"SELECT 1 INTO OUTFILE 'x'", b"INSERT INTO t FROM INFILE 'x' FORMAT CSV"])
def test_files_of_the_server_are_not_served(text: bytes) -> None:
    with pytest.raises(NotServed):
        read(text)


@given(st.binary())
def test_any_bytes_may_be_the_rows(rows: bytes) -> None:
    assert read(b"INSERT INTO t FORMAT Native\n" + rows) == Insert("INSERT INTO t ", "Native", rows)


@given(st.text())
def test_a_quoted_text_is_never_taken_for_sql(text: str) -> None:
    sql = "SELECT '" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    assert read(sql.encode(errors="replace")).first_words == ("SELECT",)  # type: ignore[union-attr]
