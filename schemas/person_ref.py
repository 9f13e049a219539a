"""The person ref: the pseudonym under which rows, long-lived topics and cursors know a person."""

import hashlib
import hmac
from collections.abc import Callable
from functools import lru_cache
from uuid import UUID

MIN_KEY_BYTES = 32
_REF_BYTES = 16


def person_ref(key: bytes, client_space_id: str, person_id: str) -> UUID:
    """The ref of a person in a client space: 128 bits of HMAC-SHA256 under the deployment's pseudonymization key.

    The same person has the same ref in every row; without *key* a ref cannot be computed from an id, nor an id
    confirmed from a ref. The client space's length goes in first, so that no two (space, id) pairs share an input.
    The UUID is a container of 16 bytes that ClickHouse and JSON know how to show; its version bits mean nothing.
    """
    space = client_space_id.encode()
    message = len(space).to_bytes(4, "big") + space + person_id.encode()
    return UUID(bytes=hmac.digest(key, message, hashlib.sha256)[:_REF_BYTES])


PersonRefs = Callable[[str, str], str]
"""From a client space and a person's id to their ref, as text."""

_REMEMBERED = 50_000


def person_refs(key: bytes) -> PersonRefs:
    """`person_ref` under *key*, remembering the refs that it was asked for last: the same few people act all day."""

    @lru_cache(_REMEMBERED)
    def remembered(client_space_id: str, person_id: str) -> str:
        return str(person_ref(key, client_space_id, person_id))

    return remembered
