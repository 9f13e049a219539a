"""`AccessLog` over ClickHouse."""

from collections.abc import Sequence

from query_api.clickhouse.connection import ClickHouseConnection
from query_api.log.access_log import Access

ACCESS_LOG = "access_log"


class ClickHouseAccessLog:
    """See `AccessLog`. The table folds entries of one id, so a repeated insert doubles nothing."""

    def __init__(self, connection: ClickHouseConnection) -> None:
        self._connection = connection

    async def record(self, accesses: Sequence[Access]) -> None:
        await self._connection.insert(ACCESS_LOG, accesses, Access._fields)
