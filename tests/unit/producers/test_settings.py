"""Settings are read once and refused at start."""

import pytest

from producers.settings import load_settings
from schemas.settings import InvalidSettings


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "http://localhost/apis/ccompat/v7")


def test_the_environment_makes_the_settings() -> None:
    settings = load_settings()
    assert settings.kafka_bootstrap_servers == "localhost:9092"
    assert settings.schema_registry_url.get_secret_value() == "http://localhost/apis/ccompat/v7"
    assert settings.publish_timeout_seconds == 30


@pytest.mark.parametrize("variable", ["KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL"])
def test_a_missing_setting_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(InvalidSettings, match=f"^{variable}: "):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", " "),
        ("SCHEMA_REGISTRY_URL", "ftp://user:secret@registry"),
        ("AUDIT_PRODUCER_SERVICE", "s" * 129),
        ("AUDIT_PRODUCER_PUBLISH_TIMEOUT_SECONDS", "0"),
        ("AUDIT_PRODUCER_PUBLISH_TIMEOUT_SECONDS", "long"),
    ],
)
def test_an_impossible_setting_is_named_and_its_value_is_not(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=f"^{variable}: ") as caught:
        load_settings()
    assert "secret" not in str(caught.value)
