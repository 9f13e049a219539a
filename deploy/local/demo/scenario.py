"""What happens while the demo runs: an import of edited user lists, then UI actions and API requests.

Everything is a function of the files and of the time of the first run, ids of events included. So the demo can be
broken off anywhere and run again: it publishes the same events, and the log shows each once.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

from rich.console import Console

from producers.channels.api import ApiRequest
from producers.channels.ui import UiSession
from producers.commands.import_run import RunOptions, run_import
from producers.commands.progress import Progress
from producers.errors import Stamp
from producers.file_import import FileImport, ImportRequest
from producers.publisher import Publisher
from schemas.events import Person

CLIENT_SPACE = "borealis"
FILES = Path(__file__).parent
USERS_BEFORE, USERS_AFTER = FILES / "users-before.csv", FILES / "users-after.csv"

EDITOR = Person("usr_1066", "jurgen.schmidt@example.org", "Jürgen Schmidt")
"""The admin who edited the list and imported it."""
OPERATOR = Person("usr_1128", "chloe.kovacs@example.com", "Chloë Kovács")
"""The admin who works in the UI, and who owns the API's token."""
TOUCHED = Person("usr_1011", "gunther.fernandez@example.com", "Günther Fernández")
"""The user whom all three channels touch: the lists already give them another license."""
SHORT_LIVED = Person("usr_1261", "robin.keller@example.com", "Robin Keller")
"""A user who is created in the UI and deleted by the API: their lines stay, their name does not."""

_NAMESPACE = UUID("0b6a3f0e-5a7d-5c38-9a52-0d8b7f6f4c11")
_SERVICE = "demo"

OpenPublisher = Callable[[], AbstractAsyncContextManager[Publisher]]


def open_import() -> FileImport:
    """The import of both lists: what the second says otherwise than the first."""
    request = ImportRequest(
        USERS_AFTER, client_space_id=CLIENT_SPACE, admin=EDITOR, service=_SERVICE, before=USERS_BEFORE
    )
    return FileImport(request)


async def import_lists(state_dir: Path, open_publisher: OpenPublisher, console: Console) -> datetime:
    """Publish the import's events, and return the time of its first run, which *state_dir* keeps."""
    with open_import() as file_import:
        summary = await run_import(
            file_import, open_publisher, RunOptions(state_dir, repeat=True), progress=Progress(console)
        )
    if summary.occurred_at is None or summary.bad_rows.total:
        raise ValueError("the demo's own files have bad rows")
    return summary.occurred_at


async def act_in_ui(publisher: Publisher, started_at: datetime) -> None:
    """What an admin does in the UI: a creation, its license, and admin rights for a colleague."""
    session = UiSession(publisher, client_space_id=CLIENT_SPACE, admin=OPERATOR, service=_SERVICE, request_id="ui-1")
    await session.user_created(SHORT_LIVED, stamp=_stamp("creation", started_at, 1))
    await session.license_updated(
        SHORT_LIVED, previous_license=None, new_license="Data Reader", stamp=_stamp("license", started_at, 2)
    )
    await session.admin_rights_updated(TOUCHED, granted=True, stamp=_stamp("admin-rights", started_at, 3))


async def act_by_api(publisher: Publisher, started_at: datetime) -> None:
    """What a program does with the admin's token; the idempotency keys are how such clients repeat a request."""
    first_received_at = started_at + timedelta(milliseconds=100)
    request = ApiRequest(
        publisher,
        client_space_id=CLIENT_SPACE,
        token_owner=OPERATOR,
        request_id="api-1",
        service=_SERVICE,
        idempotency_key="demo-1",
        first_received_at=first_received_at,
    )
    await request.license_updated(TOUCHED, previous_license="Data Explorer", new_license="Data Steward")
    await request.admin_rights_updated(TOUCHED, granted=False)
    await request.user_deleted(SHORT_LIVED)


def _stamp(action: str, started_at: datetime, place: int) -> Stamp:
    name = f"{action} {started_at.isoformat()}"
    return Stamp(uuid5(_NAMESPACE, name), started_at + timedelta(milliseconds=place))
