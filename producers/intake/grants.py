"""Service tokens: which service asks, for which client spaces and channels it may publish."""

import base64
from dataclasses import dataclass

import jwt

from producers.intake.settings import IntakeSettings
from schemas.events import Channel, Event

ANY = "*"
_PUBLIC_KEY_ALGORITHMS = ["RS256", "ES256", "EdDSA"]
_REQUIRED = ["exp", "iss", "aud", "sub"]


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
    """Verifies tokens under one key. A shared secret and a public key never serve the same algorithm."""

    def __init__(self, settings: IntakeSettings) -> None:
        text = settings.token_key.get_secret_value()
        is_public = text.startswith("-----BEGIN")
        self._key: str | bytes = text if is_public else base64.b64decode(text)
        self._algorithms = _PUBLIC_KEY_ALGORITHMS if is_public else ["HS256"]
        self._issuer, self._audience = settings.token_issuer, settings.token_audience

    def grant(self, authorization: str | None) -> Grant:
        """What the header's token allows. Raises `InvalidToken`."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise InvalidToken("a bearer token is required")
        try:
            claims = jwt.decode(
                token.strip(),
                self._key,
                algorithms=self._algorithms,
                audience=self._audience,
                issuer=self._issuer,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError:
            raise InvalidToken("the token has expired") from None
        except (jwt.PyJWTError, ValueError):
            raise InvalidToken("the token is not valid here") from None
        return Grant(str(claims["sub"]), _texts(claims, "client_spaces"), _texts(claims, "channels"))


def _texts(claims: dict[str, object], name: str) -> frozenset[str]:
    value = claims.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise InvalidToken(f"the token's claim {name} must be a list of texts")
    return frozenset(value)
