"""What a client takes, by the headers `Accept` and `Accept-Encoding`."""

import re
from collections.abc import Iterator

_NEVER = re.compile(r"q=0(\.0{0,3})?")


def accepted(header: str) -> Iterator[str]:
    """The names in *header*, in lower case, but those whose weight is zero."""
    for part in header.lower().split(","):
        name, *parameters = (text.strip() for text in part.split(";"))
        if not any(map(_NEVER.fullmatch, parameters)):
            yield name


def accepted_codings(accept_encoding: str) -> list[str]:
    """Those of Brotli and gzip that the header *accept_encoding* takes, the shorter form first."""
    asked = set(accepted(accept_encoding))
    return [coding for coding in ("br", "gzip") if coding in asked]
