"""The cursor: where a walk through the log stopped, sealed so that it serves that walk and no other. Pure.

Its text is base64url of the place, the order and the time of expiry, encrypted and authenticated (AES-SIV). The client
space and the filters are authenticated with it, so a cursor shows nothing and fits nothing else: the offsets of the
order `recorded` would say how much all client spaces do. It pins no time bound. A walk needs none: it goes away from
where lines are added, and the start of retention must move on with the clock.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from query_api.errors import InvalidCursor
from query_api.log.filters import ActivityFilter, Order, Position
from schemas.fields import from_micros, to_micros

LIFETIME = timedelta(hours=24)

MET_LIFETIME = timedelta(days=30)
"""A machine that reads what was recorded since its last visit may be down for a while."""

_VERSION, _MET_VERSION = 2, 4
_BODY = struct.Struct(">BBqq16s")
"""Version, order, expiry and `occurred_at` (microseconds since 1970), `event_id`."""
IMPORTS = "imports"
"""The order of a walk through file imports. Its places are last lines, named by their import's id."""
_ORDERS = (Order.DESC, Order.ASC, IMPORTS)
_MET_HEAD = struct.Struct(">Bq")
"""Version and expiry; what was met of each partition follows."""
_MET = struct.Struct(">HQ")
"""Partition and offset."""
_TAG_BYTES = 16


class CursorSealer:
    """Seals and opens cursors under one key, of which the encryption key is derived."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(hmac.digest(key, b"cursor", hashlib.sha512))

    def seal(
        self, position: Position, *, client_space_id: str, activity_filter: ActivityFilter, order: str, now: datetime
    ) -> str:
        """The cursor that continues after *position*. It can be opened for 24 hours with the same other arguments."""
        body = _BODY.pack(
            _VERSION,
            _ORDERS.index(order),
            to_micros(now + LIFETIME),
            to_micros(position.occurred_at),
            position.event_id.bytes,
        )
        return self._sealed(body, client_space_id, activity_filter)

    def open(
        self, text: str, *, client_space_id: str, activity_filter: ActivityFilter, order: str, now: datetime
    ) -> Position:
        """The position in *text*. Raises `InvalidCursor` unless `seal` made it so, within 24 hours."""
        body = self._opened(text, client_space_id, activity_filter)
        if len(body) != _BODY.size or body[0] != _VERSION or _ORDERS[body[1]] != order:
            raise InvalidCursor("the cursor is of another version or order")
        _, _, expires_at, occurred_at, event_id = _BODY.unpack(body)
        if to_micros(now) >= expires_at:
            raise InvalidCursor("the cursor has expired")
        return Position(from_micros(occurred_at), UUID(bytes=event_id))

    def seal_met(
        self, met: Mapping[int, int], *, client_space_id: str, activity_filter: ActivityFilter, now: datetime
    ) -> str:
        """The cursor of a walk in the order `recorded` that met partitions up to *met*. It lasts 30 days."""
        head = _MET_HEAD.pack(_MET_VERSION, to_micros(now + MET_LIFETIME))
        body = head + b"".join(_MET.pack(*place) for place in sorted(met.items()))
        return self._sealed(body, client_space_id, activity_filter)

    def open_met(
        self, text: str, *, client_space_id: str, activity_filter: ActivityFilter, now: datetime
    ) -> dict[int, int]:
        """What *text* says was met. Raises `InvalidCursor` unless `seal_met` made it so, within 30 days."""
        body = self._opened(text, client_space_id, activity_filter)
        if len(body) < _MET_HEAD.size or body[0] != _MET_VERSION:
            raise InvalidCursor("the cursor is of another version or order")
        _, expires_at = _MET_HEAD.unpack_from(body)
        if to_micros(now) >= expires_at:
            raise InvalidCursor("the cursor has expired")
        return dict(_MET.iter_unpack(body[_MET_HEAD.size :]))

    def _sealed(self, body: bytes, client_space_id: str, activity_filter: ActivityFilter) -> str:
        return _to_text(self._cipher.encrypt(body, _walk(client_space_id, activity_filter)))

    def _opened(self, text: str, client_space_id: str, activity_filter: ActivityFilter) -> bytes:
        try:
            return self._cipher.decrypt(_from_text(text), _walk(client_space_id, activity_filter))
        except InvalidTag:
            raise InvalidCursor("the cursor is not one of this client space and these filters") from None


def _walk(client_space_id: str, activity_filter: ActivityFilter) -> list[bytes | bytearray | memoryview]:
    """What a cursor is bound to. Each part is authenticated as one, so no two walks share an input."""
    return [activity_filter.digest(), client_space_id.encode()]


def _to_text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode()


def _from_text(text: str) -> bytes:
    """The bytes in *text*, which must be the one spelling of them: base64 decoders forgive others."""
    try:
        sealed = base64.urlsafe_b64decode(text.encode("ascii"))
    except (UnicodeEncodeError, binascii.Error, ValueError) as error:
        raise InvalidCursor("the cursor is no base64url") from error
    if len(sealed) <= _TAG_BYTES or _to_text(sealed) != text:
        raise InvalidCursor("the cursor is not spelled as it was given")
    return sealed
