"""Confluent's wire format."""

import pytest

from schemas.errors import InvalidEvent, Reason
from schemas.wire import frame, unframe


def test_the_header_is_a_zero_byte_and_the_id_in_four_bytes_big_endian() -> None:
    assert frame(258, b"datum") == b"\x00\x00\x00\x01\x02datum"


@pytest.mark.parametrize("schema_id", [0, 1, 2**31, 2**32 - 1])
def test_what_was_framed_is_found_again(schema_id: int) -> None:
    assert unframe(frame(schema_id, b"datum")) == (schema_id, b"datum")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.EMPTY_RECORD),
        (b"", Reason.EMPTY_RECORD),
        (b"\x00\x00\x00\x00", Reason.WRONG_MAGIC),
        (b"\x01\x00\x00\x00\x07datum", Reason.WRONG_MAGIC),
        (b'{"event_id": 1}', Reason.WRONG_MAGIC),
    ],
)
def test_a_value_without_the_header_is_refused(value: bytes | None, reason: Reason) -> None:
    with pytest.raises(InvalidEvent) as refused:
        unframe(value)
    assert refused.value.reason is reason
