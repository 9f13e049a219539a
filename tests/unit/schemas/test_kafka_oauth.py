"""A token provider that fails or hangs is an outage, which clients wait out."""

import asyncio

import pytest
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

from schemas import kafka_oauth
from schemas.kafka_oauth import Tokens


class Hanging(AbstractTokenProvider):  # type: ignore[misc]
    """Waits for an identity provider that never answers."""

    async def token(self) -> str:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")


class Failing(AbstractTokenProvider):  # type: ignore[misc]
    """Fails with a text that quotes a secret."""

    async def token(self) -> str:
        raise LookupError("hush-hush")

    def extensions(self) -> dict[str, str]:
        raise LookupError("hush-hush")


@pytest.mark.parametrize(("provider", "error"), [(Hanging(), "TimeoutError"), (Failing(), "LookupError")])
async def test_a_provider_without_a_token_is_as_a_broker_that_is_away(
    provider: AbstractTokenProvider, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_oauth, "TOKEN_SECONDS", 0.0)
    with pytest.raises(KafkaConnectionError, match=rf"gave no token \({error}\)$") as raised:
        await Tokens(provider).token()
    assert raised.value.__suppress_context__


def test_a_provider_whose_extensions_fail_is_one_too() -> None:
    with pytest.raises(KafkaConnectionError, match=r"gave no token \(LookupError\)$"):
        Tokens(Failing()).extensions()
