"""The worker's settings are read once, and refused without a word of what may be a secret."""

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.clickhouse_address import read_clickhouse_url
from stream.settings import WorkerSettings
from tests.builders import KEY

VALID = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "SCHEMA_REGISTRY_URL": "http://registry",
    "CLICKHOUSE_URL": "http://clickhouse:8123",
    "AUDIT_PSEUDONYMIZATION_KEY": base64.b64encode(KEY).decode(),
}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AUDIT_PSEUDONYMIZATION_KEY", base64.b64encode(b"hush" * 8).decode() + "\n"),
        ("AUDIT_PSEUDONYMIZATION_KEY", base64.b64encode(b"hush").decode()),
        ("CLICKHOUSE_URL", "clickhouse://audit:hush@host:9000"),
        ("CLICKHOUSE_URL", "http://audit:hush@host/audit"),
        ("SCHEMA_REGISTRY_URL", "ftp://user:hush@registry"),
    ],
)
def test_a_refused_value_is_named_and_not_printed(variable: str, value: str) -> None:
    values: dict[str, Any] = {**VALID, variable: value}
    with pytest.raises(ValidationError) as refused:
        WorkerSettings(**values)
    text = str(refused.value)
    assert variable in text
    for secret in ("hush", value.strip()):
        assert secret not in text


def test_settings_that_are_printed_show_no_secret() -> None:
    values: dict[str, Any] = {**VALID, "CLICKHOUSE_URL": "http://audit:hush@clickhouse"}
    text = repr(WorkerSettings(**values))
    assert "hush" not in text
    assert VALID["AUDIT_PSEUDONYMIZATION_KEY"] not in text


def test_user_and_password_of_clickhouse_may_be_percent_encoded() -> None:
    address = read_clickhouse_url("https://us%40er:p%40ss%2Fw%3Ard@clickhouse")
    assert (address.username, address.password) == ("us@er", "p@ss/w:rd")
    assert (address.scheme, address.host, address.port) == ("https", "clickhouse", 8443)
    assert "p@ss" not in repr(address)
