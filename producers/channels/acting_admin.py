"""Who acts in an import: an id from the command line, or a file with names, which a command line must not hold."""

import sys
import tomllib
from pathlib import Path
from typing import Any

from producers.errors import InvalidImport
from schemas.events import Person

STANDARD_INPUT = Path("-")
_FIELDS = {"id", "username", "display_name"}


def read_admin(admin_id: str | None, file: Path | None) -> Person:
    """The admin that the options name. Raises `InvalidImport`, which quotes nothing of the file.

    Shells and the list of processes keep what a command line says, so it may hold no e-mail.
    """
    if (admin_id is None) == (file is None):
        raise InvalidImport("name the admin by --admin-id or by --admin, one of the two")
    if admin_id is not None:
        if "@" in admin_id:
            raise InvalidImport("--admin-id is an e-mail, which the shell would keep: write it into a file for --admin")
        return Person(admin_id)
    given = _read(file or STANDARD_INPUT)
    if not given.keys() <= _FIELDS or "id" not in given or not all(isinstance(text, str) for text in given.values()):
        raise InvalidImport("--admin: the file has id, and may have username and display_name; all are texts")
    return Person(**given)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(sys.stdin.read() if file == STANDARD_INPUT else file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError):
        raise InvalidImport("--admin: the file cannot be read") from None
    except tomllib.TOMLDecodeError:
        raise InvalidImport('--admin: the file is no TOML, such as id = "usr_1"') from None
