"""Who viewed the log: each view and export leaves an entry, and no caller can prevent it.

An entry names all persons, the viewer included, by refs alone. It holds the licenses as they were asked for, and no
text that was searched for.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

import structlog

from query_api.errors import StoreError, StoreUnavailable
from query_api.log.filters import ActivityFilter

MAX_WAITING = 10_000
MAX_BATCH = 1_000
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
CLOSING_SECONDS = 5
GATHERING_SECONDS = 1.0
"""How long the first view waits for others: each insert is a part that ClickHouse must merge."""

_logger = structlog.get_logger(__name__)


class Action(StrEnum):
    """What was viewed."""

    LIST = "list"
    DETAIL = "detail"
    STATS = "stats"
    USERS = "users"
    ADMINS = "admins"
    IMPORTS = "imports"
    META = "meta"
    EXPORT = "export"


class Access(NamedTuple):
    """One view of the log. The fields are the columns of `access_log`."""

    client_space_id: str
    at: datetime
    access_id: UUID
    subject_ref: UUID
    action: Action
    filters: str
    request_id: str


class AccessLog(Protocol):
    """Where entries are kept."""

    async def record(self, accesses: Sequence[Access]) -> None:
        """Store *accesses*, durable on return. Raises `StoreError`; a repeated call stores nothing twice."""
        ...


class AccessRecorder:
    """Records exports before they begin, and views after their answers.

    Views wait in memory, at most `MAX_WAITING`, and are retried until they are stored. Once that many wait, further
    views are refused: a log that cannot record its readers is not read. A crash loses the views that wait.
    """

    def __init__(self, access_log: AccessLog) -> None:
        self._access_log = access_log
        self._waiting: deque[Access] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many views wait."""
        return len(self._waiting)

    async def record_export(self, access: Access) -> None:
        """Durable on return. Raises `StoreError`, and then nothing may be exported."""
        await self._access_log.record([access])

    def record_view(self, access: Access) -> None:
        """Recorded within seconds. Raises `StoreUnavailable` where `MAX_WAITING` views wait."""
        if len(self._waiting) >= MAX_WAITING:
            raise StoreUnavailable("views cannot be recorded")
        self._waiting.append(access)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Record the views that wait, for at most `CLOSING_SECONDS`."""
        self._closing.set()
        if self._writing is not None:
            _, late = await asyncio.wait([self._writing], timeout=CLOSING_SECONDS)
            for task in late:
                task.cancel()
                _logger.error("views_not_recorded", views=len(self._waiting))

    async def _write(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        await self._rest(GATHERING_SECONDS)
        while self._waiting:
            batch = [self._waiting[number] for number in range(min(MAX_BATCH, len(self._waiting)))]
            try:
                await self._access_log.record(batch)
            except StoreError as error:
                _logger.warning("views_wait", error=type(error).__name__, views=len(self._waiting))
                await self._rest(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                continue
            pause = FIRST_PAUSE_SECONDS
            for _ in batch:
                self._waiting.popleft()

    async def _rest(self, seconds: float) -> None:
        """Wait *seconds*, or a moment once the service ends."""
        if self._closing.is_set():
            await asyncio.sleep(FIRST_PAUSE_SECONDS / 10)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)


def filters_text(activity_filter: ActivityFilter, **others: object) -> str:
    """What was asked for, as JSON: persons by ref, and of *others* what is not `None`."""
    values: Mapping[str, object] = {
        "activity_type": sorted(activity_filter.activity_types),
        "channel": sorted(activity_filter.channels),
        "affected_user": _persons(activity_filter.affected_users, deleted=activity_filter.deleted_affected_users),
        "admin": _persons(activity_filter.admins, deleted=activity_filter.deleted_admins),
        "import_id": sorted(map(str, activity_filter.import_ids)),
        "license": sorted(activity_filter.licenses),
        "admin_rights": ["granted" if granted else "removed" for granted in sorted(activity_filter.admin_rights)],
        "from": _instant(activity_filter.since),
        "to": _instant(activity_filter.until),
        **others,
    }
    return json.dumps({name: value for name, value in values.items() if value not in (None, [])})


def _persons(refs: frozenset[UUID], *, deleted: bool) -> list[str]:
    return [*sorted(map(str, refs)), *(["deleted"] if deleted else [])]


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat()
