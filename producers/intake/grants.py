"""Service tokens: which service asks, for which client spaces and channels it may publish."""

import base64
import logging
from dataclasses import dataclass

from producers.intake.settings import IntakeSettings
from schemas.events import Channel, Event
from schemas.issuer_keys import IssuerKeys
from schemas.token_keys import FixedKey, KeySource, VerificationKey, key_in, verified_claims

ANY = "*"

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
    """Verifies tokens."""

    def __init__(self, settings: IntakeSettings, keys: KeySource | None = None) -> None:
        self._keys = keys or _keys(settings)
        self._issuer, self._audience = settings.token_issuer, settings.token_audience

    async def grant(self, authorization: str | None) -> Grant:
        """What the header's token allows. Raises `InvalidToken` or `KeysUnavailable`."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise InvalidToken("a bearer token is required")
        try:
            claims = await verified_claims(token.strip(), self._keys, issuer=self._issuer, audience=self._audience)
        except ValueError as error:
            raise InvalidToken(str(error)) from None
        return Grant(str(claims["sub"]), _texts(claims, "client_spaces"), _texts(claims, "channels"))

    async def aclose(self) -> None:
        await self._keys.close()


def _keys(settings: IntakeSettings) -> KeySource:
    if settings.token_discovery_url is not None:
        return IssuerKeys(settings.token_discovery_url, settings.token_issuer, warn=_warn)
    text = settings.token_key.get_secret_value() if settings.token_key else ""
    if not text.startswith("-----BEGIN"):
        return FixedKey(VerificationKey(base64.b64decode(text), "HS256"))
    return key_in(text)


def _warn(event: str, **values: object) -> None:
    _log.warning("%s %s", event, values)


def _texts(claims: dict[str, object], name: str) -> frozenset[str]:
    value = claims.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise InvalidToken(f"the token's claim {name} must be a list of texts")
    return frozenset(value)
