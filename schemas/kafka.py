"""The one door to Kafka: every client of worker, commands and producers is made here, from the same address."""

import logging
from typing import Any, TypeAlias, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError

from schemas.kafka_address import KafkaAddress
from schemas.kafka_oauth import token_provider
from schemas.kafka_refusal import KafkaRefused, refusal

Admin: TypeAlias = AIOKafkaAdminClient
Consumer: TypeAlias = AIOKafkaConsumer
Producer: TypeAlias = AIOKafkaProducer

C = TypeVar("C", Admin, Consumer, Producer)

# At DEBUG aiokafka logs every record, and every request with its records: ids and names.
for _name in ("aiokafka.producer.producer", "aiokafka.conn"):
    logging.getLogger(_name).setLevel(logging.INFO)


def admin(address: KafkaAddress, **options: object) -> Admin:
    """An admin client, not yet started. *options* are aiokafka's."""
    return following(AIOKafkaAdminClient(**connection(address), **options), address)


def consumer(address: KafkaAddress, **options: object) -> Consumer:
    """A consumer that commits nothing by itself, not yet started. *options* are aiokafka's."""
    return following(AIOKafkaConsumer(**connection(address), enable_auto_commit=False, **options), address)


def producer(address: KafkaAddress, **options: object) -> Producer:
    """An idempotent producer that waits for all replicas, not yet started. *options* are aiokafka's."""
    return following(AIOKafkaProducer(**connection(address), enable_idempotence=True, acks="all", **options), address)


def connection(address: KafkaAddress) -> dict[str, Any]:
    """The options by which every client of aiokafka connects."""
    options: dict[str, Any] = {
        "bootstrap_servers": address.bootstrap_servers,
        "security_protocol": address.security_protocol,
        "ssl_context": address.ssl_context(),
    }
    if address.uses_tokens:
        provider = token_provider(address.oauth_provider)
        options |= {"sasl_mechanism": address.sasl_mechanism, "sasl_oauth_token_provider": provider}
    elif address.uses_sasl:
        options |= {
            "sasl_mechanism": address.sasl_mechanism,
            "sasl_plain_username": address.username,
            "sasl_plain_password": address.current_password(),
        }
    return options


def following(client: C, address: KafkaAddress) -> C:
    """*client*, of which each new connection uses the password that the file of *address* holds then."""
    if address.password_file is not None:
        connections = client.client if isinstance(client, AIOKafkaProducer) else client._client  # noqa: SLF001 - guarded by `tests/integration/test_secured_kafka.py`
        connections.__class__ = _FollowingClient
        connections.address = address
    return client


class _FollowingClient(AIOKafkaClient):  # type: ignore[misc]
    """aiokafka's connections. It takes a password once, and asks this attribute for every connection."""

    address: KafkaAddress

    @property
    def _sasl_plain_password(self) -> str:
        return self.address.current_password()


async def started(client: C, address: KafkaAddress) -> C:
    """*client*, which was made from *address*, started; one that does not start is closed.

    Raises aiokafka's errors, and `KafkaRefused` where the brokers are there and do not let it in.
    """
    try:
        await client.start()
    except BaseException as error:
        await close(client)
        if isinstance(error, KafkaConnectionError) and (reason := await refusal(connection(address))):
            raise KafkaRefused(reason) from error
        raise
    return client


async def close(client: Admin | Consumer | Producer) -> None:
    """End *client*, whether or not it was started."""
    await (client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())
