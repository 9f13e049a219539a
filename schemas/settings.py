"""What every role's settings share: each common variable once, one loader, one error."""

import base64
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretBytes,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.clickhouse_address import read_clickhouse_url
from schemas.kafka_address import KafkaAddress, SaslMechanism, SecurityProtocol, secret_in
from schemas.kafka_oauth import token_provider
from schemas.person_ref import MIN_KEY_BYTES

_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s,:/@\[\]]+):[0-9]{1,5}")

S = TypeVar("S", bound="Settings")


class InvalidSettings(Exception):
    """Settings are missing or impossible: fix the environment. The text has a line for each and never a value."""


def database_name(value: str) -> str:
    """*value*, which may stand in SQL without quotes. Raises `ValueError` for any other name."""
    if not _DATABASE.fullmatch(value):
        raise ValueError("must be letters, digits and underscores, and begin with no digit")
    return value


def is_this_machine(host: str) -> bool:
    """Whether what goes to *host* never leaves this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _decoded_key(value: object) -> object:
    if isinstance(value, bytes | SecretBytes):
        return value
    try:
        return base64.b64decode(str(value), validate=True)
    except ValueError:
        raise ValueError("must be base64") from None


def _long_key(value: SecretBytes) -> SecretBytes:
    if len(value.get_secret_value()) < MIN_KEY_BYTES:
        raise ValueError(f"must hold at least {MIN_KEY_BYTES} bytes, base64-encoded")
    return value


def _http_url(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or re.search(r"\s", value.get_secret_value()):
        raise ValueError("must be a URL such as https://user:password@host:8080/path")
    return value


def _clickhouse_url(value: SecretStr) -> SecretStr:
    read_clickhouse_url(value.get_secret_value())
    return value


def _bootstrap_servers(value: str) -> str:
    servers = [server.strip() for server in value.split(",")]
    if not all(_BROKER.fullmatch(server) for server in servers):
        raise ValueError("must be host:port, comma-separated")
    return ",".join(servers)


Key = Annotated[SecretBytes, BeforeValidator(_decoded_key), AfterValidator(_long_key)]
"""Bytes of a secret key, at least `MIN_KEY_BYTES`; base64 in the environment."""
DatabaseName = Annotated[str, AfterValidator(database_name)]
HttpUrl = Annotated[SecretStr, AfterValidator(_http_url)]
"""It may carry `user:password@`, so it is never printed."""
ClickHouseUrl = Annotated[SecretStr, AfterValidator(_clickhouse_url)]
"""See `HttpUrl`."""
BootstrapServers = Annotated[str, AfterValidator(_bootstrap_servers)]
"""`host:port`, comma-separated, without blanks."""


class Settings(BaseSettings):
    """The root of every role's settings: frozen, an empty variable counts as unset, errors quote no value.

    Each field is one environment variable, its alias. Construct them by `load`.
    """

    model_config = SettingsConfigDict(
        frozen=True, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True
    )

    _secret_files: dict[str, Path] = PrivateAttr(default_factory=dict)
    """The files that `load` has read secrets from, by the name of the variable whose value they hold."""

    allow_plaintext: bool | None = Field(
        default=None,
        alias="AUDIT_ALLOW_PLAINTEXT",
        description="`true` lets other hosts be reached without TLS; only for a network that nobody else is on",
    )

    def _require_tls(self, setting: str, insecure: str, hosts: Iterable[str | None]) -> None:
        """Raise `ValueError` where *setting* reaches one of *hosts* on the network in clear, and nobody said so."""
        if not self.allow_plaintext and not all(host and is_this_machine(host) for host in hosts):
            raise ValueError(
                f"{setting}: {insecure} is for this machine only; use TLS, or set AUDIT_ALLOW_PLAINTEXT=true where"
                " nobody else is on the network"
            )


class KafkaSettings(Settings):
    """How Kafka and the schema registry are reached."""

    kafka_bootstrap_servers: BootstrapServers = Field(
        alias="KAFKA_BOOTSTRAP_SERVERS", description="host:port, comma-separated"
    )
    kafka_security_protocol: SecurityProtocol = Field(
        "PLAINTEXT",
        alias="KAFKA_SECURITY_PROTOCOL",
        description="`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`",
    )
    kafka_ssl_ca_file: Path | None = Field(
        None,
        alias="KAFKA_SSL_CA_FILE",
        description="PEM file of the authorities that sign the brokers' certificates; default: the system's",
    )
    kafka_ssl_certificate_file: Path | None = Field(
        None,
        alias="KAFKA_SSL_CERTIFICATE_FILE",
        description="PEM file of this client's certificate, for brokers that ask for one",
    )
    kafka_ssl_key_file: Path | None = Field(
        None, alias="KAFKA_SSL_KEY_FILE", description="PEM file of its key, unencrypted; readable by this service alone"
    )
    kafka_sasl_mechanism: SaslMechanism = Field(
        "SCRAM-SHA-512",
        alias="KAFKA_SASL_MECHANISM",
        description="`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`",
    )
    kafka_sasl_username: str | None = Field(
        None, alias="KAFKA_SASL_USERNAME", description="required with a SASL protocol, but for `OAUTHBEARER`"
    )
    kafka_sasl_password: SecretStr | None = Field(
        None, alias="KAFKA_SASL_PASSWORD", description="required with a SASL protocol, but for `OAUTHBEARER`"
    )
    kafka_sasl_oauth_provider: str | None = Field(
        None,
        alias="KAFKA_SASL_OAUTH_PROVIDER",
        description="`module:function` that gives an `aiokafka.abc.AbstractTokenProvider`; required with `OAUTHBEARER`",
    )
    schema_registry_url: HttpUrl = Field(
        alias="SCHEMA_REGISTRY_URL",
        description="base URL of the registry's Confluent API, with its path; may carry user:password@",
    )

    @property
    def kafka(self) -> KafkaAddress:
        """What the clients of `schemas.kafka` are made from."""
        password = self.kafka_sasl_password
        return KafkaAddress(
            self.kafka_bootstrap_servers,
            self.kafka_security_protocol,
            self.kafka_ssl_ca_file,
            self.kafka_sasl_mechanism,
            self.kafka_sasl_username or "",
            "" if password is None else password.get_secret_value(),
            self.kafka_ssl_certificate_file,
            self.kafka_ssl_key_file,
            self._secret_files.get("KAFKA_SASL_PASSWORD"),
            self.kafka_sasl_oauth_provider or "",
        )

    @property
    def registry(self) -> str:
        """The registry's URL as its client takes it. It may hold a password."""
        return self.schema_registry_url.get_secret_value()

    @model_validator(mode="after")
    def _check_kafka(self) -> Self:
        """A setting that the protocol makes no use of is a mistake: its owner believes the connection is safer."""
        protocol = self.kafka_security_protocol
        self._check_credentials()
        files = {
            "KAFKA_SSL_CA_FILE": self.kafka_ssl_ca_file,
            "KAFKA_SSL_CERTIFICATE_FILE": self.kafka_ssl_certificate_file,
            "KAFKA_SSL_KEY_FILE": self.kafka_ssl_key_file,
        }
        for name, file in files.items():
            if file is not None and not protocol.endswith("SSL"):
                raise ValueError(f"{name}: must be unset with {protocol}")
        if (self.kafka_ssl_certificate_file is None) != (self.kafka_ssl_key_file is None):
            raise ValueError("KAFKA_SSL_CERTIFICATE_FILE: is set together with KAFKA_SSL_KEY_FILE")
        self._check_files()
        return self

    @model_validator(mode="after")
    def _check_transport(self) -> Self:
        if not self.kafka_security_protocol.endswith("SSL"):
            hosts = [server.rpartition(":")[0] for server in self.kafka_bootstrap_servers.split(",")]
            self._require_tls("KAFKA_SECURITY_PROTOCOL", self.kafka_security_protocol, hosts)
        registry = urlsplit(self.registry)
        if registry.scheme != "https":
            self._require_tls("SCHEMA_REGISTRY_URL", registry.scheme, [registry.hostname])
        return self

    def _check_credentials(self) -> None:
        address = self.kafka
        uses_password = address.uses_sasl and not address.uses_tokens
        chosen = self.kafka_sasl_mechanism if address.uses_tokens else self.kafka_security_protocol
        credentials = (
            ("KAFKA_SASL_USERNAME", self.kafka_sasl_username, uses_password),
            ("KAFKA_SASL_PASSWORD", self.kafka_sasl_password, uses_password),
            ("KAFKA_SASL_OAUTH_PROVIDER", self.kafka_sasl_oauth_provider, address.uses_tokens),
        )
        for name, value, is_used in credentials:
            if is_used and value is None:
                raise ValueError(f"{name}: is required with {chosen}")
            if not is_used and value is not None:
                raise ValueError(f"{name}: must be unset with {chosen}")
        if address.uses_tokens:
            try:
                token_provider(address.oauth_provider)
            except ValueError as error:
                raise ValueError(f"KAFKA_SASL_OAUTH_PROVIDER: {error}") from None

    def _check_files(self) -> None:
        """Raise `ValueError`, naming the setting, where a file of TLS cannot be used."""
        try:
            replace(self.kafka, certificate_file=None).ssl_context()
        except OSError:
            raise ValueError("KAFKA_SSL_CA_FILE: must be a readable PEM file") from None
        try:
            self.kafka.ssl_context()
        except OSError:
            raise ValueError(
                "KAFKA_SSL_CERTIFICATE_FILE: must be a readable PEM file, and KAFKA_SSL_KEY_FILE its unencrypted key"
            ) from None


class LogSettings(Settings):
    """Where the log lies in ClickHouse, and the key of the refs in it."""

    clickhouse_url: ClickHouseUrl = Field(
        alias="CLICKHOUSE_URL", description="ClickHouse's HTTP interface; may carry user:password@"
    )
    clickhouse_database: DatabaseName = Field(
        "audit", alias="AUDIT_CLICKHOUSE_DATABASE", description="the database of the log"
    )
    pseudonymization_key: Key = Field(
        alias="AUDIT_PSEUDONYMIZATION_KEY",
        description="base64 of at least 32 bytes; with another key every person is another one",
    )

    @model_validator(mode="after")
    def _check_clickhouse(self) -> Self:
        url = urlsplit(self.clickhouse_url.get_secret_value())
        if url.scheme != "https":
            self._require_tls("CLICKHOUSE_URL", url.scheme, [url.hostname])
        return self

    @property
    def clickhouse(self) -> tuple[str, str]:
        """URL and database, as the adapters take them. The URL may hold a password."""
        return self.clickhouse_url.get_secret_value(), self.clickhouse_database


def load(kind: type[S]) -> S:
    """The settings in the environment. Raises `InvalidSettings`, which names everything that is wrong at once.

    A secret may lie in a file instead, which `NAME_FILE` names; a line break at the file's end is not part of it.
    """
    values, files, reasons = _secrets_in_files(kind)
    try:
        settings = kind(**values)
    except ValidationError as error:
        reasons += list(_reasons(error))
    else:
        if not reasons:
            settings._secret_files = files  # noqa: SLF001 - the loader's own
            return settings
    # Outside the handler: the validation error holds the values, and a chained traceback would print them.
    raise InvalidSettings("\n".join(reasons))


def _secrets_in_files(kind: type[BaseSettings]) -> tuple[dict[str, Any], dict[str, Path], list[str]]:
    """The secrets that `NAME_FILE` variables point to, their files, and why others could not be read."""
    values: dict[str, Any] = {}
    files: dict[str, Path] = {}
    reasons = []
    for field in kind.model_fields.values():
        name = str(field.alias)
        path = os.environ.get(f"{name}_FILE")
        if not path or not _is_secret(field.annotation):
            continue
        if os.environ.get(name):
            reasons.append(f"{name}_FILE: must be unset where {name} is set")
            continue
        files[name] = Path(path)
        try:
            values[name] = secret_in(files[name])
        except (OSError, UnicodeError):
            reasons.append(f"{name}_FILE: must name a readable text file")
    return values, files, reasons


def _is_secret(annotation: object) -> bool:
    return annotation in (SecretStr, SecretBytes) or any(_is_secret(part) for part in get_args(annotation))


def _reasons(error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_input=False, include_url=False, include_context=False):
        setting = str(found["loc"][0]) if found["loc"] else ""
        message = "is required" if found["type"] == "missing" else found["msg"].removeprefix("Value error, ")
        yield f"{setting}: {message}" if setting else message
