"""The id of a topic, which tells a topic from another one that was made later under its name, and one's rights on it.

aiokafka speaks Kafka's metadata request up to version 5; ids came with version 10 (Kafka 2.8). This is that request.
"""

from io import BytesIO
from typing import Any, Protocol, cast
from uuid import UUID

from aiokafka.errors import TopicAuthorizationFailedError, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

_NO_ID = UUID(int=0)


class _Id(AbstractType[UUID]):  # type: ignore[misc]
    """Kafka's UUID: 16 bytes."""

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


class _MetadataResponse(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Id),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataRequestStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Id), ("name", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataRequestStruct]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: type[_MetadataRequestStruct]) -> _MetadataRequestStruct:
        return request_struct_class([(_NO_ID, self._topic, {})], False, False, True, {})


class Connection(Protocol):
    """What is needed of aiokafka's client, which every client of it has as `_client`."""

    def get_random_node(self) -> int | None:
        """A broker."""

    async def send(self, node_id: int | None, request: Any) -> Any:  # noqa: ANN401 - aiokafka's
        """The broker's answer."""


async def topic_id(connection: Connection, topic: str) -> UUID | None:
    """The id of *topic*; `None` where the topic does not exist, or the broker is older than ids.

    Raises `KafkaError` where the broker does not answer. A broker learns of a new topic a moment after its controller,
    so an answer may be old, and an old one comes again only for that moment.
    """
    try:
        found = await _described(connection, topic)
    except (NotImplementedError, UnknownTopicOrPartitionError):
        return None
    return None if found[2] == _NO_ID else found[2]


async def authorized_operations(connection: Connection, topic: str) -> int | None:
    """What this account may do to *topic*, a bit for each of Kafka's operations; `None` where that is not known.

    It is not where the topic does not exist, or where the broker is older than ids. Raises as `topic_id` does.
    """
    try:
        return int((await _described(connection, topic))[5])
    except TopicAuthorizationFailedError:
        return 0
    except (NotImplementedError, UnknownTopicOrPartitionError):
        return None


async def _described(connection: Connection, topic: str) -> tuple[Any, ...]:
    answer = await connection.send(connection.get_random_node(), _MetadataRequest(topic))
    (found,) = answer.topics
    if found[0]:
        raise for_code(found[0])
    return cast("tuple[Any, ...]", found)
