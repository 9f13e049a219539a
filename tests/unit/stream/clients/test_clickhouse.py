"""What ClickHouse and its driver raise says what to do, by class and code and never by text."""

import ssl
import traceback

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from stream.clients.clickhouse import clickhouse_answers
from stream.errors import Unavailable, WrongSchema


def failed(code: int | None, cause: Exception | None = None) -> DatabaseError:
    error = DatabaseError("SELECT 'ada@example.com'")
    error.code = code
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (failed(62), "ClickHouse: DatabaseError (code 62)"),
        (failed(516), "ClickHouse: DatabaseError (code 516): user or password is wrong: see CLICKHOUSE_URL"),
        (failed(None), "ClickHouse: DatabaseError (code None): no answer of a ClickHouse: see CLICKHOUSE_URL"),
        (
            ConnectionError("ada@example.com"),
            "ClickHouse: ConnectionError (code None): no answer of a ClickHouse: see CLICKHOUSE_URL",
        ),
        (
            failed(None, ssl.SSLCertVerificationError("ada@example.com")),
            "ClickHouse: DatabaseError (code None): TLS failed: see CLICKHOUSE_URL and SSL_CERT_FILE",
        ),
        (KeyError("ada@example.com"), "ClickHouse: KeyError (code None)"),
    ],
)
def test_an_error_is_told_by_class_and_code_and_what_to_look_at(error: Exception, told: str) -> None:
    with pytest.raises(Unavailable) as caught, clickhouse_answers():
        raise error
    assert str(caught.value) == told
    assert "ada@example.com" not in "".join(traceback.format_exception(caught.value))


def test_the_workers_own_errors_pass() -> None:
    with pytest.raises(WrongSchema), clickhouse_answers():
        raise WrongSchema("migration 0001")
