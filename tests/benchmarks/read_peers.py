"""What the read API is measured against: the naive query on the same ClickHouse."""

from collections.abc import Mapping

from clickhouse_connect.driver.client import Client

from tests.benchmarks.read_data import DATABASE, LARGEST

COLUMNS = "occurred_at, event_id, activity_type, channel, admin_ref, affected_user_ref, previous_license, new_license"
PAGE_LINES = 50


def naive(client: Client, conditions: Mapping[str, str], offset: int = 0) -> int:
    """One page as most would write it, and its number of rows."""
    where = " AND ".join(["client_space_id = {space:String}", *(f"{name} = {{{name}:String}}" for name in conditions)])
    statement = (
        f"SELECT {COLUMNS} FROM {DATABASE}.activity_log FINAL WHERE {where}"
        f" ORDER BY occurred_at DESC, event_id DESC LIMIT {PAGE_LINES} OFFSET {offset}"
    )
    return len(client.query(statement, parameters={"space": LARGEST, **conditions}).result_rows)


def naive_stats(client: Client) -> int:
    """Lines a day and type."""
    statement = (
        f"SELECT toDate(occurred_at, 'Europe/Paris'), activity_type, count() FROM {DATABASE}.activity_log FINAL"
        " WHERE client_space_id = {space:String} GROUP BY 1, 2"
    )
    return len(client.query(statement, parameters={"space": LARGEST}).result_rows)
