"""Who asks. The client space and the rights come from a verified token, and from nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import jwt

from query_api.errors import InsufficientScope, Unauthenticated
from query_api.settings import Settings
from schemas.limits import MAX_LENGTHS
from schemas.settings import InvalidSettings
from schemas.token_keys import FixedKey, KeySource, VerificationKey, key_in, verified_claims

READ_SCOPE = "audit:read"
EXPORT_SCOPE = "audit:export"
SCOPES = frozenset({READ_SCOPE, EXPORT_SCOPE})

DEVELOPMENT_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a verified token. Only `Authenticator` makes one outside tests."""

    client_space_id: str
    subject: str
    scopes: frozenset[str] = frozenset({READ_SCOPE})

    def require(self, scope: str) -> None:
        """Raise `InsufficientScope` unless the token has *scope*."""
        if scope not in self.scopes:
            raise InsufficientScope(scope)


class Authenticator:
    """Verifies bearer tokens."""

    def __init__(self, settings: Settings, keys: KeySource | None = None) -> None:
        self._issuer = settings.token_issuer
        self._audience = settings.token_audience
        self._client_space_claim = settings.token_client_space_claim
        self._scope_claim = settings.token_scope_claim
        self._keys = keys or _fixed_key(settings)

    async def authenticate(self, token: str | None) -> Caller:
        """The caller that *token* proves. Raises `Unauthenticated`, `InsufficientScope` or `KeysUnavailable`."""
        if token is None:
            raise Unauthenticated(given=False)
        try:
            claims = await verified_claims(token, self._keys, issuer=self._issuer, audience=self._audience)
        except ValueError:
            raise Unauthenticated(given=True) from None
        client_space_id = claim_at(claims, self._client_space_claim)
        if not _is_client_space_id(client_space_id) or not str(claims["sub"]).strip():
            raise Unauthenticated(given=True)
        caller = Caller(client_space_id, claims["sub"], _scopes(claim_at(claims, self._scope_claim)))
        caller.require(READ_SCOPE)
        return caller

    async def require_keys(self) -> None:
        """Raise `KeysUnavailable`, with what is wrong, where no token can be verified now."""
        await self._keys.require()

    async def close(self) -> None:
        await self._keys.close()


def claim_at(claims: Mapping[str, Any], path: str) -> object:
    """The claim named *path*, or else the one at the path of names between its dots; `None` where there is none."""
    if path in claims:
        return claims[path]
    value: object = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def development_token(
    settings: Settings, *, client_space_id: str, subject: str, scope: str, now: int, expires_in_seconds: int
) -> str:
    """A token that the same settings accept. Raises `InvalidSettings` in production."""
    if settings.environment == "production":
        raise InvalidSettings("AUDIT_ENVIRONMENT: development tokens are refused in production")
    claims = {
        "iss": settings.token_issuer,
        "aud": settings.token_audience,
        "sub": subject,
        settings.token_client_space_claim: client_space_id,
        settings.token_scope_claim: scope,
        "iat": now,
        "exp": now + expires_in_seconds,
    }
    return jwt.encode(claims, _development_secret(settings), algorithm=DEVELOPMENT_ALGORITHM)


def _fixed_key(settings: Settings) -> FixedKey:
    if settings.environment == "development":
        return FixedKey(VerificationKey(_development_secret(settings), DEVELOPMENT_ALGORITHM))
    return key_in(settings.token_public_key or "")


def _scopes(value: object) -> frozenset[str]:
    """The scopes of this service in *value*: a text that separates them by spaces, or a list."""
    found = value.split(" ") if isinstance(value, str) else value if isinstance(value, list) else []
    return SCOPES.intersection(scope for scope in found if isinstance(scope, str))


def _development_secret(settings: Settings) -> bytes:
    if settings.development_token_secret is None:
        raise InvalidSettings("AUDIT_DEVELOPMENT_TOKEN_SECRET: is required in development")
    return settings.development_token_secret.get_secret_value()


def _is_client_space_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= MAX_LENGTHS["client_space_id"]
