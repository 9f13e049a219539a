"""Kafka's address in Faust's own terms: Faust makes the worker's consumer and producer itself."""

from typing import Any

from faust.auth import SASLCredentials, SSLCredentials

from schemas.kafka_address import KafkaAddress


def broker_options(address: KafkaAddress) -> dict[str, Any]:
    """The settings by which a Faust app connects as the clients of `schemas.kafka` do."""
    context = address.ssl_context()
    credentials: SASLCredentials | SSLCredentials | None = None
    if address.uses_sasl:
        credentials = SASLCredentials(
            username=address.username,
            password=address.password,
            ssl_context=context,
            mechanism=address.sasl_mechanism,
        )
    elif context is not None:
        credentials = SSLCredentials(context)
    return {
        "broker": [f"kafka://{server}" for server in address.bootstrap_servers.split(",")],
        "broker_credentials": credentials,
    }
