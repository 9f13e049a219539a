"""The datum of an event, checked and written in one pass: four times as fast as fastavro writes, equal to it by test.

It knows the order of the current schema's fields, which a released schema keeps for ever. A new version changes this
file with it. What the events of one admin, request or import have in common is written once and remembered.
"""

from functools import lru_cache
from typing import NoReturn
from uuid import UUID

from schemas.events import (
    Activity,
    AdminRightsUpdate,
    Channel,
    Event,
    Person,
    Source,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)
from schemas.fields import to_micros
from schemas.limits import MAX_LENGTHS, MAX_ROW_NUMBER, SHA256_BYTES, is_possible_time

_CHANNELS = {channel: bytes([2 * index]) for index, channel in enumerate(Channel)}
_ACTIVITIES = {UserCreation: b"\x00", UserDeletion: b"\x02", UserLicenseUpdate: b"\x04", AdminRightsUpdate: b"\x06"}
_NULL, _PRESENT = b"\x00", b"\x02"
_UUID_SIZE = b"\x48"
_SEVEN_BITS, _CONTINUED = 0x7F, 0x80
_SIZES = [bytes((2 * size,)) for size in range(_CONTINUED // 2)]
_REMEMBERED = 256

_ID, _USERNAME, _DISPLAY_NAME = MAX_LENGTHS["id"], MAX_LENGTHS["username"], MAX_LENGTHS["display_name"]
_LICENSE = MAX_LENGTHS["license"]


def write_event(event: Event, *, recorded_at: int) -> bytes | None:
    """The Avro datum of *event*, or `None` where a publisher must refuse it, for a reason that `check_event` gives.

    *recorded_at* is as in `check_fields`.
    """
    try:
        return _written(event, recorded_at)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _written(event: Event, recorded_at: int) -> bytes:
    admin, micros = event.admin, to_micros(event.occurred_at)
    if not (isinstance(event.event_id, UUID) and is_possible_time(micros, recorded_at=recorded_at)):
        _refuse()
    return b"".join(
        (
            _UUID_SIZE,
            str(event.event_id).encode(),
            _long(micros),
            _common(event.client_space_id, event.channel, admin.id, admin.username, admin.display_name),
            _affected_user(event.affected_user, is_nameless=isinstance(event.activity, UserDeletion)),
            _activity(event.activity),
            _NULL if event.source is None else _source(event.source),
        )
    )


@lru_cache(_REMEMBERED, typed=True)
def _common(space: str, channel: Channel, admin_id: str, username: str | None, display_name: str | None) -> bytes:
    if not isinstance(channel, Channel) or channel is Channel.UNKNOWN:
        _refuse()
    names = _optional(username, _USERNAME) + _optional(display_name, _DISPLAY_NAME)
    return _text(space, MAX_LENGTHS["client_space_id"]) + _CHANNELS[channel] + _text(admin_id, _ID) + names


def _affected_user(user: Person, *, is_nameless: bool) -> bytes:
    if is_nameless and (user.username, user.display_name) != (None, None):
        _refuse()
    return _text(user.id, _ID) + _optional(user.username, _USERNAME) + _optional(user.display_name, _DISPLAY_NAME)


def _activity(activity: Activity) -> bytes:
    branch = _ACTIVITIES[type(activity)]
    if isinstance(activity, UserLicenseUpdate):
        return branch + _optional(activity.previous_license, _LICENSE) + _optional(activity.new_license, _LICENSE)
    if isinstance(activity, AdminRightsUpdate):
        if not isinstance(activity.granted, bool):
            _refuse()
        return branch + (b"\x01" if activity.granted else b"\x00")
    return branch


def _source(source: Source) -> bytes:
    common = _common_source(source.service, source.request_id, source.import_id, source.file_sha256)
    row_number = source.row_number
    if row_number is None:
        return common + _NULL
    if not isinstance(row_number, int) or not 1 <= row_number <= MAX_ROW_NUMBER:
        _refuse()
    return common + _PRESENT + _long(row_number)


@lru_cache(_REMEMBERED, typed=True)
def _common_source(service: str, request_id: str | None, import_id: UUID | None, file_sha256: bytes | None) -> bytes:
    if not (import_id is None or isinstance(import_id, UUID)):
        _refuse()
    if not (file_sha256 is None or (isinstance(file_sha256, bytes) and len(file_sha256) == SHA256_BYTES)):
        _refuse()
    return b"".join(
        (
            _PRESENT,
            _text(service, MAX_LENGTHS["service"]),
            _optional(request_id, MAX_LENGTHS["request_id"]),
            _NULL if import_id is None else _PRESENT + _UUID_SIZE + str(import_id).encode(),
            _NULL if file_sha256 is None else _PRESENT + file_sha256,
        )
    )


def _text(text: str, limit: int) -> bytes:
    if not (isinstance(text, str) and 0 < len(text) <= limit) or text.isspace():
        _refuse()
    encoded = text.encode()
    size = len(encoded)
    return (_SIZES[size] if size < len(_SIZES) else _long(size)) + encoded


def _optional(text: str | None, limit: int) -> bytes:
    return _NULL if text is None else _PRESENT + _text(text, limit)


def _long(number: int) -> bytes:
    zigzag = (number << 1) ^ (number >> 63)
    written = bytearray()
    while zigzag > _SEVEN_BITS:
        written.append(zigzag & _SEVEN_BITS | _CONTINUED)
        zigzag >>= 7
    written.append(zigzag)
    return bytes(written)


def _refuse() -> NoReturn:
    raise ValueError
