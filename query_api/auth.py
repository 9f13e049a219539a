"""Who asks: the client space and the right to read come from a verified token, and from nothing else."""

from dataclasses import dataclass
from typing import Any, TypeGuard

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from query_api.errors import InsufficientScope, Unauthenticated
from query_api.settings import Settings, SettingsError, TokenPublicKey, parse_public_key
from schemas.limits import MAX_LENGTHS

READ_SCOPE = "audit:read"
CLIENT_SPACE_CLAIM = "client_space_id"

LEEWAY_SECONDS = 30
DEVELOPMENT_ALGORITHM = "HS256"

_REQUIRED_CLAIMS = ["exp", "iss", "aud", "sub"]


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a verified token. Only `Authenticator` makes one outside tests."""

    client_space_id: str
    subject: str


class Authenticator:
    """Verifies bearer tokens.

    The mode and the kind of key fix the one accepted algorithm. A token's header chooses nothing: it is the attacker's
    to write, and a public key taken for an HMAC secret would let anyone sign.
    """

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.token_issuer
        self._audience = settings.token_audience
        self._key: bytes | TokenPublicKey
        if settings.environment == "development":
            self._key, self._algorithm = _development_secret(settings), DEVELOPMENT_ALGORITHM
        else:
            self._key = parse_public_key(settings.token_public_key or "")
            self._algorithm = "RS256" if isinstance(self._key, RSAPublicKey) else "ES256"

    def authenticate(self, token: str | None) -> Caller:
        """The caller that *token* proves. Raises `Unauthenticated` or `InsufficientScope`."""
        if token is None:
            raise Unauthenticated(given=False)
        claims = self._verified_claims(token)
        client_space_id, scope = claims.get(CLIENT_SPACE_CLAIM), claims.get("scope")
        if not _is_client_space_id(client_space_id) or not str(claims["sub"]).strip():
            raise Unauthenticated(given=True)
        if not isinstance(scope, str) or READ_SCOPE not in scope.split(" "):
            raise InsufficientScope
        return Caller(client_space_id, claims["sub"])

    def _verified_claims(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED_CLAIMS},
            )
        except Exception:  # noqa: BLE001 - what a hostile token raises in a decoder is no closed list
            # Not chained: the reason may quote claims, and tells nobody but an attacker anything.
            raise Unauthenticated(given=True) from None
        return claims


def development_token(
    settings: Settings, *, client_space_id: str, subject: str, scope: str, now: int, expires_in_seconds: int
) -> str:
    """A token that the same settings accept. Raises `SettingsError` in production."""
    if settings.environment == "production":
        raise SettingsError("AUDIT_ENVIRONMENT: development tokens are refused in production")
    claims = {
        "iss": settings.token_issuer,
        "aud": settings.token_audience,
        "sub": subject,
        CLIENT_SPACE_CLAIM: client_space_id,
        "scope": scope,
        "iat": now,
        "exp": now + expires_in_seconds,
    }
    return jwt.encode(claims, _development_secret(settings), algorithm=DEVELOPMENT_ALGORITHM)


def _development_secret(settings: Settings) -> bytes:
    if settings.development_token_secret is None:
        raise SettingsError("AUDIT_DEVELOPMENT_TOKEN_SECRET: is required in development")
    return settings.development_token_secret.get_secret_value()


def _is_client_space_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= MAX_LENGTHS["client_space_id"]
