"""Against an identity provider on this machine, which can be made to fail."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import pytest
import structlog
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from structlog.testing import capture_logs

from query_api.access.auth import Authenticator, Caller, claim_at
from query_api.app import create_app
from query_api.errors import InsufficientScope, Unauthenticated
from query_api.settings import Settings
from schemas import issuer_keys as oidc
from schemas.issuer_keys import ANSWER_SECONDS, FRESH_SECONDS, PAUSE_SECONDS, IssuerKeys
from schemas.token_keys import KeysUnavailable
from tests.fakes.reader import InMemoryAccessLog, InMemoryLogReader
from tests.unit.query_api.api import claims, running_api, settings_for
from tests.unit.query_api.http.test_problems import assert_problem

RSA_KEY, OTHER_RSA_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
EC_KEY = ec.generate_private_key(ec.SECP256R1())
LONGER_EC_KEY = ec.generate_private_key(ec.SECP384R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def jwk(key: PrivateKey, key_id: str | None, **values: Any) -> dict[str, Any]:
    makers: dict[type, Any] = {
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
        ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm,
    }
    make = next(maker for kind, maker in makers.items() if isinstance(key, kind))
    document: dict[str, Any] = json.loads(make.to_jwk(key.public_key()))
    named = {} if key_id is None else {"kid": key_id}
    return {**document, **named, "use": "sig", **values}


class Issuer:
    """An identity provider: its documents, its faults, and how often it was asked for keys."""

    def __init__(self) -> None:
        self.keys = [jwk(RSA_KEY, "rsa"), jwk(EC_KEY, "ec")]
        self.changes: dict[str, Any] = {}
        self.answer: Callable[[], web.Response] | None = None
        self.asked = self.tried = 0
        self.hangs = False
        self.url = ""
        self.time = 0.0

    @property
    def configuration_url(self) -> str:
        return f"{self.url}/.well-known/openid-configuration"

    async def until_tried(self, times: int) -> None:
        """Return when it was asked for its configuration that often."""
        async with asyncio.timeout(60):
            while self.tried < times:  # noqa: ASYNC110 - the provider's side knows nothing of who waits
                await asyncio.sleep(0.01)

    async def until_used(self, times: int) -> None:
        """Return when it was asked for its configuration that often, and the last answer was used or given up."""
        await self.until_tried(times)
        async with asyncio.timeout(60):
            while self.reader._is_reading():  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)

    def values(self) -> dict[str, str | None]:
        """The settings by which a service trusts this issuer."""
        return {
            "AUDIT_ENVIRONMENT": "production",
            "AUDIT_DEVELOPMENT_TOKEN_SECRET": None,
            "AUDIT_TOKEN_ISSUER": self.url,
            "AUDIT_TOKEN_DISCOVERY_URL": self.configuration_url,
        }

    def settings(self, **settings: Any) -> Settings:
        """Those of a service that trusts this issuer."""
        return settings_for(**{**self.values(), **settings})

    def authenticator(self, **settings: Any) -> Authenticator:
        """One that reads from here, by this issuer's clock."""
        self.reader = IssuerKeys(
            self.configuration_url, self.url, warn=structlog.get_logger().warning, clock=lambda: self.time
        )
        return Authenticator(self.settings(**settings), self.reader)

    def token(
        self, key: PrivateKey = RSA_KEY, key_id: str | None = "rsa", *, algorithm: str | None = None, **values: Any
    ) -> str:
        algorithm = algorithm or ("RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256")
        body = claims(**{"iss": self.url, **values})
        return jwt.encode(body, key, algorithm, headers={} if key_id is None else {"kid": key_id})

    async def configuration(self, _: web.Request) -> web.Response:
        self.tried += 1
        if self.hangs:
            await asyncio.sleep(60)
        if self.answer is not None:
            return self.answer()
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.changes})

    async def jwks(self, _: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(0.02)
        return web.json_response({"keys": self.keys})


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer, app = Issuer(), web.Application()
    app.router.add_get("/.well-known/openid-configuration", issuer.configuration)
    app.router.add_get("/keys", issuer.jwks)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    await web.TCPSite(runner, "127.0.0.2", port).start()
    issuer.url = f"http://127.0.0.1:{port}"
    yield issuer
    await runner.cleanup()


async def test_tokens_of_every_key_of_the_provider_are_accepted(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()

    for key, key_id in ((RSA_KEY, "rsa"), (EC_KEY, "ec")):
        assert await authenticator.authenticate(issuer.token(key, key_id)) == Caller("acme", "grace")
    assert issuer.asked == 1


@pytest.mark.parametrize(
    ("key", "algorithm", "values"),
    [(RSA_KEY, "PS256", {"alg": "PS256"}), (LONGER_EC_KEY, "ES384", {}), (ED_KEY, "EdDSA", {})],
)
async def test_a_key_verifies_what_it_is_made_for(
    issuer: Issuer, key: PrivateKey, algorithm: str, values: dict[str, str]
) -> None:
    issuer.keys = [jwk(key, "one", **values)]
    token = issuer.token(key, "one", algorithm=algorithm)

    assert await issuer.authenticator().authenticate(token) == Caller("acme", "grace")


async def test_an_rsa_key_verifies_no_padding_but_its_own(issuer: Issuer) -> None:
    issuer.keys = [jwk(RSA_KEY, "pss", alg="PS256"), jwk(OTHER_RSA_KEY, "plain")]
    authenticator = issuer.authenticator()

    for token in (issuer.token(RSA_KEY, "pss"), issuer.token(OTHER_RSA_KEY, "plain", algorithm="PS256")):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(token)


@pytest.mark.parametrize(("of_key", "of_token"), [(None, None), (None, "any"), ("rsa", None)])
async def test_the_only_key_needs_no_id(issuer: Issuer, of_key: str | None, of_token: str | None) -> None:
    issuer.keys = [jwk(RSA_KEY, of_key)]
    authenticator = issuer.authenticator()

    assert await authenticator.authenticate(issuer.token(key_id=of_token)) == Caller("acme", "grace")
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(issuer.token(OTHER_RSA_KEY, key_id=of_token))


async def test_one_of_several_keys_needs_an_id(issuer: Issuer) -> None:
    issuer.keys = [jwk(RSA_KEY, None), jwk(EC_KEY, "ec")]
    authenticator = issuer.authenticator()

    assert await authenticator.authenticate(issuer.token(EC_KEY, "ec")) == Caller("acme", "grace")
    for token in (issuer.token(key_id=None), issuer.token(key_id="any")):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(token)


async def test_a_token_of_another_key_or_of_none_is_refused(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()

    for token in (issuer.token(OTHER_RSA_KEY), issuer.token(key_id=None), issuer.token(EC_KEY), issuer.token(iss="x")):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(token)


async def test_a_key_verifies_its_own_algorithm_alone(issuer: Issuer) -> None:
    """Neither a longer hash than the allowed one, nor a shared secret, nor no signature."""
    authenticator = issuer.authenticator()
    body = claims(iss=issuer.url)

    for token in (
        jwt.encode(body, RSA_KEY, "RS512", headers={"kid": "rsa"}),
        jwt.encode(body, "s" * 32, "HS256", headers={"kid": "rsa"}),
        jwt.encode(body, "", "none", headers={"kid": "rsa"}),
    ):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(token)


async def test_a_new_key_is_found_when_a_token_names_it(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.token())
    issuer.keys.append(jwk(OTHER_RSA_KEY, "new"))

    issuer.time += PAUSE_SECONDS

    assert await authenticator.authenticate(issuer.token(OTHER_RSA_KEY, "new")) == Caller("acme", "grace")


async def test_a_flood_of_unknown_keys_costs_the_provider_one_request(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.token())
    issuer.time += PAUSE_SECONDS
    tokens = [issuer.token(OTHER_RSA_KEY, f"unknown-{number}") for number in range(50)]

    answers = await asyncio.gather(*map(authenticator.authenticate, tokens), return_exceptions=True)

    assert {type(answer) for answer in answers} == {Unauthenticated}
    assert issuer.asked == 2
    assert await authenticator.authenticate(issuer.token()) == Caller("acme", "grace")


async def test_all_that_wait_for_the_first_keys_share_one_request(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()

    await asyncio.gather(*(authenticator.authenticate(issuer.token()) for _ in range(20)))

    assert issuer.asked == 1


FAULTS: list[Callable[[], web.Response]] = [
    lambda: web.Response(status=500),
    lambda: web.Response(text="<html>"),
    lambda: web.json_response([]),
    lambda: web.json_response({}),
    lambda: web.json_response({"issuer": "https://evil.example.com", "jwks_uri": "https://evil.example.com"}),
    lambda: web.Response(status=302, headers={"Location": "https://evil.example.com"}),
    lambda: web.Response(body=b" " * (1 << 21)),
]


@pytest.fixture
def brief_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the test's clock keys age as ever; in the background one need not wait to see it."""
    monkeypatch.setattr(oidc, "PAUSE_SECONDS", 0.01)


@pytest.mark.usefixtures("brief_pauses")
@pytest.mark.parametrize("fault", FAULTS)
async def test_the_last_good_keys_outlive_an_outage(issuer: Issuer, fault: Callable[[], web.Response]) -> None:
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.token())
    issuer.answer = fault

    for number in range(3):
        issuer.time += FRESH_SECONDS
        await issuer.until_used(number + 2)
        assert await authenticator.authenticate(issuer.token()) == Caller("acme", "grace")

    issuer.answer, issuer.keys = None, [jwk(OTHER_RSA_KEY, "new")]
    issuer.time += PAUSE_SECONDS
    assert await authenticator.authenticate(issuer.token(OTHER_RSA_KEY, "new")) == Caller("acme", "grace")
    await authenticator.close()


@pytest.mark.usefixtures("brief_pauses")
async def test_nobody_who_names_a_known_key_waits_for_a_provider_that_hangs(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.token())
    issuer.hangs = True
    issuer.time += FRESH_SECONDS

    for _ in range(20):
        # Less than a provider is given to answer.
        async with asyncio.timeout(ANSWER_SECONDS - 1):
            assert await authenticator.authenticate(issuer.token()) == Caller("acme", "grace")
        await asyncio.sleep(0.01)
    await issuer.until_tried(2)
    # One read at a time, however many tokens come.
    assert issuer.tried == 2
    await authenticator.close()


@pytest.mark.usefixtures("brief_pauses")
async def test_a_withdrawn_key_is_refused_once_the_keys_are_old_though_no_token_came_meanwhile(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.token())
    issuer.keys = [jwk(EC_KEY, "ec")]

    issuer.time += FRESH_SECONDS
    await issuer.until_used(2)

    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(issuer.token())
    await authenticator.close()


@pytest.mark.usefixtures("brief_pauses")
async def test_an_answer_that_breaks_the_reader_does_not_end_the_reading(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.token())
    with monkeypatch.context() as broken:
        broken.setattr(oidc, "_verification_keys", lambda _: 1 // 0)
        issuer.time += FRESH_SECONDS
        await issuer.until_used(2)
    issuer.keys = [jwk(EC_KEY, "ec")]

    issuer.time += FRESH_SECONDS
    await issuer.until_used(3)

    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(issuer.token())
    await authenticator.close()


@pytest.mark.usefixtures("brief_pauses")
async def test_nothing_goes_on_after_the_applications_end(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "FRESH_SECONDS", 0)
    others = asyncio.all_tasks()
    app = create_app(issuer.settings(), InMemoryLogReader(), access_log=InMemoryAccessLog())
    async with app.router.lifespan_context(app):
        await app.state.service.authenticator.authenticate(issuer.token())
        issuer.hangs = True
        await issuer.until_tried(2)

    assert not [task for task in asyncio.all_tasks() - others if "IssuerKeys" in repr(task)]


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_any_keys_no_token_is_judged(issuer: Issuer, fault: Callable[[], web.Response]) -> None:
    authenticator = issuer.authenticator()
    issuer.answer = fault

    with pytest.raises(KeysUnavailable):
        await authenticator.authenticate(issuer.token())
    issuer.answer = None
    with pytest.raises(KeysUnavailable):
        await authenticator.authenticate(issuer.token())
    issuer.time += PAUSE_SECONDS
    assert await authenticator.authenticate(issuer.token()) == Caller("acme", "grace")


async def test_keys_that_are_of_no_use_here_are_passed_over(issuer: Issuer) -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - passed over
    issuer.keys = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {"kty": "unknown", "kid": "unknown"},
        jwk(weak, "weak"),
        jwk(RSA_KEY, "encrypts", use="enc"),
        jwk(RSA_KEY, "longer", alg="RS512"),
        jwk(RSA_KEY, "rsa"),
    ]
    authenticator = issuer.authenticator()

    assert await authenticator.authenticate(issuer.token()) == Caller("acme", "grace")
    for key_id in "encrypts", "longer":
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(issuer.token(RSA_KEY, key_id))


async def test_keys_are_read_from_safe_places_only(issuer: Issuer) -> None:
    """Another address of this machine stands for a host that answers, but without TLS."""
    issuer.changes = {"jwks_uri": f"{issuer.url}/keys".replace("127.0.0.1", "127.0.0.2")}

    with pytest.raises(KeysUnavailable):
        await issuer.authenticator().authenticate(issuer.token())


async def test_the_document_of_another_issuer_is_refused(issuer: Issuer) -> None:
    issuer.changes = {"issuer": "https://evil.example.com"}

    with capture_logs() as logs, pytest.raises(KeysUnavailable):
        await issuer.authenticator().authenticate(issuer.token())
    (told,) = (entry for entry in logs if entry["event"] == "issuer_differs")
    assert (told["setting"], told["document"]) == (issuer.url, "https://evil.example.com")


async def test_keys_are_there_again_once_the_issuer_is_right_and_stay_whatever_it_says_later(issuer: Issuer) -> None:
    issuer.changes = {"issuer": f"{issuer.url}/"}
    authenticator = issuer.authenticator()
    for _ in range(2):
        with pytest.raises(KeysUnavailable, match=f"{issuer.url}, and the provider calls itself {issuer.url}/"):
            await authenticator.require_keys()
    assert issuer.tried == 1
    issuer.answer, issuer.time = FAULTS[0], PAUSE_SECONDS
    with pytest.raises(KeysUnavailable, match="cannot be read"):
        await authenticator.require_keys()
    issuer.answer, issuer.changes, issuer.time = None, {}, 2 * PAUSE_SECONDS
    await authenticator.require_keys()
    issuer.changes, issuer.time = {"issuer": "https://other.example.com"}, 2 * FRESH_SECONDS
    await authenticator.require_keys()
    await authenticator.close()


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        ({"AUDIT_TOKEN_CLIENT_SPACE_CLAIM": "https://example.com/space"}, {"https://example.com/space": "globex"}),
        ({"AUDIT_TOKEN_CLIENT_SPACE_CLAIM": "app.space"}, {"app": {"space": "globex"}}),
        (
            {"AUDIT_TOKEN_CLIENT_SPACE_CLAIM": "app.space", "AUDIT_TOKEN_SCOPE_CLAIM": "realm.roles"},
            {"app": {"space": "globex"}, "scope": None, "realm": {"roles": ["other", "audit:read"]}},
        ),
    ],
)
async def test_claims_are_read_where_the_settings_say(
    issuer: Issuer, settings: dict[str, Any], values: dict[str, Any]
) -> None:
    assert await issuer.authenticator(**settings).authenticate(issuer.token(**values)) == Caller("globex", "grace")


async def test_a_claim_elsewhere_counts_for_nothing(issuer: Issuer) -> None:
    authenticator = issuer.authenticator(
        AUDIT_TOKEN_CLIENT_SPACE_CLAIM="app.space", AUDIT_TOKEN_SCOPE_CLAIM="realm.roles"
    )

    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(issuer.token())
    with pytest.raises(InsufficientScope):
        await authenticator.authenticate(issuer.token(app={"space": "acme"}))


@pytest.mark.parametrize("claims", [{}, {"a": None}, {"a": 1}, {"a": []}, {"a": "b"}, {"b": 1}])
def test_a_path_that_leads_nowhere_is_no_claim(claims: dict[str, Any]) -> None:
    assert claim_at(claims, "a.b") is None


async def test_an_api_without_keys_says_that_it_cannot_judge(issuer: Issuer) -> None:
    headers = {"Authorization": f"Bearer {issuer.token()}"}
    async with running_api(**issuer.values()) as api:
        assert (await api.client.get("/v1/activities", headers=headers)).status_code == 200
    issuer.answer = FAULTS[0]
    async with running_api(**issuer.values()) as api:
        answer = await api.client.get("/v1/activities", headers=headers)

    assert_problem(answer, 503, "keys-unavailable")
    assert "Retry-After" in answer.headers


async def test_readiness_names_an_issuer_that_differs(issuer: Issuer) -> None:
    issuer.changes = {"issuer": f"{issuer.url}/"}
    async with running_api(**issuer.values()) as api:
        document = assert_problem(await api.client.get("/readyz"), 503, "keys-unavailable")
    assert document["detail"] == f"the issuer is set to {issuer.url}, and the provider calls itself {issuer.url}/"
