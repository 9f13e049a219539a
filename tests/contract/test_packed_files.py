"""Text in the compressed files of ClickHouse and Kafka is found, wherever it lies in them."""

import json
import struct
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import cramjam
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from stream.erasure.verify.files import verify_directory
from stream.erasure.verify.packed import CannotInspect, inside
from stream.erasure.verify.report import Wanted

NAME = "Ada Lovelace"
WANTED = Wanted("acme", UUID(int=1), (NAME,))
NO_COMPRESSION, ZSTD = 0, 4


def a_block(method: int, body: bytes, raw_size: int) -> bytes:
    return bytes(16) + struct.pack("<BII", method, len(body) + 9, raw_size) + body


def an_lz4_block(text: bytes) -> bytes:
    return a_block(0x82, bytes(cramjam.lz4.compress_block(text, store_size=False)), len(text))


def a_segment(*batches: tuple[bytes, ...], compression: int = ZSTD) -> bytes:
    content = b""
    for number, values in enumerate(batches):
        builder = DefaultRecordBatchBuilder(
            magic=2,
            compression_type=compression,
            is_transactional=0,
            producer_id=-1,
            producer_epoch=-1,
            base_sequence=-1,
            batch_size=1 << 20,
        )
        for offset, value in enumerate(values):
            builder.append(offset, timestamp=number, key=b"key", value=value, headers=[])
        content += bytes(builder.build())
    return content


def traces(directory: Path, name: str, content: bytes) -> list[tuple[str, int]]:
    (directory / name).write_bytes(content)
    return [(trace.place, trace.count) for trace in verify_directory(directory, WANTED)]


# A filler repeats the name's beginning, so that compression tears the name apart.
TEXT = (b"Ada Love is not who is looked for. " * 50) + NAME.encode() + (b" lace " * 50)


def test_a_name_in_a_segment_of_compressed_batches_is_found(tmp_path: Path) -> None:
    segment = a_segment((b"nobody",), (b"x", TEXT))
    assert NAME.encode() not in segment
    assert traces(tmp_path, f"{0:020}.log", segment) == [(f"file:{0:020}.log", 1)]
    assert traces(tmp_path, f"{0:020}.log", a_segment((b"nobody",))) == []


def test_a_segment_that_is_being_written_or_deleted_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    segment = a_segment((TEXT,), (b"nobody",))[:-3]
    assert traces(tmp_path, f"{7:020}.log.deleted", segment) == [(f"file:{7:020}.log.deleted", 1)]


@pytest.mark.parametrize("method", [0x02, 0x82, 0x90])
def test_a_name_that_lies_across_two_blocks_is_found_once(method: int, tmp_path: Path) -> None:
    def block(text: bytes) -> bytes:
        body = {
            0x02: lambda: text,
            0x82: lambda: bytes(cramjam.lz4.compress_block(text, store_size=False)),
            0x90: lambda: bytes(cramjam.zstd.compress(text)),
        }[method]()
        return a_block(method, body, len(text))

    at = TEXT.index(NAME.encode()) + 4
    assert traces(tmp_path, "data.bin", block(TEXT[:at]) + block(TEXT[at:])) == [("file:data.bin", 1)]
    assert traces(tmp_path, "data.bin", block(TEXT[:at]) + block(b"-") + block(TEXT[at:])) == []
    one_by_one = b"".join(block(NAME[n : n + 1].encode()) for n in range(len(NAME)))
    assert traces(tmp_path, "data.bin", one_by_one) == [("file:data.bin", 1)]


@pytest.mark.parametrize("block", [a_block(0x96, b"secret", 6), a_block(0x82, b"\xff\xff\xff", 99)])
def test_what_cannot_be_looked_into_is_never_called_clean(block: bytes, tmp_path: Path) -> None:
    with pytest.raises(CannotInspect):
        list(inside("data.bin", block))
    assert traces(tmp_path, "data.bin", block) == [("file:data.bin", 0)]


def test_a_plain_file_has_nothing_inside() -> None:
    assert list(inside("worker.log", b"a line\n" * 20)) == []
    assert list(inside("data.bin", an_lz4_block(b"text") + b"more")) == []


CODECS = ("LZ4", "ZSTD(3)", "NONE", "LZ4, ZSTD(1)")
PARTS = {"compact": 10**9, "wide": 0}
# In a process of its own: the engine is not to live on in that of the tests.
MAKE_TABLES = """
import itertools, json, sys
import chdb.session
directory, name, codecs, parts = json.loads(sys.argv[1])
with chdb.session.Session(directory) as session:
    session.query("SET allow_suspicious_codecs = 1")
    session.query("CREATE DATABASE d ENGINE = Atomic")
    for (i, codec), (part, wide_from), text in itertools.product(enumerate(codecs), parts.items(), (name, "nobody")):
        table = f"d.{part}_{i}_{'named' if text == name else 'other'}"
        session.query(
            f"CREATE TABLE {table} (n UInt64 CODEC(DoubleDelta, ZSTD(1)), at DateTime64(6) CODEC(Delta, LZ4),"
            f" text String CODEC({codec})) ENGINE = MergeTree ORDER BY n"
            f" SETTINGS min_bytes_for_wide_part = {wide_from}"
        )
        session.query(
            f"INSERT INTO {table} SELECT number, now64(6),"
            f" if(number = 9000, '{text}', concat('Ada Love', toString(number))) FROM numbers(20000)"
        )
    sql = "SELECT name, data_paths[1] FROM system.tables WHERE database = 'd'"
    print(json.dumps(dict(line.split("\\t") for line in str(session.query(sql, "TSV")).splitlines())))
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The directory of each table, by its name: parts as ClickHouse writes them, with the name and without."""
    told = json.dumps([str(tmp_path_factory.mktemp("clickhouse")), NAME, CODECS, PARTS])
    made = subprocess.run([sys.executable, "-c", MAKE_TABLES, told], capture_output=True, text=True, check=True)
    return {name: Path(directory) for name, directory in json.loads(made.stdout).items()}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("part", PARTS)
def test_a_name_in_a_part_of_clickhouse_is_found_and_none_where_there_is_none(
    codec: str, part: str, tables: dict[str, Path]
) -> None:
    table = f"{part}_{CODECS.index(codec)}"
    (data,) = tables[f"{table}_named"].rglob("data.bin" if part == "compact" else "text.bin")
    found = verify_directory(tables[f"{table}_named"], WANTED)
    assert [(Path(trace.place).name, trace.count) for trace in found] == [(data.name, 1)]
    assert verify_directory(tables[f"{table}_other"], WANTED) == []
