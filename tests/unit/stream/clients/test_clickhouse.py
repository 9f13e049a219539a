"""What ClickHouse and its driver raise says what to do, by class and code and never by text."""

import traceback

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from stream.clients.clickhouse import clickhouse_answers
from stream.errors import Unavailable, WrongSchema


def failed(code: int | None) -> DatabaseError:
    error = DatabaseError("SELECT 'ada@example.com'")
    error.code = code
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (failed(60), "ClickHouse: DatabaseError (code 60)"),
        (failed(None), "ClickHouse: DatabaseError (code None)"),
        (ConnectionError("ada@example.com"), "ClickHouse: ConnectionError (code None)"),
    ],
)
def test_an_error_is_told_by_class_and_code(error: Exception, told: str) -> None:
    with pytest.raises(Unavailable) as caught, clickhouse_answers():
        raise error
    assert str(caught.value) == told
    assert "ada@example.com" not in "".join(traceback.format_exception(caught.value))


def test_the_workers_own_errors_pass() -> None:
    with pytest.raises(WrongSchema), clickhouse_answers():
        raise WrongSchema("migration 0001")
