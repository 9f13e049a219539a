"""Service tokens: which service asks, for which client spaces and channels it may publish."""

import base64
import logging
from dataclasses import dataclass
from typing import Any

import jwt

from producers.intake.settings import IntakeSettings
from schemas.events import Channel, Event
from schemas.issuer_keys import IssuerKeys
from schemas.token_keys import FixedKey, KeySource, VerificationKey, algorithms_of, key_id_of, parse_public_key

ANY = "*"
_REQUIRED = ["exp", "iss", "aud", "sub"]

_log = logging.getLogger(__name__)


class InvalidToken(Exception):
    """The token is missing, or proves nothing. The text holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows. *client_spaces* may hold `*`, which is any."""

    service: str
    client_spaces: frozenset[str]
    channels: frozenset[str]

    def forbidden_field(self, event: Event) -> str | None:
        """The field of *event* that the token does not allow; `None` where it allows all of it."""
        if ANY not in self.client_spaces and event.client_space_id not in self.client_spaces:
            return "client_space_id"
        if event.channel is Channel.UNKNOWN or event.channel not in self.channels:
            return "channel"
        if event.source is None or event.source.service != self.service:
            return "source.service"
        return None


class Tokens:
    """Verifies tokens. The key fixes the algorithm, so a public key is never taken for a shared secret."""

    def __init__(self, settings: IntakeSettings, keys: KeySource | None = None) -> None:
        self._keys = keys or _keys(settings)
        self._issuer, self._audience = settings.token_issuer, settings.token_audience

    async def grant(self, authorization: str | None) -> Grant:
        """What the header's token allows. Raises `InvalidToken` or `KeysUnavailable`."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise InvalidToken("a bearer token is required")
        claims = await self._claims(token.strip())
        return Grant(str(claims["sub"]), _texts(claims, "client_spaces"), _texts(claims, "channels"))

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            if (key := await self._keys.key_for(key_id_of(token))) is None:
                raise InvalidToken("the token is not valid here")
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError:
            raise InvalidToken("the token has expired") from None
        except (jwt.PyJWTError, ValueError):
            raise InvalidToken("the token is not valid here") from None
        return claims

    async def aclose(self) -> None:
        await self._keys.close()


def _keys(settings: IntakeSettings) -> KeySource:
    if settings.token_discovery_url is not None:
        return IssuerKeys(settings.token_discovery_url, settings.token_issuer, warn=_warn)
    text = settings.token_key.get_secret_value() if settings.token_key else ""
    if not text.startswith("-----BEGIN"):
        return FixedKey(VerificationKey(base64.b64decode(text), "HS256"))
    key = parse_public_key(text)
    return FixedKey(VerificationKey(key, algorithms_of(key)[0]))


def _warn(event: str, **values: object) -> None:
    _log.warning("%s %s", event, values)


def _texts(claims: dict[str, object], name: str) -> frozenset[str]:
    value = claims.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise InvalidToken(f"the token's claim {name} must be a list of texts")
    return frozenset(value)
