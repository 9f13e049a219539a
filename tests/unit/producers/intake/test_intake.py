"""The intake, over a publisher in memory."""

import asyncio
import base64
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import jsonschema_rs
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from pydantic import ValidationError
from starlette.applications import Starlette
from typer.testing import CliRunner

from producers.commands import cli
from producers.event_json import to_json
from producers.in_memory import InMemoryPublisher
from producers.intake import app as intake_app
from producers.intake import command
from producers.intake.app import create_app
from producers.intake.grants import Tokens
from producers.intake.json_schema import json_schema
from producers.intake.metrics import OUTCOMES, Metrics
from producers.intake.settings import MAX_BODY_BYTES, MAX_EVENTS, IntakeSettings, load_intake_settings
from schemas.events import Channel, Event, UserDeletion, UserLicenseUpdate
from schemas.issuer_keys import IssuerKeys
from schemas.settings import InvalidSettings
from schemas.token_keys import KeySource, KeysUnavailable, VerificationKey
from tests.builders import NOW, an_event
from tests.free_ports import free_port
from tests.unit.schemas.strategies import events as any_events

SCHEMA = jsonschema_rs.validator_for(json_schema())
SECRET = b"k" * 32
ENVIRONMENT = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "SCHEMA_REGISTRY_URL": "http://127.0.0.1:8081",
    "AUDIT_INTAKE_TOKEN_KEY": base64.b64encode(SECRET).decode(),
    "AUDIT_INTAKE_TOKEN_ISSUER": "https://platform.example.com",
}
DISCOVERY = {
    "AUDIT_INTAKE_TOKEN_KEY": None,
    "AUDIT_INTAKE_TOKEN_DISCOVERY_URL": "http://127.0.0.1:9/.well-known/openid-configuration",
}
RELAY = {**ENVIRONMENT, "AUDIT_OUTBOX_DATABASE_URL": "sqlite://"}
CLAIMS = {
    "iss": "https://platform.example.com",
    "aud": "audit-intake",
    "sub": "user-service",
    "exp": 2**31,
    "client_spaces": ["acme"],
    "channels": ["ui", "api"],
}


def settings(**given: object) -> IntakeSettings:
    return IntakeSettings.model_validate({**ENVIRONMENT, **given})


def token(key: Any = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode(said, key, algorithm)


class Client:
    """A service that has a token."""

    def __init__(self, app: Starlette, http: httpx.AsyncClient, publisher: InMemoryPublisher) -> None:
        self.app = app
        self.http = http
        self.publisher = publisher

    async def post(self, body: Any, *, bearer: str | None = None, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {bearer or token()}", "content-type": "application/json", **headers}
        return await self.http.post("/v1/events", content=content, headers=sent)


@asynccontextmanager
async def serving(configured: IntakeSettings, keys: KeySource | None = None) -> AsyncIterator[Client]:
    publisher = InMemoryPublisher()
    app = create_app(configured, Metrics(), open_publisher=lambda: publisher, keys=keys, clock=lambda: NOW)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://intake") as http,
    ):
        yield Client(app, http, publisher)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with serving(settings()) as client:
        yield client


def numbered(number: int, **fields: Any) -> Event:
    return an_event(event_id=UUID(int=number), **fields)


async def test_one_event_is_published_and_then_acknowledged(client: Client) -> None:
    event = an_event(UserDeletion())
    answer = await client.post(to_json(event))
    assert (answer.status_code, answer.json()) == (
        200,
        {"results": [{"status": "acknowledged", "event_id": str(event.event_id)}]},
    )
    assert client.publisher.events == [event]


async def test_many_events_are_published_in_their_order(client: Client) -> None:
    events = [numbered(number) for number in range(MAX_EVENTS // 2)]
    assert (await client.post([to_json(event) for event in events])).status_code == 200
    assert client.publisher.events == events


async def test_each_refused_event_has_its_reason_and_its_neighbors_go_through(client: Client) -> None:
    good, elsewhere = numbered(1), numbered(2, client_space_id="globex")
    answer = await client.post([to_json(good), {"who": "ada@example.com"}, to_json(elsewhere)])
    assert answer.status_code == 207
    assert answer.json()["results"] == [
        {"status": "acknowledged", "event_id": str(good.event_id)},
        {"status": "refused", "reason": "blank", "field": "activity"},
        {"status": "refused", "reason": "forbidden", "field": "client_space_id"},
    ]
    assert client.publisher.events == [good]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"client_space_id": "globex"}, "client_space_id"),
        ({"channel": Channel.FILE_IMPORT}, "channel"),
        ({"source": None}, "source.service"),
    ],
)
async def test_a_token_binds_client_spaces_channels_and_service(client: Client, fields: Any, field: str) -> None:
    answer = await client.post(to_json(an_event(**fields)))
    assert answer.status_code == 422
    assert answer.json()["results"] == [{"status": "refused", "reason": "forbidden", "field": field}]
    assert client.publisher.events == []


async def test_an_update_of_a_license_to_itself_is_refused(client: Client) -> None:
    answer = await client.post(to_json(an_event(UserLicenseUpdate("Data Reader", "Data Reader"))))
    assert answer.status_code == 422
    assert answer.json()["results"] == [
        {"status": "refused", "reason": "invalid_value", "field": "activity.new_license"}
    ]


async def test_a_token_may_allow_every_client_space(client: Client) -> None:
    event = to_json(an_event(client_space_id="globex"))
    assert (await client.post(event, bearer=token(client_spaces=["*"]))).status_code == 200


@pytest.mark.parametrize(
    "bearer",
    [
        "nonsense",
        token(b"x" * 32),
        token(exp=int(time.time()) - 3600),
        token(exp=None),
        token(iss="https://elsewhere.example.com"),
        token(aud="audit-query"),
        token(sub=None),
        token(client_spaces=None),
        token(channels="ui"),
        jwt.encode(CLAIMS, "", "none"),
    ],
)
async def test_a_token_that_proves_nothing_publishes_nothing(client: Client, bearer: str) -> None:
    answer = await client.post(to_json(an_event()), bearer=bearer)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert client.publisher.events == []


def public_pem(private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


async def test_a_public_key_verifies_and_is_no_shared_secret() -> None:
    private = Ed25519PrivateKey.generate()
    async with serving(settings(AUDIT_INTAKE_TOKEN_KEY=public_pem(private))) as client:
        assert (await client.post(to_json(an_event()), bearer=token(private, "EdDSA"))).status_code == 200
        assert (await client.post(to_json(an_event()), bearer=token(SECRET))).status_code == 401


class Issuer:
    """`KeySource` of an identity provider: one key, which cannot be read at first."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self.key = VerificationKey(key.public_key(), "ES256")
        self.is_away = True
        self.is_closed = False

    async def key_for(self, key_id: str | None) -> VerificationKey | None:
        if self.is_away:
            raise KeysUnavailable("the issuer is set to https://internal.example.com, and the provider calls itself …")
        return self.key if key_id == "current" else None

    async def require(self) -> None:
        await self.key_for(None)

    async def close(self) -> None:
        self.is_closed = True


async def test_a_token_is_verified_by_the_issuer_s_key_that_it_names() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    issuer = Issuer(private)
    async with serving(settings(**DISCOVERY), issuer) as client:
        bearer = jwt.encode(CLAIMS, private, "ES256", headers={"kid": "current"})
        away = await client.post(to_json(an_event()), bearer=bearer)
        assert (away.status_code, away.headers["retry-after"]) == (503, "5")
        assert "internal.example.com" not in away.text  # the caller has proved nothing yet
        issuer.is_away = False
        assert (await client.post(to_json(an_event()), bearer=bearer)).status_code == 200
        for other in (
            jwt.encode(CLAIMS, private, "ES256", headers={"kid": "withdrawn"}),
            jwt.encode(CLAIMS, SECRET, "HS256", headers={"kid": "current"}),
        ):
            assert (await client.post(to_json(an_event()), bearer=other)).status_code == 401
    assert issuer.is_closed


async def test_the_issuer_s_keys_are_read_where_its_discovery_document_lies() -> None:
    tokens = Tokens(settings(**DISCOVERY))
    assert isinstance(tokens._keys, IssuerKeys)
    with pytest.raises(KeysUnavailable):  # nothing answers there
        await tokens.grant(f"Bearer {token()}")
    await tokens.aclose()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"AUDIT_INTAKE_TOKEN_DISCOVERY_URL": "https://platform.example.com"}, "set either it or"),
        ({"AUDIT_INTAKE_TOKEN_KEY": None}, "set either it or"),
        ({**DISCOVERY, "AUDIT_INTAKE_TOKEN_DISCOVERY_URL": "http://platform.example.com"}, "must be an https"),
    ],
)
def test_there_is_one_safe_source_of_keys(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        settings(**given)


@pytest.mark.parametrize("fault", ["lost", "done"])
async def test_while_kafka_is_away_the_answer_is_503_and_says_which_to_repeat(client: Client, fault: Any) -> None:
    client.publisher.fail_at = {1: fault}
    answer = await client.post([to_json(numbered(number)) for number in range(3)])
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    statuses = [result["status"] for result in answer.json()["results"]]
    assert statuses == ["acknowledged", "not_acknowledged", "not_acknowledged"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"\xff", {}, 400),
        (b"[" * 50_000, {}, 400),
        (b"[]", {}, 422),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b" " * (MAX_BODY_BYTES + 1), {}, 413),
        (json.dumps([{}] * (MAX_EVENTS + 1)).encode(), {}, 422),
    ],
)
async def test_a_request_that_cannot_be_read_is_a_problem(
    client: Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await client.post(body, **headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_body_that_does_not_come_is_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_app, "BODY_SECONDS", 0.01)

    async def standing_still() -> AsyncIterator[bytes]:
        yield b"["
        await asyncio.Event().wait()

    headers = {"authorization": f"Bearer {token()}", "content-type": "application/json"}
    answer = await client.http.post("/v1/events", content=standing_still(), headers=headers)
    assert answer.status_code == 408


async def test_more_requests_than_are_allowed_are_sent_away() -> None:
    async with serving(settings()) as client:
        client.app.state.intake._requests = 64
        answer = await client.post(to_json(an_event()))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_requests_and_events_are_counted_by_what_became_of_them(client: Client) -> None:
    client.publisher.fail_at = {2: "lost"}
    answers = [
        await client.post([to_json(numbered(1)), {}]),
        await client.post(to_json(numbered(2)), bearer="nonsense"),
        await client.post([to_json(numbered(3)), to_json(numbered(4))]),
    ]
    registry = client.app.state.intake._metrics.registry

    def counted(name: str, status: str) -> Any:
        return registry.get_sample_value(name, {"status": status})

    assert [answer.status_code for answer in answers] == [207, 401, 503]
    assert [counted("audit_intake_requests_total", status) for status in ("200", "207", "401", "503")] == [0, 1, 1, 1]
    outcomes = [counted("audit_intake_events_total", outcome) for outcome in OUTCOMES]
    assert dict(zip(OUTCOMES, outcomes, strict=True)) == {"acknowledged": 2, "refused": 1, "not_acknowledged": 1}
    assert registry.get_sample_value("audit_intake_request_seconds_count") == 3


async def test_an_answer_that_nobody_foresaw_is_counted_as_an_error(client: Client) -> None:
    client.publisher.publish_all = None  # type: ignore[assignment, method-assign]
    with pytest.raises(TypeError):
        await client.post(to_json(an_event()))
    registry = client.app.state.intake._metrics.registry
    assert registry.get_sample_value("audit_intake_requests_total", {"status": "500"}) == 1


def test_the_command_serves_the_metrics_on_a_port_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    port, read = free_port(), []
    monkeypatch.setattr("uvicorn.run", lambda *_, **__: read.append(httpx.get(f"http://127.0.0.1:{port}/metrics").text))
    command.serve(settings(AUDIT_INTAKE_METRICS_PORT=port), "127.0.0.1", 0)
    assert 'audit_intake_requests_total{status="503"} 0.0' in read[0]


def test_no_log_says_what_a_client_writes_behind_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {}
    monkeypatch.setattr("uvicorn.run", lambda *_, **given: options.update(given))
    command.serve(settings(), "127.0.0.1", 0)
    assert options["access_log"] is False


@pytest.mark.parametrize(("name", "more"), [("serve", ENVIRONMENT), ("relay", RELAY)])
def test_a_command_whose_metrics_port_is_taken_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, more: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = dict.fromkeys(("AUDIT_INTAKE_METRICS_PORT", "AUDIT_OUTBOX_METRICS_PORT"), str(port))
        for variable, value in {**more, **ports}.items():
            monkeypatch.setenv(variable, value)
        done = CliRunner().invoke(cli.app, [name])
    told = f"InvalidSettings: the metrics cannot be served on 127.0.0.1:{port}: Address already in use\n"
    assert (done.exit_code, done.output) == (2, told)


@given(any_events())
def test_the_schema_takes_every_event(event: Event) -> None:
    SCHEMA.validate(to_json(event))


@pytest.mark.parametrize("field", ["event_id", "occurred_at", "client_space_id", "admin", "activity"])
def test_the_schema_refuses_an_event_without_what_it_needs(field: str) -> None:
    event = to_json(an_event())
    del event[field]
    assert not jsonschema_rs.is_valid(json_schema(), event)
    assert not jsonschema_rs.is_valid(json_schema(), {**to_json(an_event()), "more": 1})


async def test_the_schema_is_served(client: Client) -> None:
    answer = await client.http.get("/v1/events/schema")
    assert (answer.headers["content-type"], answer.json()) == ("application/schema+json", json_schema())


@pytest.mark.parametrize(
    "pem",
    [
        public_pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - it must be refused
        public_pem(ec.generate_private_key(ec.SECP521R1())),
        "-----BEGIN PUBLIC KEY-----\nnone\n-----END PUBLIC KEY-----",
    ],
)
def test_a_public_key_that_no_algorithm_uses_safely_is_refused_at_the_start(pem: str) -> None:
    with pytest.raises(ValidationError, match="must be a"):
        settings(AUDIT_INTAKE_TOKEN_KEY=pem)


@pytest.mark.parametrize("private", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())])
def test_other_public_keys_are_taken(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    taken = settings(AUDIT_INTAKE_TOKEN_KEY=public_pem(private)).token_key
    assert taken is not None
    assert taken.get_secret_value() == public_pem(private)


def test_the_key_must_be_long_and_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRONMENT, "AUDIT_INTAKE_TOKEN_KEY": base64.b64encode(b"hush").decode()}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(
        InvalidSettings, match=r"^AUDIT_INTAKE_TOKEN_KEY: must be a public key in PEM, or at least"
    ) as bad:
        load_intake_settings()
    assert base64.b64encode(b"hush").decode() not in str(bad.value)
