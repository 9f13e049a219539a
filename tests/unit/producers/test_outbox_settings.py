"""The relay's settings: a database address that cannot work is refused, and nothing of it is told."""

import pytest

from producers.outbox.settings import load_relay_settings
from schemas.settings import InvalidSettings

REFUSAL = "AUDIT_OUTBOX_DATABASE_URL: must be a URL such as postgresql+psycopg://user:password@host/database"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "http://127.0.0.1:8081")


@pytest.mark.parametrize(
    "url",
    [
        "app.db",
        "oraclist://user:secret@db.example.com/app",
        # Read as a port that is no number, which SQLAlchemy quotes.
        "postgresql+psycopg://user:secret",
        "postgresql+psycopg://user:half@other:half@db.example.com/app",
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_OUTBOX_DATABASE_URL", url)
    with pytest.raises(InvalidSettings) as refused:
        load_relay_settings()
    assert str(refused.value) == REFUSAL


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_OUTBOX_DATABASE_URL", "oracle+oracledb://user:secret@db.example.com/app")
    with pytest.raises(InvalidSettings) as refused:
        load_relay_settings()
    assert str(refused.value) == "AUDIT_OUTBOX_DATABASE_URL: the database's driver is missing: install oracledb"
