"""Which import this is, and the stamp of each of its actions: functions of the client space, the files and the time."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid5

from producers.errors import Stamp
from producers.file_import.rows import Action, Role

_NAMESPACE = UUID("b0f3a1de-52d7-5f0e-8a55-0d6c1f7b9e42")


def files_id(client_space_id: str, *file_sha256s: bytes) -> UUID:
    """The id of these files, in this order, for this client space: what a second run has in common with the first."""
    return uuid5(_NAMESPACE, json.dumps([client_space_id, *(digest.hex() for digest in file_sha256s)]))


def import_id(of_files: UUID, imported_at: datetime) -> UUID:
    """The id of the import of these files at *imported_at*: the same change at another time is another import."""
    return uuid5(of_files, imported_at.astimezone(UTC).isoformat())


def stamp(of_import: UUID, imported_at: datetime, action: Action) -> Stamp:
    """The stamp of *action*.

    Its id names the import, the row and the activity. Its time is the row's own if it has one. Otherwise it is the
    import's, moved by microseconds so that the log keeps the order in which things must have happened: the rows' in
    an action list, and creation, license, admin rights for a user of two lists.
    """
    name = f'["{action.role}", {action.row_number}, "{action.activity.activity_type}"]'
    microseconds = action.row_number if action.role is Role.ACTIONS else action.rank
    return Stamp(uuid5(of_import, name), action.occurred_at or imported_at + timedelta(microseconds=microseconds))
