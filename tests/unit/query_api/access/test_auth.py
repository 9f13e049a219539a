import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from query_api import cli
from query_api.access.auth import Authenticator, Caller, development_token
from query_api.errors import InsufficientScope, Unauthenticated
from query_api.settings import Settings
from schemas.settings import InvalidSettings
from tests.unit.query_api.api import SECRET, SPACE, Api, claims, encoded, running_api, settings_for, token

RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def public_pem(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def production(key: PrivateKey) -> Settings:
    return settings_for(
        AUDIT_ENVIRONMENT="production", AUDIT_DEVELOPMENT_TOKEN_SECRET=None, AUDIT_TOKEN_PUBLIC_KEY=public_pem(key)
    )


def forged(header: dict[str, Any], body: dict[str, Any], signature: bytes = b"") -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    return ".".join([part(json.dumps(header).encode()), part(json.dumps(body).encode()), part(signature)])


DEVELOPMENT = Authenticator(settings_for())


async def test_client_space_and_subject_come_from_the_claims() -> None:
    assert await DEVELOPMENT.authenticate(token()) == Caller(SPACE, "grace")


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSA_KEY, "RS256"),
        (EC_KEY, "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    ],
)
async def test_production_accepts_the_one_algorithm_of_its_key(key: PrivateKey, algorithm: str) -> None:
    authenticator = Authenticator(production(key))

    assert (await authenticator.authenticate(jwt.encode(claims(), key, algorithm=algorithm))).client_space_id == SPACE


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256", "RS256", "ES256", "PS256", "XX256", "", None])
async def test_an_unsigned_token_is_refused_whatever_it_claims(algorithm: str | None) -> None:
    for authenticator in (DEVELOPMENT, Authenticator(production(RSA_KEY)), Authenticator(production(EC_KEY))):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(forged({"alg": algorithm, "typ": "JWT"}, claims()))


async def test_a_public_key_is_never_taken_for_a_secret() -> None:
    for key in (RSA_KEY, EC_KEY):
        head_and_body = forged({"alg": "HS256", "typ": "JWT"}, claims()).rsplit(".", 1)[0]
        algorithm = jwt.get_algorithm_by_name("HS256")
        signature = algorithm.sign(head_and_body.encode(), public_pem(key).encode())
        signed = f"{head_and_body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

        with pytest.raises(Unauthenticated):
            await Authenticator(production(key)).authenticate(signed)


async def test_a_token_of_the_other_mode_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        await Authenticator(production(RSA_KEY)).authenticate(token())
    with pytest.raises(Unauthenticated):
        await DEVELOPMENT.authenticate(jwt.encode(claims(), RSA_KEY, algorithm="RS256"))
    with pytest.raises(Unauthenticated):
        await DEVELOPMENT.authenticate(jwt.encode(claims(), SECRET * 2, algorithm="HS512"))


async def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        await DEVELOPMENT.authenticate(jwt.encode(claims(), b"t" * 32, algorithm="HS256"))


@pytest.mark.parametrize(
    "values",
    [
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
        {"iss": "https://evil.example.com"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"client_space_id": None},
        {"client_space_id": ""},
        {"client_space_id": " "},
        {"client_space_id": 7},
        {"client_space_id": ["acme"]},
        {"client_space_id": "a" * 129},
    ],
)
async def test_a_token_with_a_wrong_or_missing_claim_is_refused(values: dict[str, Any]) -> None:
    body = claims(**values)
    with pytest.raises(Unauthenticated):
        await DEVELOPMENT.authenticate(forged_signed(body))


def forged_signed(body: dict[str, Any]) -> str:
    """*body* properly signed, whether or not a library would sign it."""
    head_and_body = forged({"alg": "HS256", "typ": "JWT"}, body).rsplit(".", 1)[0]
    signature = jwt.get_algorithm_by_name("HS256").sign(head_and_body.encode(), SECRET)
    return f"{head_and_body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def test_clocks_may_differ_by_30_seconds() -> None:
    now = int(time.time())

    assert (await DEVELOPMENT.authenticate(token(exp=now - 25, nbf=now + 25))).client_space_id == SPACE


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "..", "\0", "é.é.é", "a" * 10_000])
async def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        await DEVELOPMENT.authenticate(text)


@pytest.mark.parametrize("scope", [None, "", "audit:reader", "audit", "xaudit:read", ["audit:export"], 7])
async def test_a_token_without_the_scope_does_not_allow_reading(scope: Any) -> None:
    with pytest.raises(InsufficientScope):
        await DEVELOPMENT.authenticate(token(scope=scope))


@pytest.mark.parametrize("path", ["/v1/activities", "/v1/activities/018f0000-0000-7000-8000-000000000000"])
async def test_every_path_of_the_log_asks_for_a_token(api: Api, path: str) -> None:
    without = await api.client.get(path)
    invalid = await api.client.get(path, headers={"Authorization": "Bearer x"})
    other_scheme = await api.client.get(path, headers={"Authorization": "Basic eDp4"})
    no_scope = await api.client.get(path, headers={"Authorization": f"Bearer {token(scope='other')}"})

    assert (without.status_code, without.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (invalid.status_code, invalid.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert other_scheme.status_code == 401
    assert no_scope.status_code == 403
    assert no_scope.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="audit:read"'


async def test_a_token_is_asked_for_before_parameters_are_judged(api: Api) -> None:
    assert (await api.client.get("/v1/activities?nonsense=1")).status_code == 401


async def test_the_api_serves_in_production_with_a_public_key() -> None:
    values = {"AUDIT_ENVIRONMENT": "production", "AUDIT_DEVELOPMENT_TOKEN_SECRET": None}
    async with running_api(**values, AUDIT_TOKEN_PUBLIC_KEY=public_pem(EC_KEY)) as api:
        bearer = f"Bearer {jwt.encode(claims(), EC_KEY, algorithm='ES256')}"

        assert (await api.client.get("/v1/activities", headers={"Authorization": bearer})).status_code == 200
        assert (await api.get("/v1/activities")).status_code == 401


async def test_a_development_token_is_accepted_by_the_settings_that_made_it() -> None:
    text = development_token(
        settings_for(),
        client_space_id="globex",
        subject="ada",
        scope="audit:read",
        now=int(time.time()),
        expires_in_seconds=60,
    )

    assert await DEVELOPMENT.authenticate(text) == Caller("globex", "ada")


def test_development_tokens_are_refused_in_production() -> None:
    with pytest.raises(InvalidSettings, match="production"):
        development_token(
            production(RSA_KEY), client_space_id="acme", subject="x", scope="audit:read", now=0, expires_in_seconds=60
        )


def test_a_secret_setting_is_not_in_its_text() -> None:
    assert encoded(SECRET) not in repr(settings_for())
    assert repr(SECRET) not in repr(settings_for())


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--scope", "audit:write", "must be audit:read"), ("--client-space", " ", "blank"), ("--subject", "", "blank")],
)
def test_no_token_is_made_that_the_api_would_refuse(option: str, value: str, told: str) -> None:
    options = {"--client-space": SPACE, "--subject": "grace", option: value}
    done = CliRunner().invoke(cli.app, ["token", *(text for pair in options.items() for text in pair)])
    assert done.exit_code == 2
    assert told in done.output
