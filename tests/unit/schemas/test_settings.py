"""What the roles' settings share: one rule for each variable, one error, and no secret anywhere but in its field."""

import base64
import re
import traceback
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from producers.settings import ProducerSettings
from query_api.settings import Settings
from schemas.errors import RegistryUnavailable
from schemas.registry import HttpSchemaRegistry
from schemas.settings import InvalidSettings, load
from schemas.settings import Settings as RoleSettings
from stream.settings import WorkerSettings
from tests.builders import KEY
from tests.secured_kafka import Authority

SECRET = "hush-hush-hush-hush-hush-hush-hush"
VALID = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "SCHEMA_REGISTRY_URL": f"https://audit:{SECRET}@registry/apis/ccompat/v7",
    "CLICKHOUSE_URL": f"https://audit:{SECRET}@clickhouse",
    "AUDIT_PSEUDONYMIZATION_KEY": base64.b64encode(SECRET.encode()).decode(),
    "AUDIT_CURSOR_KEY": base64.b64encode(SECRET.encode()).decode(),
    "AUDIT_DEVELOPMENT_TOKEN_SECRET": base64.b64encode(SECRET.encode()).decode(),
    "AUDIT_ENVIRONMENT": "development",
    "AUDIT_TOKEN_ISSUER": "https://login.example.com",
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_USERNAME": "audit",
    "KAFKA_SASL_PASSWORD": SECRET,
}
ROLES: list[type[RoleSettings]] = [WorkerSettings, ProducerSettings, Settings]

role = pytest.mark.parametrize("role", ROLES)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in VALID.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@role
def test_settings_that_are_printed_show_no_secret(role: type[RoleSettings]) -> None:
    settings = load(role)
    printed = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    for secret in (SECRET, VALID["AUDIT_CURSOR_KEY"]):
        assert secret not in printed


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", f"audit:{SECRET}@kafka:9092", "must be host:port, comma-separated"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka", "must be host:port, comma-separated"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092,", "must be host:port, comma-separated"),
        ("SCHEMA_REGISTRY_URL", f"ftp://audit:{SECRET}@registry", "must be a URL such as "),
        ("SCHEMA_REGISTRY_URL", f"http://audit:{SECRET}@registry:99999", "must be a URL such as "),
        ("SCHEMA_REGISTRY_URL", "http://", "must be a URL such as "),
        ("CLICKHOUSE_URL", f"clickhouse://audit:{SECRET}@host:9000", "must be a URL such as "),
        ("CLICKHOUSE_URL", f"http://audit:{SECRET}@host:port", "must be a URL"),
        ("CLICKHOUSE_URL", f"http://audit:{SECRET}@host/audit", "must end after the port"),
        ("CLICKHOUSE_URL", "", "is required"),
        ("AUDIT_CLICKHOUSE_DATABASE", "audit`; DROP", "must be letters, digits and underscores"),
        ("AUDIT_CLICKHOUSE_DATABASE", "audit\n", "must be letters, digits and underscores"),
        ("AUDIT_PSEUDONYMIZATION_KEY", base64.b64encode(SECRET[:31].encode()).decode(), "must hold at least 32 bytes"),
        ("AUDIT_PSEUDONYMIZATION_KEY", f"{SECRET}\n", "must be base64"),
        ("AUDIT_PSEUDONYMIZATION_KEY", f"ä{SECRET}", "must be base64"),
        ("KAFKA_SASL_PASSWORD", "", "is required with SASL_SSL"),
        ("KAFKA_SSL_CA_FILE", f"/nowhere/{SECRET}", "must be a readable PEM file"),
        ("KAFKA_SECURITY_PROTOCOL", SECRET, "Input should be 'PLAINTEXT', "),
    ],
)
@role
def test_every_role_refuses_a_variable_in_the_same_words_and_without_its_value(
    role: type[RoleSettings], variable: str, value: str, reason: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(variable, value)
    if variable not in {field.alias for field in role.model_fields.values()}:
        load(role)
        return
    with pytest.raises(InvalidSettings) as refused:
        load(role)
    assert f"{variable}: {reason}" in str(refused.value)
    told = "".join(traceback.format_exception(refused.value))
    assert "hush" not in told
    assert VALID["AUDIT_CURSOR_KEY"] not in told


def test_roles_that_share_a_variable_share_its_rule_default_and_meaning() -> None:
    seen: dict[str, tuple[object, ...]] = {}
    for kind in ROLES:
        for field in kind.model_fields.values():
            said = (field.annotation, field.metadata, field.default, field.description)
            assert seen.setdefault(str(field.alias), said) == said, field.alias


@pytest.mark.parametrize(
    ("variable", "value"),
    [("KAFKA_SASL_USERNAME", "audit"), ("KAFKA_SASL_PASSWORD", SECRET), ("KAFKA_SSL_CA_FILE", __file__)],
)
def test_what_protects_a_connection_is_refused_where_the_protocol_ignores_it(
    variable: str, value: str, environment: pytest.MonkeyPatch
) -> None:
    for name in ("KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"):
        environment.delenv(name)
    environment.setenv("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    environment.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=f"^{variable}: must be unset with PLAINTEXT$"):
        load(ProducerSettings)


def with_tokens(environment: pytest.MonkeyPatch, provider: str | None) -> None:
    """OAUTHBEARER instead of a password."""
    for name in ("KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"):
        environment.delenv(name)
    environment.setenv("KAFKA_SASL_MECHANISM", "OAUTHBEARER")
    if provider is not None:
        environment.setenv("KAFKA_SASL_OAUTH_PROVIDER", provider)


@pytest.mark.parametrize("role", [WorkerSettings, ProducerSettings])
@pytest.mark.parametrize(
    ("provider", "reason"),
    [
        (None, "is required with OAUTHBEARER"),
        ("tests.oauth", "must be module:function, and cannot be imported (AttributeError)"),
        ("nowhere:tokens", "must be module:function, and cannot be imported (ModuleNotFoundError)"),
        ("tests.oauth:failing", "the function failed (RuntimeError)"),
        ("tests.oauth:no_tokens", "the function must give an aiokafka.abc.AbstractTokenProvider"),
    ],
)
def test_a_token_provider_that_is_missing_is_refused_at_the_start(
    role: type[RoleSettings], provider: str | None, reason: str, environment: pytest.MonkeyPatch
) -> None:
    with_tokens(environment, provider)
    with pytest.raises(InvalidSettings, match=f"^KAFKA_SASL_OAUTH_PROVIDER: {re.escape(reason)}$"):
        load(role)


def test_a_token_provider_takes_the_place_of_user_and_password(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_SASL_OAUTH_PROVIDER", "tests.oauth:unsigned_tokens")
    with pytest.raises(InvalidSettings, match=r"^KAFKA_SASL_OAUTH_PROVIDER: must be unset with SASL_SSL$"):
        load(ProducerSettings)
    with_tokens(environment, "tests.oauth:unsigned_tokens")
    assert load(ProducerSettings).kafka.uses_tokens
    environment.setenv("KAFKA_SASL_PASSWORD", SECRET)
    with pytest.raises(InvalidSettings, match=r"^KAFKA_SASL_PASSWORD: must be unset with OAUTHBEARER$"):
        load(ProducerSettings)


def test_a_password_in_a_file_is_known_by_its_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.delenv("KAFKA_SASL_PASSWORD")
    environment.setenv("KAFKA_SASL_PASSWORD_FILE", str(tmp_path / "password"))
    (tmp_path / "password").write_text(f"{SECRET}\n")
    address = load(ProducerSettings).kafka
    assert (address.password, address.password_file) == (SECRET, tmp_path / "password")
    (tmp_path / "password").write_text("another\n")
    assert address.current_password() == "another"


@pytest.mark.parametrize("role", [WorkerSettings, ProducerSettings])
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("SCHEMA_REGISTRY_URL", "http://registry.example.com"),
        ("CLICKHOUSE_URL", "http://10.0.0.7:8123"),
    ],
)
def test_another_host_is_reached_without_tls_only_where_that_is_said(
    role: type[RoleSettings], variable: str, value: str, environment: pytest.MonkeyPatch
) -> None:
    if variable not in {field.alias for field in role.model_fields.values()}:
        return
    environment.setenv(variable, value)
    with pytest.raises(
        InvalidSettings, match=rf"^{variable}: \S+ is for this machine only; use TLS, or set AUDIT_ALLOW"
    ):
        load(role)
    environment.setenv("AUDIT_ALLOW_PLAINTEXT", "true")
    load(role)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_is_reached_without_tls(host: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    environment.setenv("KAFKA_BOOTSTRAP_SERVERS", f"{host}:9092")
    environment.setenv("SCHEMA_REGISTRY_URL", f"http://{host}:8081")
    environment.setenv("CLICKHOUSE_URL", f"http://{host}:8123")
    load(WorkerSettings)
    environment.setenv("KAFKA_BOOTSTRAP_SERVERS", f"{host}:9092,kafka.example.com:9092")
    with pytest.raises(InvalidSettings, match=r"^KAFKA_SECURITY_PROTOCOL: "):
        load(WorkerSettings)


class TestAClientsCertificate:
    """The file of the certificate and the file of its key."""

    def test_is_set_with_its_key_or_not_at_all(self, tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
        certificate = Authority(tmp_path, "authority").issue("audit-worker")
        environment.setenv("KAFKA_SSL_CERTIFICATE_FILE", str(certificate))
        with pytest.raises(
            InvalidSettings, match=r"^KAFKA_SSL_CERTIFICATE_FILE: is set together with KAFKA_SSL_KEY_FILE$"
        ):
            load(ProducerSettings)
        environment.setenv("KAFKA_SSL_KEY_FILE", str(certificate))
        assert load(ProducerSettings).kafka.certificate_file == certificate

    def test_is_refused_with_a_key_that_is_encrypted(self, tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
        """Without a question on the terminal."""
        certificate = Authority(tmp_path, "authority").issue("audit-worker")
        key = tmp_path / "encrypted.pem"
        made = load_pem_private_key(certificate.read_bytes(), None)
        key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hush")))
        environment.setenv("KAFKA_SSL_CERTIFICATE_FILE", str(certificate))
        environment.setenv("KAFKA_SSL_KEY_FILE", str(key))
        with pytest.raises(InvalidSettings, match="KAFKA_SSL_KEY_FILE its unencrypted key"):
            load(ProducerSettings)


def test_blanks_between_brokers_do_not_count(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_BOOTSTRAP_SERVERS", "one:9092, [::1]:9093")
    assert load(ProducerSettings).kafka.bootstrap_servers == "one:9092,[::1]:9093"


class TestASecretInAFile:
    """`NAME_FILE` in the place of `NAME`."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "secret"
        file.write_text(base64.b64encode(KEY).decode() + "\n")
        return file

    def test_is_read_where_the_variable_itself_is_unset(self, file: Path, environment: pytest.MonkeyPatch) -> None:
        environment.delenv("AUDIT_PSEUDONYMIZATION_KEY")
        environment.setenv("AUDIT_PSEUDONYMIZATION_KEY_FILE", str(file))
        assert load(WorkerSettings).key == KEY

    def test_is_refused_beside_the_variable(self, file: Path, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("KAFKA_SASL_PASSWORD_FILE", str(file))
        with pytest.raises(InvalidSettings, match=r"^KAFKA_SASL_PASSWORD_FILE: must be unset where"):
            load(WorkerSettings)

    def test_is_missing_where_the_file_is(self, tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
        environment.delenv("CLICKHOUSE_URL")
        environment.setenv("CLICKHOUSE_URL_FILE", str(tmp_path / "none"))
        with pytest.raises(InvalidSettings) as refused:
            load(Settings)
        assert "CLICKHOUSE_URL_FILE: must name a readable text file" in str(refused.value)

    def test_is_judged_as_the_variable_is(self, file: Path, environment: pytest.MonkeyPatch) -> None:
        file.write_text(f"http://audit:{SECRET}@host/audit")
        environment.delenv("CLICKHOUSE_URL")
        environment.setenv("CLICKHOUSE_URL_FILE", str(file))
        with pytest.raises(InvalidSettings) as refused:
            load(Settings)
        assert str(refused.value).startswith("CLICKHOUSE_URL: must end after the port")
        assert SECRET not in str(refused.value)


async def test_a_registry_that_does_not_answer_is_told_without_its_password() -> None:
    async with HttpSchemaRegistry(f"http://audit:{SECRET}@127.0.0.1:9/path") as registry:
        with pytest.raises(RegistryUnavailable) as away:
            await registry.event_schema(1)
    assert SECRET not in "".join(traceback.format_exception(away.value))
