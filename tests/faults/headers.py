"""A record whose header key is no UTF-8: aiokafka writes none, so the bytes of a batch are changed."""

from collections.abc import Callable

from aiokafka.record.util import calc_crc32c

HEADER = "zz"
_NO_UTF8 = b"\xff\xfe"
_LENGTH, _CRC, _CODEC = slice(8, 12), slice(17, 21), 22
_BEFORE_LENGTH, _CHECKED_FROM, _RECORDS_FROM = 12, 21, 61


def unreadable(batch: bytes, codec: int = 0, compress: Callable[[bytes], bytes] = bytes) -> bytes:
    """*batch*, uncompressed, with the header key `HEADER` exchanged for other bytes, and compressed then."""
    head, records = batch[:_RECORDS_FROM], batch[_RECORDS_FROM:].replace(HEADER.encode(), _NO_UTF8)
    changed = bytearray(head + compress(records))
    changed[_LENGTH] = (len(changed) - _BEFORE_LENGTH).to_bytes(4, "big")
    changed[_CODEC] = codec
    changed[_CRC] = calc_crc32c(bytes(changed[_CHECKED_FROM:])).to_bytes(4, "big")
    return bytes(changed)
