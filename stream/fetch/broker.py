"""Kafka's address in Faust's own terms: Faust makes the worker's consumer and producer itself."""

import ssl
from typing import Any, TypeVar

from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials
from faust.types import AppT

from schemas import kafka
from schemas.kafka import Consumer, Producer
from schemas.kafka_address import KafkaAddress
from schemas.kafka_oauth import token_provider

C = TypeVar("C", Consumer, Producer)


class PasswordCredentials(SASLCredentials):
    """User and password of *address*, which may hold them in a file."""

    def __init__(self, address: KafkaAddress, context: ssl.SSLContext | None) -> None:
        self.address = address
        super().__init__(
            username=address.username,
            password=address.current_password(),
            ssl_context=context,
            mechanism=address.sasl_mechanism,
        )


def following(client: C, app: AppT) -> C:
    """*client*, which Faust has made for *app*, as `schemas.kafka.following` leaves it."""
    credentials = app.conf.broker_credentials
    return kafka.following(client, credentials.address) if isinstance(credentials, PasswordCredentials) else client


def broker_options(address: KafkaAddress) -> dict[str, Any]:
    """The settings by which a Faust app connects as the clients of `schemas.kafka` do."""
    context = address.ssl_context()
    credentials: OAuthCredentials | SASLCredentials | SSLCredentials | None = None
    if address.uses_tokens:
        credentials = OAuthCredentials(oauth_cb=token_provider(address.oauth_provider), ssl_context=context)
    elif address.uses_sasl:
        credentials = PasswordCredentials(address, context)
    elif context is not None:
        credentials = SSLCredentials(context)
    return {
        "broker": [f"kafka://{server}" for server in address.bootstrap_servers.split(",")],
        "broker_credentials": credentials,
    }
