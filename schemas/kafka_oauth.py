"""The hook of OAUTHBEARER: a function of the operator's own says where Kafka's tokens come from."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

TOKEN_SECONDS = 30.0


class Tokens(AbstractTokenProvider):  # type: ignore[misc]
    """The tokens of *provider*. Where it fails, Kafka cannot be reached: clients wait for it as for a broker."""

    def __init__(self, provider: AbstractTokenProvider) -> None:
        self._provider = provider

    async def token(self) -> str:
        """A token that is valid now. Raises `KafkaConnectionError`, also where none has come in `TOKEN_SECONDS`."""
        with _failure_as_outage():
            # aiokafka itself would wait for ever, and make no other connection meanwhile.
            async with asyncio.timeout(TOKEN_SECONDS):
                return str(await self._provider.token())

    def extensions(self) -> dict[str, str]:
        """What is sent beside the token. Raises `KafkaConnectionError`."""
        with _failure_as_outage():
            return dict(self._provider.extensions())


@contextmanager
def _failure_as_outage() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - what an operator's function raises is no closed list
        # Not chained: its text may hold a secret.
        raise KafkaConnectionError(f"KAFKA_SASL_OAUTH_PROVIDER gave no token ({type(error).__name__})") from None


@cache
def token_provider(place: str) -> Tokens:
    """What the function at *place*, `module:function`, gives; it is called once a process.

    Raises `ValueError`, whose text says what is wrong with it and quotes no error's text.
    """
    module, _, name = place.partition(":")
    try:
        make = getattr(import_module(module), name)
    except Exception as error:  # noqa: BLE001 - what a module raises when it is imported is no closed list
        raise ValueError(f"must be module:function, and cannot be imported ({type(error).__name__})") from None
    try:
        provider = make()
    except Exception as error:  # noqa: BLE001 - as above
        raise ValueError(f"the function failed ({type(error).__name__})") from None
    if not isinstance(provider, AbstractTokenProvider):
        raise ValueError("the function must give an aiokafka.abc.AbstractTokenProvider")  # noqa: TRY004 - a setting's fault
    return Tokens(provider)
