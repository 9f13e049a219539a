"""An SQLite database on disk that nobody else sees and that vanishes with its connection."""

import sqlite3

_CACHE_KIB = 16_384


def open_database() -> sqlite3.Connection:
    """A private database: SQLite keeps it in an unlinked temporary file beyond its cache, however large it grows.

    The file has the mode 0600 and no name, so that names and e-mails are left nowhere, not even by a crash.
    """
    database = sqlite3.connect("", isolation_level=None)
    database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    database.execute("PRAGMA temp_store = FILE")
    # Nothing here outlives the process, so nothing has to survive a crash.
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    return database
