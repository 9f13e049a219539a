"""The datum of an event, written field by field: five times as fast as a general encoder, and equal to it by test.

It knows the order of the current schema's fields, which a released schema keeps for ever. A new version changes this
file with it.
"""

from schemas.events import Channel
from schemas.fields import EventFields

_CHANNELS = {channel.value: bytes([2 * index]) for index, channel in enumerate(Channel)}
_ACTIVITIES = {
    "UserCreation": b"\x00",
    "UserDeletion": b"\x02",
    "UserLicenseUpdate": b"\x04",
    "AdminRightsUpdate": b"\x06",
}
_NULL, _PRESENT = b"\x00", b"\x02"
_SEVEN_BITS, _CONTINUED = 0x7F, 0x80


def write_event(fields: EventFields) -> bytes:
    """The Avro datum of *fields*, which were checked. Raises `UnicodeEncodeError` for what UTF-8 cannot hold."""
    parts = [
        _text(fields.event_id),
        _long(fields.occurred_at),
        _text(fields.client_space_id),
        _CHANNELS[fields.channel],
        _text(fields.admin_id),
        _optional(fields.admin_username),
        _optional(fields.admin_display_name),
        _text(fields.affected_user_id),
        _optional(fields.affected_user_username),
        _optional(fields.affected_user_display_name),
        _ACTIVITIES[fields.activity],
    ]
    if fields.activity == "UserLicenseUpdate":
        parts += [_optional(fields.previous_license), _optional(fields.new_license)]
    elif fields.activity == "AdminRightsUpdate":
        parts.append(b"\x01" if fields.granted else b"\x00")
    if fields.service is None:
        parts.append(_NULL)
    else:
        parts += [_PRESENT, _text(fields.service), _optional(fields.request_id), _optional(fields.import_id)]
        sha256, row_number = fields.file_sha256, fields.row_number
        parts.append(_NULL if sha256 is None else _PRESENT + sha256)
        parts.append(_NULL if row_number is None else _PRESENT + _long(row_number))
    return b"".join(parts)


def _text(text: str) -> bytes:
    encoded = text.encode()
    size = len(encoded)
    return (bytes((2 * size,)) if size < _CONTINUED // 2 else _long(size)) + encoded


def _optional(text: str | None) -> bytes:
    return _NULL if text is None else _PRESENT + _text(text)


def _long(number: int) -> bytes:
    zigzag = (number << 1) ^ (number >> 63)
    written = bytearray()
    while zigzag > _SEVEN_BITS:
        written.append(zigzag & _SEVEN_BITS | _CONTINUED)
        zigzag >>= 7
    written.append(zigzag)
    return bytes(written)
