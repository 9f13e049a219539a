"""A token provider as an operator would write one, for a broker that believes unsigned tokens."""

import base64
import json
import os
import time

from aiokafka.abc import AbstractTokenProvider


class UnsignedTokens(AbstractTokenProvider):  # type: ignore[misc]
    """Tokens for the user that `TEST_OAUTH_USER` names."""

    async def token(self) -> str:
        """A token that is valid for an hour."""
        now = int(time.time())
        claims = {"sub": os.environ["TEST_OAUTH_USER"], "iat": now, "exp": now + 3600}
        return f"{_encoded({'alg': 'none'})}.{_encoded(claims)}."


def unsigned_tokens() -> UnsignedTokens:
    """What `KAFKA_SASL_OAUTH_PROVIDER` names."""
    return UnsignedTokens()


def no_tokens() -> object:
    """A function that gives something else."""
    return object()


def failing() -> object:
    """A function that fails."""
    raise RuntimeError("hush-hush")


def _encoded(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
