"""The local ClickHouse, used as its clients use a server: clickhouse-connect and plain HTTP."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import clickhouse_connect
import cramjam
import httpx
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.system.conftest import ClickHouseProcess

ANSWER_SECONDS = 60
get = partial(httpx.get, timeout=ANSWER_SECONDS)
post = partial(httpx.post, timeout=ANSWER_SECONDS)

HOSTILE = "tab\there, line\nbreak, 'quote', \\back\\slash, NUL\0, `tick`, é 中 \u202e"


@pytest.fixture
def client(clickhouse: ClickHouseProcess) -> Iterator[Client]:
    client = clickhouse_connect.get_client(host="127.0.0.1", port=clickhouse.port)
    yield client
    client.close()


@pytest.fixture
def database(client: Client) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    client.command(f"CREATE DATABASE {name}")
    yield name
    client.command(f"DROP DATABASE {name}")


def test_every_column_type_of_the_log_survives_a_columnar_insert_of_ten_thousand_rows(
    client: Client, database: str
) -> None:
    client.command(
        f"CREATE TABLE {database}.log (id UUID, at DateTime64(6, 'UTC'), kind LowCardinality(String), "
        "license LowCardinality(Nullable(String)), granted Nullable(Bool), row Nullable(UInt32), text String) "
        "ENGINE = MergeTree ORDER BY row SETTINGS allow_nullable_key = 1"
    )
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        (
            uuid.UUID(int=number),
            start + timedelta(microseconds=number),
            ("user_creation", "user_deletion")[number % 2],
            None if number % 3 else "Data Steward",
            (None, True, False)[number % 3],
            number,
            HOSTILE,
        )
        for number in range(10_000)
    ]
    columns = ["id", "at", "kind", "license", "granted", "row", "text"]
    client.insert(f"{database}.log", list(zip(*rows, strict=True)), columns, column_oriented=True)
    assert (
        client.query("SELECT * FROM {db:Identifier}.log ORDER BY row", {"db": database}, tz_mode="aware").result_rows
        == rows
    )


def test_a_bound_string_arrives_as_it_is_whatever_it_holds(client: Client) -> None:
    answer = client.query(
        "SELECT {text:String}, {texts:Array(String)}", parameters={"text": HOSTILE, "texts": [HOSTILE]}
    )
    assert answer.result_rows == [(HOSTILE, [HOSTILE])]


def test_parameters_that_are_too_long_for_a_url_arrive_as_a_form(client: Client) -> None:
    texts = [f"{HOSTILE} {number}" for number in range(5_000)]
    assert client.query("SELECT {texts:Array(String)}", parameters={"texts": texts}).result_rows == [(texts,)]


async def test_the_async_client_is_served_too(clickhouse: ClickHouseProcess) -> None:
    client = await clickhouse_connect.get_async_client(host="127.0.0.1", port=clickhouse.port)
    try:
        assert (await client.query("SELECT number FROM numbers(3)")).result_rows == [(0,), (1,), (2,)]
    finally:
        await client.close()


def test_an_error_has_clickhouses_code_and_text(client: Client) -> None:
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE") as raised:
        client.query("SELECT * FROM no_such_table")
    assert "code: 60" in str(raised.value)


@pytest.mark.parametrize(
    ("sql", "options", "status", "code"),
    [
        ("SELEC 1", {}, 500, 62),
        ("", {}, 501, 48),
        ("SELECT 1; SELECT 2", {}, 501, 48),
        ("SELECT * FROM nowhere.nothing", {}, 500, 81),
        ("SELECT 1", {"database": "nowhere"}, 500, 81),
        ("SELECT 1", {"no_such_setting": "1"}, 500, 115),
        ("SELECT 1", {"role": "r"}, 500, 115),
        ("SELECT 1", {"a'b": "1"}, 500, 115),
        ("SELECT {x:String}", {}, 500, 456),
        (f"SELECT '{'x' * 262_144}' SETTINGS max_query_size = 1000000", {}, 500, 62),
        ("SELECT throwIf(1)", {}, 500, 395),
        ("SELECT 1 INTO OUTFILE 'x'", {}, 501, 48),
        ("INSERT INTO t FROM INFILE 'x' FORMAT CSV", {}, 501, 48),
        ("SET max_threads = 1", {}, 501, 48),
        ("USE system", {"session_id": "s"}, 501, 48),
        ("CREATE TEMPORARY TABLE t (a Int8)", {}, 501, 48),
    ],
)
def test_what_fails_is_answered_with_a_status_and_a_code(
    clickhouse: ClickHouseProcess, sql: str, options: dict[str, str], status: int, code: int
) -> None:
    answer = post(clickhouse.url, params=options, content=sql)
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (status, str(code))
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")


def test_a_statement_may_be_as_long_as_its_request_allows(clickhouse: ClickHouseProcess) -> None:
    sql = f"SELECT length('{'x' * 262_144}')"
    assert post(clickhouse.url, params={"max_query_size": "1000000"}, content=sql).text == "262144\n"


def test_a_database_in_the_url_is_where_unqualified_tables_are(clickhouse: ClickHouseProcess, database: str) -> None:
    def send(sql: str, database: str) -> httpx.Response:
        return post(clickhouse.url, params={"database": database}, content=sql)

    send("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a", database).raise_for_status()
    send("INSERT INTO t VALUES (7)", database).raise_for_status()
    assert send("SELECT a FROM t", database).text == "7\n"
    assert send("SELECT a FROM t", "default").headers["x-clickhouse-exception-code"] == "60"


def test_settings_hold_for_their_request_only(clickhouse: ClickHouseProcess) -> None:
    sql = "SELECT getSetting('max_block_size'), getSetting('async_insert')"
    changed = post(clickhouse.url, params={"max_block_size": "77"}, content=sql).text
    assert (changed, post(clickhouse.url, content=sql).text) == ("77\tfalse\n", "65409\tfalse\n")


@pytest.mark.parametrize(
    "statement",
    [
        "SET max_block_size = 77",
        "USE system",
        "CREATE TEMPORARY TABLE settings_of_a_session (a UInt8)",
        "SELECT 1 SETTINGS max_block_size = 77",
        "WITH 1 AS a SELECT a SETTINGS max_block_size = 77",
        "SELECT throwIf(1) SETTINGS max_block_size = 77",
    ],
)
def test_nothing_of_a_session_reaches_another_request(clickhouse: ClickHouseProcess, statement: str) -> None:
    seen = (
        "SELECT getSetting('max_block_size'), currentDatabase(),"
        " (SELECT count() FROM system.tables WHERE name = 'settings_of_a_session')"
    )
    before = post(clickhouse.url, content=seen).text
    for _ in range(3):
        post(clickhouse.url, content=statement)
    assert post(clickhouse.url, content=seen).text == before


def test_parameters_hold_for_their_request_only(clickhouse: ClickHouseProcess) -> None:
    sql = "SELECT {name:String}"
    assert post(clickhouse.url, params={"param_name": "ada"}, content=sql).text == "ada\n"
    assert post(clickhouse.url, content=sql).headers["x-clickhouse-exception-code"] == "456"


def test_sessions_at_once_have_their_own_settings(clickhouse: ClickHouseProcess) -> None:
    # One for all: to make a client takes longer than the request.
    with httpx.Client(timeout=ANSWER_SECONDS) as http, ThreadPoolExecutor(8) as pool:

        def asked(number: int) -> str:
            sql = "SELECT getSetting('max_block_size'), sum(sleepEachRow(0.001)) FROM numbers(5)"
            return http.post(clickhouse.url, params={"max_block_size": str(number)}, content=sql).text

        numbers = [1_000 + number % 40 for number in range(200)]
        assert list(pool.map(asked, numbers)) == [f"{number}\t0\n" for number in numbers]


def test_the_summary_says_how_many_rows_were_scanned(clickhouse: ClickHouseProcess, database: str) -> None:
    post(clickhouse.url, content=f"CREATE TABLE {database}.t (a UInt32) ENGINE = MergeTree ORDER BY a")
    post(clickhouse.url, content=f"INSERT INTO {database}.t SELECT number FROM numbers(3000)")
    answer = post(clickhouse.url, content=f"SELECT a FROM {database}.t WHERE a % 1000 = 7")
    assert json.loads(answer.headers["x-clickhouse-summary"])["read_rows"] == "3000"


def test_a_get_cannot_change_anything(clickhouse: ClickHouseProcess) -> None:
    answer = get(clickhouse.url, params={"query": "CREATE DATABASE not_by_get"})
    assert answer.headers["x-clickhouse-exception-code"] == "164"
    assert get(clickhouse.url, params={"query": "SELECT 1", "max_threads": "1"}).text == "1\n"


def test_rows_may_come_compressed_as_the_driver_sends_them(clickhouse: ClickHouseProcess, database: str) -> None:
    post(clickhouse.url, content=f"CREATE TABLE {database}.t (a UInt8, s String) ENGINE = MergeTree ORDER BY a")
    rows = b'{"a": 1, "s": "VALUES ("}\n{"a": 2, "s": "FORMAT x"}\n'
    post(
        clickhouse.url,
        params={"query": f"INSERT INTO {database}.t FORMAT JSONEachRow"},
        content=bytes(cramjam.lz4.compress(rows)),
        headers={"content-encoding": "lz4"},
    )
    read = get(clickhouse.url, params={"database": database, "query": "SELECT * FROM t ORDER BY a FORMAT CSV"})
    assert read.text == '1,"VALUES ("\n2,"FORMAT x"\n'


def test_a_body_that_is_not_what_it_says_is_refused(clickhouse: ClickHouseProcess) -> None:
    for encoding, status, code in (("lz4", 500, "36"), ("gzip", 501, "48"), ("br", 501, "48")):
        answer = post(clickhouse.url, content=b"SELECT 1", headers={"content-encoding": encoding})
        assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (status, code), encoding


def test_an_insert_that_ends_halfway_leaves_no_row(clickhouse: ClickHouseProcess, database: str) -> None:
    post(clickhouse.url, content=f"CREATE TABLE {database}.t (a UInt8) ENGINE = MergeTree ORDER BY a")
    native = post(clickhouse.url, content="SELECT number::UInt8 AS a FROM numbers(200) FORMAT Native").content
    insert = {"query": f"INSERT INTO {database}.t FORMAT Native"}
    assert post(clickhouse.url, params=insert, content=native + native[:100]).status_code == 500
    assert post(clickhouse.url, params={"database": database}, content="SELECT count() FROM t").text == "0\n"


def test_a_web_page_cannot_use_it(clickhouse: ClickHouseProcess) -> None:
    assert post(clickhouse.url, content="SELECT 1", headers={"origin": "http://example.com"}).status_code == 403
    assert post(clickhouse.url, content="SELECT 1", headers={"host": "example.com"}).status_code == 400


def test_a_query_id_comes_back_where_a_header_can_carry_it(clickhouse: ClickHouseProcess) -> None:
    def answered(query_id: str) -> str:
        return get(clickhouse.url, params={"query": "SELECT 1", "query_id": query_id}).headers["x-clickhouse-query-id"]

    assert answered("mine") == "mine"
    assert str(uuid.UUID(answered("a\r\nb"))) != ""


def test_rows_outlive_a_sigkill_that_follows_their_insert(tmp_path: Path) -> None:
    server = ClickHouseProcess(tmp_path / "data with a space")
    server.start()
    try:
        post(server.url, content="CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a").raise_for_status()
        post(server.url, content="INSERT INTO t VALUES (1), (2)").raise_for_status()
        server.kill()
        server.start()
        assert post(server.url, content="SELECT a FROM t ORDER BY a").text == "1\n2\n"
    finally:
        server.kill()


def test_a_second_process_on_the_directory_ends_and_says_why(clickhouse: ClickHouseProcess) -> None:
    second = ClickHouseProcess(clickhouse.directory).spawn()
    output, _ = second.communicate(timeout=ANSWER_SECONDS)
    assert second.returncode == 3
    assert f"clickhouse: {clickhouse.directory} is open in another process" in output


@pytest.mark.parametrize(
    "setting",
    [
        "min_free_disk_bytes_to_perform_insert = 1000000000000000",
        "parts_to_delay_insert = 1, parts_to_throw_insert = 1",
    ],
)
def test_an_insert_that_its_table_refuses_is_never_answered_as_stored(
    client: Client, database: str, setting: str
) -> None:
    table = f"{database}.full"
    client.command(f"CREATE TABLE {table} (x Int32) ENGINE = MergeTree ORDER BY x")
    client.insert("full", [[1]], column_names=["x"], database=database)
    client.command(f"ALTER TABLE {table} MODIFY SETTING {setting}")
    with pytest.raises(DatabaseError):
        client.insert("full", [[2]], column_names=["x"], database=database)
    assert client.query(f"SELECT x FROM {table}").result_rows == [(1,)]
