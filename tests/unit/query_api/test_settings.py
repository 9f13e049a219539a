import logging
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

import query_api.app
from query_api.access.auth import Authenticator
from query_api.cli import app
from query_api.settings import load_settings
from schemas.settings import InvalidSettings
from tests.unit.query_api.api import SECRET, encoded

VALID = {
    "AUDIT_ENVIRONMENT": "development",
    "CLICKHOUSE_URL": "http://127.0.0.1:8123",
    "AUDIT_PSEUDONYMIZATION_KEY": encoded(b"p" * 32),
    "AUDIT_CURSOR_KEY": encoded(b"c" * 32),
    "AUDIT_DEVELOPMENT_TOKEN_SECRET": encoded(SECRET),
    "AUDIT_TOKEN_ISSUER": "https://login.example.com",
}


def pem(key: Any) -> str:
    text: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in VALID.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_what_is_not_set_has_its_documented_default() -> None:
    settings = load_settings()

    assert (settings.clickhouse_database, settings.token_audience) == ("audit", "audit")


def test_production_is_the_default(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AUDIT_ENVIRONMENT")

    with pytest.raises(InvalidSettings, match="AUDIT_DEVELOPMENT_TOKEN_SECRET: must be unset in production"):
        load_settings()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"AUDIT_ENVIRONMENT": "prod"}, "AUDIT_ENVIRONMENT: Input should be 'development' or 'production'"),
        ({"CLICKHOUSE_URL": ""}, "CLICKHOUSE_URL: is required"),
        ({"CLICKHOUSE_URL": "hush"}, "CLICKHOUSE_URL: must be a URL such as http://user:password@host:8123"),
        ({"CLICKHOUSE_URL": "http://me:hush@host:port"}, "CLICKHOUSE_URL: must be a URL"),
        ({"CLICKHOUSE_URL": "http://me:hush@host/audit"}, "CLICKHOUSE_URL: must end after the port"),
        ({"AUDIT_CLICKHOUSE_DATABASE": "a; DROP"}, "AUDIT_CLICKHOUSE_DATABASE: must be letters, digits"),
        ({"AUDIT_PSEUDONYMIZATION_KEY": ""}, "AUDIT_PSEUDONYMIZATION_KEY: is required"),
        ({"AUDIT_PSEUDONYMIZATION_KEY": "hush!"}, "AUDIT_PSEUDONYMIZATION_KEY: must be base64"),
        ({"AUDIT_CURSOR_KEY": encoded(b"hush")}, "AUDIT_CURSOR_KEY: must hold at least 32 bytes"),
        (
            {"AUDIT_DEVELOPMENT_TOKEN_SECRET": encoded(b"hush")},
            "AUDIT_DEVELOPMENT_TOKEN_SECRET: must hold at least",
        ),
        ({"AUDIT_DEVELOPMENT_TOKEN_SECRET": ""}, "AUDIT_DEVELOPMENT_TOKEN_SECRET: is required in development"),
        ({"AUDIT_TOKEN_ISSUER": ""}, "AUDIT_TOKEN_ISSUER: is required"),
        (
            {"AUDIT_ENVIRONMENT": "production", "AUDIT_DEVELOPMENT_TOKEN_SECRET": ""},
            "AUDIT_TOKEN_PUBLIC_KEY: is required in production",
        ),
        ({"AUDIT_TOKEN_PUBLIC_KEY": "hush"}, "AUDIT_TOKEN_PUBLIC_KEY: must be a public key in PEM"),
        (
            {"AUDIT_TOKEN_PUBLIC_KEY": pem(rsa.generate_private_key(65537, 1024))},  # noqa: S505 - refused
            "AUDIT_TOKEN_PUBLIC_KEY: must be an RSA key of at least 2048 bits, an EC key on P-256 or P-384, or Ed25519",
        ),
        (
            {"AUDIT_TOKEN_PUBLIC_KEY": pem(ec.generate_private_key(ec.SECP521R1()))},
            "AUDIT_TOKEN_PUBLIC_KEY: must be an RSA",
        ),
        (
            {"AUDIT_TOKEN_PUBLIC_KEY": pem(x25519.X25519PrivateKey.generate())},
            "AUDIT_TOKEN_PUBLIC_KEY: must be an RSA",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name_and_without_value(
    environment: pytest.MonkeyPatch, changes: dict[str, str], reason: str
) -> None:
    for name, value in changes.items():
        environment.setenv(name, value)

    with pytest.raises(InvalidSettings) as caught:
        load_settings()

    assert reason in str(caught.value)
    assert "hush" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_settings()

    assert all(name in str(caught.value) for name in ("PSEUDONYMIZATION_KEY", "CURSOR_KEY", "TOKEN_ISSUER"))


@pytest.mark.usefixtures("environment")
async def test_a_token_of_the_command_line_opens_the_api() -> None:
    result = CliRunner().invoke(app, ["token", "--client-space", "acme", "--subject", "grace"])

    assert result.exit_code == 0
    caller = await Authenticator(load_settings()).authenticate(result.stdout.strip())
    assert (caller.client_space_id, caller.subject) == ("acme", "grace")


def test_the_command_line_makes_no_token_in_production(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AUDIT_ENVIRONMENT", "production")
    environment.delenv("AUDIT_DEVELOPMENT_TOKEN_SECRET")
    environment.setenv("AUDIT_TOKEN_PUBLIC_KEY", pem(ec.generate_private_key(ec.SECP256R1())))

    result = CliRunner().invoke(app, ["token", "--client-space", "acme", "--subject", "grace"])

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "development tokens are refused in production" in result.stderr


@pytest.mark.parametrize("command", [["serve"], ["token", "--client-space", "acme", "--subject", "grace"]])
def test_the_command_line_refuses_settings_that_cannot_work(command: list[str]) -> None:
    result = CliRunner().invoke(app, command)

    assert result.exit_code == 2
    assert "AUDIT_CURSOR_KEY: is required" in result.stderr


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "audit.example.com", ""])  # noqa: S104 - what is refused
def test_development_is_not_served_to_other_machines(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setattr("query_api.cli.run", lambda *_, **__: pytest.fail("it is served"))

    result = CliRunner().invoke(app, ["serve", "--host", host])

    assert result.exit_code == 2
    assert "AUDIT_ENVIRONMENT: development listens on this machine only" in result.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_development_is_served_to_this_machine_and_production_to_all(
    environment: pytest.MonkeyPatch, host: str
) -> None:
    served: list[str] = []
    environment.setattr("query_api.cli.run", lambda _, host, port: served.append(f"{host} {port}"))
    assert CliRunner().invoke(app, ["serve", "--host", host]).exit_code == 0

    environment.setenv("AUDIT_ENVIRONMENT", "production")
    environment.delenv("AUDIT_DEVELOPMENT_TOKEN_SECRET")
    environment.setenv("AUDIT_TOKEN_PUBLIC_KEY", pem(ec.generate_private_key(ec.SECP256R1())))
    assert CliRunner().invoke(app, ["serve", "--host", "::"]).exit_code == 0
    assert served == [f"{host} 8080", ":: 8080"]


@pytest.mark.usefixtures("environment")
def test_the_application_of_the_module_is_made_from_the_environment() -> None:
    access_log = logging.getLogger("uvicorn.access")
    try:
        made = query_api.app.app

        assert made is query_api.app.app
        assert access_log.disabled
    finally:
        vars(query_api.app).pop("app", None)
        access_log.disabled = False
        structlog.reset_defaults()
