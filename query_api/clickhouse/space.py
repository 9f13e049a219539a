"""The one place that makes statements about the log, and binds the client space to each."""

from collections.abc import Collection, Mapping
from typing import Any

from query_api.access.auth import Caller
from query_api.clickhouse.connection import ClickHouseConnection
from query_api.clickhouse.turns import Turns
from query_api.log.reader import Line

LINE_COLUMNS = ", ".join(Line._fields)


class SpaceReader:
    """Reads of one client space at a time."""

    def __init__(self, connection: ClickHouseConnection) -> None:
        self._connection = connection
        self._turns = Turns()

    async def _select(  # noqa: PLR0913 - the parts of a statement, and what it costs
        self,
        caller: Caller,
        columns: str,
        table: str,
        clauses: Collection[str],
        rest: str,
        parameters: Mapping[str, Any],
        *,
        is_costly: bool = False,
    ) -> list[tuple[Any, ...]]:
        """Rows of *table*, those of the caller's client space alone. *is_costly*: as `Turns` says.

        Every text is one of this package's own; values come as *parameters* and are bound. A subquery in one of them
        binds `{client_space_id:String}` itself.
        """
        where = " AND ".join(["client_space_id = {client_space_id:String}", *clauses])
        statement = f"SELECT {columns} FROM {{database}}.{table} WHERE {where} {rest}"  # noqa: S608 - see above
        bound = {**parameters, "client_space_id": caller.client_space_id}
        async with self._turns.turn(caller.client_space_id, is_costly=is_costly):
            return await self._connection.query(statement, bound, is_costly=is_costly)
