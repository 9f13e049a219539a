"""The wheel's extras: each command needs one, and says which where it is not installed. Imports nothing of them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_USAGE = 2
"""The exit code of a command that cannot run as it stands."""


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Where an import of the block finds no module, end the process with one line that names *extra*."""
    try:
        yield
    except ModuleNotFoundError as error:
        sys.stderr.write(f"audit-produce: {error.name} is missing. Install the wheel with its extra `{extra}`.\n")
        raise SystemExit(_USAGE) from None
