"""Who a row is about: the id column decides, else a resolver, else the e-mail stands in for the id."""

import sqlite3
import unicodedata
from pathlib import Path
from typing import Protocol

from producers.errors import InvalidImport
from producers.file_import.rows import Column, Role, RowError
from producers.file_import.table import StructureLost, open_table, require_columns
from producers.file_import.workspace import open_database


class IdResolver(Protocol):
    """The platform's knowledge of its users."""

    def resolve(self, email: str) -> str | None:
        """The platform's id of the user with this e-mail (normalized), or `None` where it knows none."""
        ...


class EmailAsId:
    """Takes the e-mail itself for the id: for a platform whose id it is, or for want of better.

    Where UI and API publish another id of the same person, the log holds them for two.
    """

    def resolve(self, email: str) -> str:
        """*email*."""
        return email


class MappingFileResolver:
    """`IdResolver` from a CSV file with the columns e-mail and user id, however long: it is kept on disk until `close`.

    Raises `InvalidImport` where a row is bad, or gives an e-mail a second id: an id guessed is a person confused.
    """

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        self._database = open_database()
        self._database.execute("CREATE TABLE ids (email TEXT PRIMARY KEY, user_id TEXT) WITHOUT ROWID")
        try:
            self._load(path, encoding)
        except BaseException:
            self.close()
            raise

    def resolve(self, email: str) -> str | None:
        """See `IdResolver.resolve`."""
        found = self._database.execute("SELECT user_id FROM ids WHERE email = ?", (email,)).fetchone()
        return None if found is None else str(found[0])

    def close(self) -> None:
        """Remove the copy on disk."""
        self._database.close()

    def _load(self, path: Path, encoding: str | None) -> None:
        with open_table(path, Role.MAPPING, encoding) as table:
            require_columns(table, {Column.EMAIL, Column.USER_ID}, set())
            for row in table.rows():
                if isinstance(row, StructureLost):
                    raise InvalidImport(str(row.error))
                if isinstance(row, RowError):
                    raise InvalidImport(str(row))
                self._add(row.number, normalize_email(row.cells[Column.EMAIL]), row.cells[Column.USER_ID])

    def _add(self, row_number: int, email: str, user_id: str) -> None:
        if not email or not user_id:
            column = Column.USER_ID if email else Column.EMAIL
            raise InvalidImport(str(RowError(Role.MAPPING, row_number, column, "blank")))
        try:
            self._database.execute("INSERT INTO ids VALUES (?, ?)", (email, user_id))
        except sqlite3.IntegrityError:
            if self.resolve(email) != user_id:
                error = RowError(Role.MAPPING, row_number, Column.USER_ID, "another id for an e-mail named above")
                raise InvalidImport(str(error)) from None


def normalize_email(email: str) -> str:
    """One spelling for one mailbox: composed (NFC), case folded, without blanks around it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email.strip()).casefold())
