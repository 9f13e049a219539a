"""The file imports that the log's lines come from, and what each did."""

from dataclasses import dataclass

from query_api.access.auth import Caller
from query_api.log.activity_log import ActivityLog, Bounds, bounds_of, is_wanted
from query_api.log.cursor import IMPORTS, CursorSealer
from query_api.log.filters import ActivityFilter, Position
from query_api.log.persons import ShownPerson
from query_api.log.reader import FileImport, LogReader
from schemas.lifetimes import happened_at


@dataclass(frozen=True, slots=True)
class ShownImport:
    """A file import, with the admin of its last line as that line shows them."""

    found: FileImport
    admin: ShownPerson


@dataclass(frozen=True, slots=True)
class ImportsPage:
    """A page of file imports, and the bounds that it was read in."""

    imports: list[ShownImport]
    next_cursor: str | None
    bounds: Bounds


class Imports:
    """Counts the lines that `ActivityLog` shows, by file import: same filters, same retention, same persons."""

    def __init__(self, log: ActivityLog, reader: LogReader, sealer: CursorSealer) -> None:
        self._log = log
        self._reader = reader
        self._sealer = sealer

    async def page(
        self, caller: Caller, activity_filter: ActivityFilter, limit: int, cursor: str | None
    ) -> ImportsPage:
        """One page, the import with the latest line first. Raises `InvalidCursor` or `StoreError`."""
        now, space = self._log.now(), caller.client_space_id
        behind = None
        if cursor is not None:
            behind = self._sealer.open(
                cursor, client_space_id=space, activity_filter=activity_filter, order=IMPORTS, now=now
            )
        selection = await self._log.selection(caller, activity_filter, limit=limit + 1, now=now)
        found = await self._reader.imports(caller, selection, behind)
        next_cursor = None
        if len(found) > limit:
            last = Position(found[limit - 1].last_at, found[limit - 1].import_id)
            next_cursor = self._sealer.seal(
                last, client_space_id=space, activity_filter=activity_filter, order=IMPORTS, now=now
            )
        shown = await self._shown(caller, found[:limit], activity_filter)
        return ImportsPage(shown, next_cursor, bounds_of(selection, activity_filter, now))

    async def _shown(
        self, caller: Caller, found: list[FileImport], activity_filter: ActivityFilter
    ) -> list[ShownImport]:
        """*found* with their admins, without those that a deletion has put outside *activity_filter*."""
        persons = await self._log.persons(caller, {one.admin_ref for one in found})
        shown = [
            ShownImport(one, persons.show(one.admin_ref, happened_at(one.last_at, one.precedence))) for one in found
        ]
        wanted, deleted = activity_filter.admins, activity_filter.deleted_admins
        return [one for one in shown if is_wanted(one.admin, wanted, deleted=deleted)]
