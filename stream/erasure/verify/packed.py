"""What is inside compressed files: ClickHouse's parts, Kafka's segments, rotated logs. Bytes in, bytes out.

Text in a compressed file is nowhere in the file's own bytes.
"""

import bz2
import gzip
import io
import lzma
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from mmap import mmap
from typing import IO, cast

import cramjam
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords

_SEGMENT = re.compile(r"\d{20}\.log(\..+)?")
_BATCH_HEADER = struct.Struct(">qi")

# https://github.com/ClickHouse/ClickHouse/blob/master/src/Compression/CompressionInfo.h
_BLOCK_HEADER = struct.Struct("<BII")
_CHECKSUM_BYTES = 16
_NONE, _LZ4, _ZSTD, _SEVERAL = 0x02, 0x82, 0x90, 0x91
_FOR_NUMBERS = frozenset({0x92, 0x93, 0x94, 0x95, 0x98, 0x9A})
"""Delta, T64, DoubleDelta, Gorilla, FPC, GCD: they take numbers and times only."""

_MAX_BLOCK_BYTES = 1 << 30
_PIECE_BYTES = 4 << 20
_MAX_ZSTD_BYTES = 256 << 20


class CannotInspect(ValueError):
    """A block that cannot be looked into: encrypted, damaged, or of a later version than this."""


def _gzip(source: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(fileobj=source))


def _bz2(source: IO[bytes]) -> IO[bytes]:
    return bz2.BZ2File(source)


def _xz(source: IO[bytes]) -> IO[bytes]:
    return lzma.LZMAFile(source)


def _zstd(source: IO[bytes]) -> IO[bytes]:
    # The library unpacks whole files only.
    content = source.read(_MAX_ZSTD_BYTES + 1)
    if len(content) > _MAX_ZSTD_BYTES:
        raise CannotInspect("a zstd file above 256 MB: unpack it first")
    return io.BytesIO(bytes(cramjam.zstd.decompress(content)))


_COMPRESSED: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": _gzip,
    b"BZh": _bz2,
    b"\xfd7zXZ\0": _xz,
    b"\x28\xb5\x2f\xfd": _zstd,
}
"""How to unpack a file, by the bytes that it begins with: gzip, bzip2, xz, zstd."""


def inside(name: str, content: mmap | bytes) -> Iterator[bytes]:
    """What the file *name* with *content* holds once it is decompressed, piece by piece; nothing for a plain file.

    A block or batch that is still being written at the end of the file is left out. Raises `CannotInspect`.
    """
    if _SEGMENT.fullmatch(name):
        return _of_segment(content)
    for magic, unpack in _COMPRESSED.items():
        if content[: len(magic)] == magic:
            return _of_compressed(content, unpack)
    return _of_blocks(content) if _are_blocks(content) else iter(())


def _of_compressed(content: mmap | bytes, unpack: Callable[[IO[bytes]], IO[bytes]]) -> Iterator[bytes]:
    """What a gzip, bzip2, xz or zstd file holds; what is compressed twice is unpacked twice."""
    source = io.BytesIO(content) if isinstance(content, bytes) else cast("IO[bytes]", content)
    source.seek(0)
    try:
        with unpack(source) as unpacked:
            first = unpacked.read(_PIECE_BYTES)
            inner = next((make for magic, make in _COMPRESSED.items() if first.startswith(magic)), None)
            if inner is not None:
                # Unpacked whole: who compresses twice compresses little.
                first += unpacked.read(_MAX_BLOCK_BYTES)
                yield from _of_compressed(first, inner)
                return
            yield first
            yield from iter(partial(unpacked.read, _PIECE_BYTES), b"")
    except CannotInspect:
        raise
    except (EOFError, OSError, ValueError, lzma.LZMAError, zlib.error, cramjam.DecompressionError) as error:
        raise CannotInspect("a compressed file that is damaged or cut off") from error


def _of_segment(content: mmap | bytes) -> Iterator[bytes]:
    """Key and value of every record that is still in the segment, whether or not a newer one hides it."""
    at = 0
    while at + _BATCH_HEADER.size <= len(content):
        _, length = _BATCH_HEADER.unpack_from(content, at)
        end = at + _BATCH_HEADER.size + length
        if length <= 0 or end > len(content):
            return
        try:
            batches = MemoryRecords(content[at:end])
            while (batch := batches.next_batch()) is not None:
                for record in batch:
                    yield (record.key or b"") + b"\0" + (record.value or b"")
        except (CorruptRecordException, ValueError, RuntimeError, cramjam.DecompressionError) as error:
            raise CannotInspect("a batch of a segment") from error
        at = end


def _are_blocks(content: mmap | bytes) -> bool:
    """Whether *content* consists of compressed blocks from its beginning to its end."""
    at = 0
    while at + _CHECKSUM_BYTES + _BLOCK_HEADER.size <= len(content):
        method, size, raw_size = _BLOCK_HEADER.unpack_from(content, at + _CHECKSUM_BYTES)
        is_method = method == _NONE or method & 0x80
        if not is_method or not _BLOCK_HEADER.size <= size <= _MAX_BLOCK_BYTES or raw_size > _MAX_BLOCK_BYTES:
            return False
        at += _CHECKSUM_BYTES + size
    return at == len(content)


def _of_blocks(content: mmap | bytes) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        start = at + _CHECKSUM_BYTES
        _, size, _ = _BLOCK_HEADER.unpack_from(content, start)
        yield _unpacked(content[start : start + size])
        at = start + size


def _unpacked(block: bytes) -> bytes:
    """What *block*, which begins with its header, holds; nothing where it holds numbers."""
    method, size, raw_size = _BLOCK_HEADER.unpack_from(block)
    body = block[_BLOCK_HEADER.size : size]
    try:
        if method == _NONE:
            return body
        if method == _LZ4:
            return bytes(cramjam.lz4.decompress_block(body, output_len=raw_size))
        if method == _ZSTD:
            return bytes(cramjam.zstd.decompress(body))
        if method == _SEVERAL:
            count = body[0]
            inner = body[1 + count :]
            for _ in range(count):
                inner = _unpacked(inner) if inner else inner
            return inner
    except (cramjam.DecompressionError, IndexError, struct.error) as error:
        raise CannotInspect("a compressed block") from error
    if method in _FOR_NUMBERS:
        return b""
    raise CannotInspect(f"a block of the codec {method:#x}")
