"""The public keys that verify tokens, of the query API's callers and of the intake's."""

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import AfterValidator

LEEWAY_SECONDS = 30
"""How far the issuer's clock may be off."""
_REQUIRED_CLAIMS = ["exp", "iss", "aud", "sub"]
_NOT_VALID = "the token is not valid here"
_MIN_RSA_BITS = 2048
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")

TokenPublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class KeysUnavailable(Exception):
    """The identity provider's keys were never read, so no token can be verified now."""


class VerificationKey(NamedTuple):
    """A key and the one algorithm that it verifies."""

    key: bytes | TokenPublicKey
    algorithm: str


class KeySource(Protocol):
    """Where the keys come from."""

    async def key_for(self, key_id: str | None) -> VerificationKey | None:
        """The key of that id; `None` where there is none. Raises `KeysUnavailable` where that cannot be known now."""
        ...

    async def require(self) -> None:
        """Raise `KeysUnavailable`, with what is wrong, where no token can be verified now."""
        ...

    async def close(self) -> None:
        """End all background work. The source is not used afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class FixedKey:
    """The key of the settings, for every key id."""

    key: VerificationKey

    async def key_for(self, _: str | None) -> VerificationKey | None:
        return self.key

    async def require(self) -> None:
        """See `KeySource.require`."""

    async def close(self) -> None:
        """See `KeySource.close`."""


def key_in(pem: str) -> FixedKey:
    """The key in *pem* as the only one. Raises `ValueError` as `parse_public_key` does."""
    key = parse_public_key(pem)
    return FixedKey(VerificationKey(key, algorithms_of(key)[0]))


def parse_public_key(pem: str) -> TokenPublicKey:
    """The key in *pem*. Raises `ValueError` for one that no accepted algorithm can use safely."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("must be a public key in PEM") from None
    return safe_public_key(key)


def safe_public_key(key: object) -> TokenPublicKey:
    """*key* itself. Raises `ValueError` as `parse_public_key` does."""
    if isinstance(key, RSAPublicKey) and key.key_size >= _MIN_RSA_BITS:
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1 | SECP384R1):
        return key
    if isinstance(key, Ed25519PublicKey):
        return key
    raise ValueError(f"must be an RSA key of at least {_MIN_RSA_BITS} bits, an EC key on P-256 or P-384, or Ed25519")


def algorithms_of(key: TokenPublicKey) -> tuple[str, ...]:
    """What *key* can verify here; it verifies the first, unless whoever owns it says another."""
    if isinstance(key, RSAPublicKey):
        return "RS256", "PS256"
    if isinstance(key, EllipticCurvePublicKey):
        return ("ES256",) if isinstance(key.curve, SECP256R1) else ("ES384",)
    return ("EdDSA",)


async def verified_claims(token: str, keys: KeySource, *, issuer: str, audience: str) -> dict[str, Any]:
    """The claims of *token*, which *issuer* signed with one of *keys* for *audience*.

    The key fixes the one accepted algorithm. A token's header chooses nothing but the key, for attackers write it: a
    public key used as an HMAC secret would let anybody sign. Raises `ValueError`, whose text holds nothing of the
    token, and `KeysUnavailable`.
    """
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
    except Exception:  # noqa: BLE001 - what a hostile token raises in a decoder is no closed list
        raise ValueError(_NOT_VALID) from None
    key = await keys.key_for(key_id if isinstance(key_id, str) else None)
    if key is None:
        raise ValueError(_NOT_VALID)
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm],
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": _REQUIRED_CLAIMS},
        )
    except jwt.ExpiredSignatureError:
        raise ValueError("the token has expired") from None
    except Exception:  # noqa: BLE001 - as above
        # Not chained: the reason may quote claims.
        raise ValueError(_NOT_VALID) from None
    return claims


def _check_discovery_url(url: str) -> str:
    if is_safe_url(url):
        return url
    raise ValueError("must be an https:// URL")


def is_safe_url(url: str) -> bool:
    """Whether what is read from *url* comes from whom it names: by TLS, or from this machine."""
    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    except ValueError:
        return False
    return bool(host) and (scheme == "https" or (scheme == "http" and host in _THIS_MACHINE))


DiscoveryUrl = Annotated[str, AfterValidator(_check_discovery_url)]
"""A setting: where an issuer's OpenID configuration lies."""
