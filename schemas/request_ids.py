"""Request ids are kept for twelve months, and no erasure reaches them: an e-mail, a path or a name must not fit in."""

import re
from uuid import uuid4

from schemas.limits import MAX_LENGTHS

_REQUEST_ID = re.compile(
    r"(?=.*[0-9])[A-Za-z]{0,4}[-_:=]?[0-9A-Fa-f]+([-:.][0-9A-Fa-f]+)*"  # such as req-4711, a UUID, a trace id
    r"|[0-7][0-9A-HJKMNP-TV-Z]{25}"  # ULID
)


def is_request_id(text: str) -> bool:
    """Whether *text* may stand in a log as a request id."""
    return len(text) <= MAX_LENGTHS["request_id"] and bool(_REQUEST_ID.fullmatch(text))


def as_request_id(given: str) -> str:
    """*given* where it may stand in a log as a request id, else a new one."""
    return given if is_request_id(given) else uuid4().hex
