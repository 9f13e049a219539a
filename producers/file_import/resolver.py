"""Who a row is about: the id column decides, else a resolver, else the e-mail stands in for the id."""

import sqlite3
from pathlib import Path
from typing import Protocol

from producers.errors import InvalidImport
from producers.file_import.rows import Code, Column, Fault, Role, Row, RowError
from producers.file_import.table import HowToRead, Table, open_table, require_columns
from producers.file_import.workspace import open_database
from schemas.person_ref import canonical_id


class IdResolver(Protocol):
    """The platform's knowledge of its users."""

    def resolve(self, email: str) -> str | None:
        """The platform's id of the user with this e-mail (as `canonical_id` writes it), or `None` if unknown."""
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

    def __init__(self, path: Path, how: HowToRead | None = None) -> None:
        self._database = open_database()
        self._database.execute("CREATE TABLE ids (email TEXT PRIMARY KEY, user_id TEXT) WITHOUT ROWID")
        try:
            self._load(path, how or HowToRead())
        except BaseException:
            self.close()
            raise

    def resolve(self, email: str) -> str | None:
        found = self._database.execute("SELECT user_id FROM ids WHERE email = ?", (email,)).fetchone()
        return None if found is None else str(found[0])

    def close(self) -> None:
        """Remove the copy on disk."""
        self._database.close()

    def _load(self, path: Path, how: HowToRead) -> None:
        with open_table(path, Role.MAPPING, how) as table:
            require_columns(table, {Column.EMAIL, Column.USER_ID}, set())
            for row in table.rows():
                if isinstance(row, RowError):
                    raise InvalidImport(str(row))
                for column, fault in row.faults.items():
                    raise InvalidImport(str(table.error(row, column, fault)))
                self._add(table, row)
            self.digest = table.sha256()

    def _add(self, table: Table, row: Row) -> None:
        email, user_id = canonical_id(row.cells[Column.EMAIL]), canonical_id(row.cells[Column.USER_ID])
        if not email or not user_id:
            column = Column.USER_ID if email else Column.EMAIL
            raise InvalidImport(str(table.error(row, column, Fault(Code.BLANK, "blank"))))
        try:
            self._database.execute("INSERT INTO ids VALUES (?, ?)", (email, user_id))
        except sqlite3.IntegrityError:
            if self.resolve(email) != user_id:
                fault = Fault(Code.CONTRADICTION, "another id for an e-mail named above")
                raise InvalidImport(str(table.error(row, Column.USER_ID, fault))) from None
