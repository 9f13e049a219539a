"""The person ref: the pseudonym under which rows, long-lived topics and cursors know a person."""

import hashlib
import hmac
import string
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from uuid import UUID

MIN_KEY_BYTES = 32
_REF_BYTES = 16


_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def canonical_id(person_id: str) -> str:
    """The one spelling of *person_id* that import, publisher, filter and ref use.

    An id that holds `@` is an e-mail address: no white space around it, composed (NFC), ASCII letters in lower case.
    Nothing else is folded: `straße@` and `strasse@` are two mailboxes. Every other id is taken as it is.
    """
    if "@" not in person_id:
        return person_id
    text = person_id.strip()
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).translate(_SMALL)


def person_ref(key: bytes, client_space_id: str, person_id: str) -> UUID:
    """The ref of a person in a client space: 128 bits of HMAC-SHA256 under the deployment's pseudonymization key.

    The same person has the same ref in every row, in whichever spelling of their id (`canonical_id`). Without *key*
    a ref cannot be computed from an id, nor an id confirmed from a ref. The client space's length goes in first, so
    that no two (space, id) pairs share an input. The UUID is a container of 16 bytes that ClickHouse and JSON know
    how to show; its version bits mean nothing.
    """
    space = client_space_id.encode()
    message = len(space).to_bytes(4, "big") + space + canonical_id(person_id).encode()
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
